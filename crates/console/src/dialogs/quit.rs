//! The dialog for leaving the console while work is in
//! progress: leave it running, stop gracefully, or kill it.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Dialog, Step};
use crate::msg::{Effect, QuitHow};
use crate::theme::Theme;
use crate::{Model, text};

/// The dialog for leaving.
#[derive(Default)]
pub(crate) struct Quit {
    chosen: usize,
}

const CHOICES: [(&str, &str, QuitHow); 3] = [
    (
        "leave them running",
        "the supervisor works on in the background; `paddock` returns to it",
        QuitHow::Leave,
    ),
    (
        "stop gracefully",
        "sessions are asked to stop and are harvested; a landing is finished",
        QuitHow::Graceful,
    ),
    ("kill everything", "sessions and gates are killed now; their work is kept", QuitHow::Kill),
];

impl Dialog for Quit {
    fn title(&self, _model: &Model) -> String {
        "Quit".to_owned()
    }

    fn size(&self, _model: &Model) -> (u16, u16) {
        (76, 8)
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        text::put(buf, area.x, area.y, area.width, &model.in_progress(), theme.strong);
        let mut y = area.y + 2;
        // Only the row of the name is marked; its explanation stays dim.
        for (index, (name, what, _)) in CHOICES.iter().enumerate() {
            let row = Rect { y, height: 1, ..area };
            text::put(buf, area.x + 2, y, area.width, name, theme.plain);
            text::put(buf, area.x + 4, y + 1, area.width.saturating_sub(4), what, theme.dim);
            if index == self.chosen {
                theme.select(buf, row, true);
            }
            y += 2;
        }
    }

    fn key(&mut self, _model: &Model, key: KeyEvent) -> Step {
        let last = CHOICES.len() - 1;
        match key.code {
            KeyCode::Esc | KeyCode::Char('n') => return Step::Close,
            KeyCode::Down | KeyCode::Tab | KeyCode::Char('j') => self.chosen = (self.chosen + 1).min(last),
            KeyCode::Up | KeyCode::BackTab | KeyCode::Char('k') => {
                self.chosen = self.chosen.saturating_sub(1);
            }
            KeyCode::Enter => return Step::Done(vec![Effect::Quit(CHOICES[self.chosen].2)]),
            // Ctrl-C opens this dialog. A second one stops gracefully,
            // as the first one does for `paddock run --no-tui`.
            KeyCode::Char('c') if key.modifiers.contains(crossterm::event::KeyModifiers::CONTROL) => {
                return Step::Done(vec![Effect::Quit(QuitHow::Graceful)]);
            }
            _ => {}
        }
        Step::Stay
    }

    fn hints(&self, _model: &Model) -> Vec<(&'static str, &'static str)> {
        vec![("j k", "choose"), ("Enter", "do it"), ("Esc", "stay here")]
    }
}
