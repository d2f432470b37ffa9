//! The merge queue: what will land, in order, and what it waits for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Pane, teach};
use crate::console::Model;
use crate::console::theme::Theme;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {}

/// The pane.
pub struct Queue;

impl Pane for Queue {
    fn name(&self) -> &'static str {
        "Merge queue"
    }

    fn view(&self, _model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        teach(&["Nothing is queued."], area, buf, theme);
    }
}
