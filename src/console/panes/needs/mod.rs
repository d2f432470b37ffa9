//! What waits for a human, and what each key would do about it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Pane, teach};
use crate::console::Model;
use crate::console::theme::Theme;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {}

/// The pane.
pub struct Needs;

impl Pane for Needs {
    fn name(&self) -> &'static str {
        "Needs you"
    }

    fn view(&self, _model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        teach(&["Nothing waits for you."], area, buf, theme);
    }
}
