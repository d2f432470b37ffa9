//! What sessions and days may use, and have used.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Pane, teach};
use crate::console::Model;
use crate::console::theme::Theme;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {}

/// The pane.
pub struct Budgets;

impl Pane for Budgets {
    fn name(&self) -> &'static str {
        "Budget"
    }

    fn view(&self, _model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        teach(&["Nothing was used yet."], area, buf, theme);
    }
}
