//! The live transcript of a session.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Pane, teach};
use crate::console::Model;
use crate::console::theme::Theme;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {}

/// The pane.
pub struct Log;

impl Pane for Log {
    fn name(&self) -> &'static str {
        "Log"
    }

    fn view(&self, _model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        teach(&["No session has run yet."], area, buf, theme);
    }
}
