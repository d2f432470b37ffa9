//! What happened, newest last.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Pane, teach};
use crate::console::theme::Theme;
use crate::console::{Model, text};
use crate::report::row;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {}

/// The pane.
pub struct Events;

impl Pane for Events {
    fn name(&self) -> &'static str {
        "Events"
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        if model.facts.events.is_empty() {
            return teach(&["Nothing has happened yet."], area, buf, theme);
        }
        let newest = model.facts.events.iter().rev().take(usize::from(area.height));
        for (row_y, line) in (area.y..area.bottom()).rev().zip(newest) {
            text::put(buf, area.x + 1, row_y, area.width.saturating_sub(2), &row::human(line), theme.plain);
        }
    }
}
