//! Asks for confirmation before an action that cannot be undone. The Cancel button has the focus at first.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Dialog, Step};
use crate::error::Refused;
use crate::msg::Effect;
use crate::theme::Theme;
use crate::{Model, text};

/// Returns the effects of a confirmation, or why they are refused. Called when the person confirms, since the
/// facts may have changed while the dialog was open.
pub(crate) type Confirmed = Box<dyn Fn(&Model) -> Result<Vec<Effect>, Refused>>;

/// The confirmation dialog.
pub(crate) struct Confirm {
    title: String,
    lines: Vec<String>,
    yes: &'static str,
    on_yes: bool,
    refused: Option<Refused>,
    /// Description of the command whose answer the dialog waits for.
    waiting_for: Option<String>,
    confirmed: Confirmed,
}

impl Confirm {
    /// Creates the dialog. `lines` name the target and say what
    /// will happen to it; `yes` is the label of the button.
    #[must_use]
    pub(crate) fn new(title: String, lines: Vec<String>, yes: &'static str, confirmed: Confirmed) -> Self {
        Self { title, lines, yes, on_yes: false, refused: None, waiting_for: None, confirmed }
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str).chain(self.refused.as_ref().map(Refused::why))
    }

    fn confirm(&mut self, model: &Model) -> Step {
        match (self.confirmed)(model) {
            Ok(effects) => match &effects[..] {
                // Stay open until the supervisor answers, to show a refusal here.
                [Effect::Ask { doing, .. }] => {
                    self.waiting_for = Some(doing.clone());
                    Step::Do(effects)
                }
                _ => Step::Done(effects),
            },
            // The focus goes back to Cancel, so that another Enter
            // closes the dialog instead of repeating the order.
            Err(why) => {
                (self.refused, self.on_yes) = (Some(why), false);
                Step::Stay
            }
        }
    }
}

impl Dialog for Confirm {
    fn title(&self, _model: &Model) -> String {
        self.title.clone()
    }

    fn size(&self, _model: &Model) -> (u16, u16) {
        let widest = self.texts().map(text::width).max().unwrap_or(0);
        let columns = u16::try_from(widest.clamp(36, 70)).unwrap_or(70);
        let rows: usize = self.texts().map(|line| text::wrap(line, usize::from(columns)).len()).sum();
        (columns, u16::try_from(rows + 2).unwrap_or(8))
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let mut y = area.y;
        for line in self.lines.iter().flat_map(|line| text::wrap(line, usize::from(area.width))) {
            text::put(buf, area.x, y, area.width, &line, theme.plain);
            y += 1;
        }
        let refused = self.refused.iter().flat_map(|no| text::wrap(no.why(), usize::from(area.width)));
        // The last row belongs to the buttons, however long the reason is.
        for (y, line) in (y..area.bottom().saturating_sub(1)).zip(refused) {
            text::put(buf, area.x, y, area.width, &line, theme.failed);
        }
        let y = area.bottom().saturating_sub(1);
        if let Some(doing) = &self.waiting_for {
            let words = format!("asking the supervisor: {doing} …{}", model.ahead.described());
            text::put(buf, area.x, y, area.width, &words, theme.working);
            return;
        }
        let styles = if self.on_yes { (theme.plain, theme.selected) } else { (theme.selected, theme.plain) };
        let taken = text::put(buf, area.x, y, area.width, "[ Cancel ]", styles.0);
        let yes = format!("[ {} ]", self.yes);
        text::put(buf, area.x + taken + 2, y, area.width.saturating_sub(taken + 2), &yes, styles.1);
    }

    fn key(&mut self, model: &Model, key: KeyEvent) -> Step {
        let is_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if is_ctrl => Step::Close,
            // Esc works while it waits, too: the supervisor may be busy for as long as a landing.
            _ if self.waiting_for.is_some() && key.code != KeyCode::Esc => Step::Stay,
            KeyCode::Esc | KeyCode::Char('n' | 'N' | 'q') => Step::Close,
            KeyCode::Char('y' | 'Y') => self.confirm(model),
            KeyCode::Left | KeyCode::Right | KeyCode::Tab | KeyCode::BackTab | KeyCode::Char('h' | 'l') => {
                self.on_yes = !self.on_yes;
                Step::Stay
            }
            KeyCode::Enter if self.on_yes => self.confirm(model),
            KeyCode::Enter => Step::Close,
            _ => Step::Stay,
        }
    }

    fn waits_for(&self) -> Option<&str> {
        self.waiting_for.as_deref()
    }

    fn answered(&mut self, _model: &Model, reply: Result<(), Refused>) -> Step {
        self.waiting_for = None;
        match reply {
            Ok(()) => Step::Done(Vec::new()),
            Err(why) => {
                (self.refused, self.on_yes) = (Some(why), false);
                Step::Stay
            }
        }
    }

    fn hints(&self, _model: &Model) -> Vec<(&'static str, &'static str)> {
        vec![("Tab", "other button"), ("y", "yes"), ("n", "no"), ("Esc", "cancel")]
    }
}
