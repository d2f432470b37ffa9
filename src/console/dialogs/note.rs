//! A title and a text area: retry with a note, reject, escalate, approve.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use tui_textarea::TextArea;

use super::{Dialog, Step};
use crate::console::msg::Effect;
use crate::console::theme::Theme;
use crate::console::{Model, text};

/// What is done with the text, or what is wrong with it.
pub type Sent = Box<dyn Fn(&Model, &str) -> Result<Vec<Effect>, String>>;

/// The dialog.
pub struct Note {
    title: String,
    draft: String,
    above: Vec<String>,
    area: TextArea<'static>,
    problem: Option<String>,
    sent: Sent,
}

impl Note {
    /// Asks for a text. `draft` names what is kept of it on `Esc`; `above` is quoted over the text area.
    #[must_use]
    pub fn new(model: &Model, title: String, draft: String, above: Vec<String>, sent: Sent) -> Self {
        let lines = model.draft(&draft).map(|text| text.lines().map(str::to_owned).collect());
        let mut area = TextArea::new(lines.unwrap_or_default());
        area.move_cursor(tui_textarea::CursorMove::Bottom);
        area.move_cursor(tui_textarea::CursorMove::End);
        area.set_cursor_line_style(ratatui::style::Style::new());
        Self { title, draft, above, area, problem: None, sent }
    }

    fn send(&mut self, model: &Model) -> Step {
        match (self.sent)(model, &self.area.lines().join("\n")) {
            Ok(effects) => Step::Done(effects),
            Err(problem) => {
                self.problem = Some(problem);
                Step::Stay
            }
        }
    }
}

impl Dialog for Note {
    fn title(&self, _model: &Model) -> String {
        self.title.clone()
    }

    fn size(&self, _model: &Model) -> (u16, u16) {
        let rows = self.above.len() + self.area.lines().len().clamp(4, 14) + 2;
        (70, u16::try_from(rows).unwrap_or(20))
    }

    fn view(&self, _model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let mut y = area.y;
        for line in self.above.iter().take(usize::from(area.height / 2)) {
            text::put(buf, area.x, y, area.width, line, theme.dim);
            y += 1;
        }
        let inner = Rect { y, height: area.bottom().saturating_sub(y + 2), ..area };
        (&self.area).render(inner, buf);
        if let Some(problem) = &self.problem {
            text::put(buf, area.x, area.bottom().saturating_sub(1), area.width, problem, theme.failed);
        }
    }

    fn key(&mut self, model: &Model, key: KeyEvent) -> Step {
        let is_sending = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match key.code {
            KeyCode::Esc => Step::Close,
            KeyCode::Enter if is_sending => self.send(model),
            _ => {
                self.area.input(key);
                Step::Stay
            }
        }
    }

    fn paste(&mut self, _model: &Model, pasted: &str) -> Step {
        self.area.insert_str(pasted);
        Step::Stay
    }

    fn hints(&self, _model: &Model) -> Vec<(&'static str, &'static str)> {
        vec![("Alt-Enter", "send"), ("Esc", "close, the draft is kept")]
    }

    fn draft(&self) -> Option<(String, String)> {
        Some((self.draft.clone(), self.area.lines().join("\n")))
    }
}
