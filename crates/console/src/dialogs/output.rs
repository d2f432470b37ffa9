//! A dialog that shows a text: an explanation, the output of a command, the faults of a file.

use std::cell::Cell;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Dialog, Step};
use crate::theme::Theme;
use crate::{Model, text};

/// Number of lines that are kept.
const LINES_MAX: usize = 5000;

/// The output dialog.
pub(crate) struct Output {
    title: String,
    lines: Vec<String>,
    top: Cell<usize>,
}

impl Output {
    /// Creates a dialog that shows a text.
    #[must_use]
    pub(crate) fn new(title: impl Into<String>, shown: &str) -> Self {
        // Cleaned once here and not for every frame.
        let lines = shown.lines().take(LINES_MAX).map(text::clean).collect();
        Self { title: title.into(), lines, top: Cell::new(0) }
    }

    fn wrapped(&self, columns: u16) -> Vec<String> {
        self.lines
            .iter()
            .flat_map(|line| match line.is_empty() {
                // `wrap` returns no line for an empty text.
                true => vec![String::new()],
                false => text::wrap(line, usize::from(columns)),
            })
            .collect()
    }

    fn scroll(&self, by: isize) {
        self.top.set(self.top.get().saturating_add_signed(by));
    }
}

impl Dialog for Output {
    fn title(&self, _model: &Model) -> String {
        self.title.clone()
    }

    fn size(&self, model: &Model) -> (u16, u16) {
        let widest = self.lines.iter().map(|line| text::width(line)).max().unwrap_or(0).clamp(40, 96);
        let columns = u16::try_from(widest).unwrap_or(96).min(model.size.0.saturating_sub(6));
        (columns, u16::try_from(self.wrapped(columns).len().clamp(3, 40)).unwrap_or(40))
    }

    fn view(&self, _model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let lines = self.wrapped(area.width);
        let last = lines.len().saturating_sub(usize::from(area.height));
        self.top.set(self.top.get().min(last));
        for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(self.top.get())) {
            text::put(buf, area.x, y, area.width, line, theme.plain);
        }
    }

    fn key(&mut self, _model: &Model, key: KeyEvent) -> Step {
        match key.code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') => return Step::Close,
            KeyCode::Down | KeyCode::Char('j') => self.scroll(1),
            KeyCode::Up | KeyCode::Char('k') => self.scroll(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll(15),
            KeyCode::PageUp => self.scroll(-15),
            KeyCode::Home | KeyCode::Char('g') => self.top.set(0),
            // Drawing lowers this to the last screenful.
            KeyCode::End | KeyCode::Char('G') => self.top.set(usize::MAX),
            _ => {}
        }
        Step::Stay
    }

    fn hints(&self, _model: &Model) -> Vec<(&'static str, &'static str)> {
        vec![("j k", "scroll"), ("Esc", "close")]
    }
}
