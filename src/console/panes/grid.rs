//! The last lines of every running session, side by side.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Pane, teach};
use crate::console::Model;
use crate::console::theme::Theme;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {}

/// The pane.
pub struct Grid;

impl Pane for Grid {
    fn name(&self) -> &'static str {
        "Sessions"
    }

    fn view(&self, _model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        teach(&["No session runs."], area, buf, theme);
    }
}
