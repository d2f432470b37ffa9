//! Finds any action by a few letters of its name or title, and runs it; what follows the name is its argument.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Dialog, Step};
use crate::console::actions::{Action, TABLE};
use crate::console::theme::Theme;
use crate::console::{Model, text};

/// The dialog.
pub struct Palette {
    typed: String,
    chosen: usize,
}

impl Palette {
    /// Opens it with these letters typed.
    #[must_use]
    pub fn new(_model: &Model, typed: &str) -> Self {
        Self { typed: typed.to_owned(), chosen: 0 }
    }

    /// The actions that fit, the best first.
    fn found(&self) -> Vec<&'static Action> {
        let (name, argument) = self.typed.trim_start().split_once(' ').unwrap_or((self.typed.trim(), ""));
        if (!argument.is_empty() || self.typed.ends_with(' '))
            && let Some(action) = TABLE.iter().find(|action| action.name == name)
        {
            return vec![action];
        }
        let pattern = Pattern::parse(&self.typed, CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut letters = Vec::new();
        let mut found: Vec<(u32, &Action)> = Vec::new();
        for action in TABLE.iter().filter(|action| action.name != "palette") {
            let line = format!("{} {}", action.name, action.title);
            if let Some(score) = pattern.score(Utf32Str::new(&line, &mut letters), &mut matcher) {
                found.push((score, action));
            }
        }
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, action)| action).collect()
    }

    fn argument(&self, action: &Action) -> Option<String> {
        let rest = self.typed.trim().strip_prefix(action.name)?.trim();
        (!rest.is_empty()).then(|| rest.to_owned())
    }
}

impl Dialog for Palette {
    fn title(&self, _model: &Model) -> String {
        "Commands".to_owned()
    }

    fn size(&self, _model: &Model) -> (u16, u16) {
        (84, 18)
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let taken = text::put(buf, area.x, area.y, area.width, &format!(": {}", self.typed), theme.plain);
        text::put(buf, area.x + taken, area.y, 1, " ", theme.selected);
        let rows = self.found();
        let height = usize::from(area.height.saturating_sub(2));
        let top = (self.chosen + 1).saturating_sub(height);
        for (y, (index, action)) in (area.y + 2..area.bottom()).zip(rows.iter().enumerate().skip(top)) {
            let why_not = (action.available)(model).err();
            let style = if why_not.is_some() { theme.dim } else { theme.plain };
            text::put(buf, area.x + 2, y, 16, action.name, style);
            text::put(
                buf,
                area.x + 19,
                y,
                area.width.saturating_sub(28),
                why_not.as_deref().unwrap_or(action.title),
                style,
            );
            let row = Rect { y, height: 1, ..area };
            text::put_right(buf, row, 1, &model.keymap.keys(action.name).join(" "), theme.key);
            if index == self.chosen.min(rows.len().saturating_sub(1)) {
                theme.select(buf, row, true);
            }
        }
    }

    fn key(&mut self, _model: &Model, key: KeyEvent) -> Step {
        let found = self.found();
        let last = found.len().saturating_sub(1);
        match key.code {
            KeyCode::Esc => return Step::Close,
            KeyCode::Enter => {
                return match found.get(self.chosen.min(last)) {
                    Some(action) => Step::Act(action.name, self.argument(action)),
                    None => Step::Stay,
                };
            }
            KeyCode::Tab => {
                if let Some(action) = found.get(self.chosen.min(last)) {
                    self.typed = format!("{} ", action.name);
                    self.chosen = 0;
                }
            }
            KeyCode::Down => self.chosen = (self.chosen + 1).min(last),
            KeyCode::Up => self.chosen = self.chosen.saturating_sub(1),
            KeyCode::Backspace if self.typed.pop().is_none() => return Step::Close,
            KeyCode::Backspace => self.chosen = 0,
            KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => self.typed.clear(),
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Step::Close,
            KeyCode::Char(letter) if !key.modifiers.contains(KeyModifiers::CONTROL) => {
                self.typed.push(letter);
                self.chosen = 0;
            }
            _ => {}
        }
        Step::Stay
    }

    fn paste(&mut self, _model: &Model, pasted: &str) -> Step {
        self.typed.extend(pasted.chars().filter(|letter| !letter.is_control()));
        Step::Stay
    }

    fn hints(&self, _model: &Model) -> Vec<(&'static str, &'static str)> {
        vec![("Enter", "run"), ("Tab", "complete"), ("Esc", "close")]
    }
}
