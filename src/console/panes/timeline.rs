//! The sessions and gate runs of the last hours as bars.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Pane, teach};
use crate::console::Model;
use crate::console::theme::Theme;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {}

/// The pane.
pub struct Timeline;

impl Pane for Timeline {
    fn name(&self) -> &'static str {
        "Timeline"
    }

    fn view(&self, _model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        teach(&["Nothing has run yet."], area, buf, theme);
    }
}
