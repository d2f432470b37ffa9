//! One objective with everything that is known of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Pane, teach};
use crate::console::Model;
use crate::console::theme::Theme;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {}

/// The pane.
pub struct ObjectiveView;

/// The gate run whose output is on the screen.
#[must_use]
pub fn gate(_model: &Model) -> Option<crate::domain::ids::GateId> {
    None
}

impl Pane for ObjectiveView {
    fn name(&self) -> &'static str {
        "Objective"
    }

    fn view(&self, _model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        teach(&["No objective is selected."], area, buf, theme);
    }
}
