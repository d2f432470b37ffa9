//! The help: every action with its current keys. Searchable;
//! actions that are not available are dimmed, with the reason.

use std::cell::Cell;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Dialog, Step};
use crate::actions::{Action, Group};
use crate::theme::Theme;
use crate::{Model, text};

/// The help dialog.
pub(crate) struct Help {
    actions: &'static [Action],
    search: Option<String>,
    top: Cell<usize>,
}

enum Row {
    Group(&'static str),
    Action { keys: String, title: &'static str, why_not: Option<String> },
}

impl Help {
    /// Creates the help. The caller passes the table, which
    /// this file must not import: the table opens this dialog.
    #[must_use]
    pub(crate) fn new(actions: &'static [Action]) -> Self {
        Self { actions, search: None, top: Cell::default() }
    }

    fn rows(&self, model: &Model) -> Vec<Row> {
        let wanted = self.search.as_deref().unwrap_or_default().to_lowercase();
        let mut rows = Vec::new();
        for group in Group::ALL {
            let actions = self.actions.iter().filter(|action| action.group == group).filter(|action| {
                action.title.to_lowercase().contains(&wanted) || action.name.contains(&wanted)
            });
            let mut found = actions.peekable();
            if found.peek().is_some() {
                rows.push(Row::Group(group.word()));
            }
            rows.extend(found.map(|action| Row::Action {
                keys: model.keymap.keys(action.name).join(" "),
                title: action.title,
                why_not: (action.available)(model).err().map(|no| no.to_string()),
            }));
        }
        rows
    }
}

impl Dialog for Help {
    fn title(&self, _model: &Model) -> String {
        match &self.search {
            Some(search) => format!("Help / {search}"),
            None => "Help".to_owned(),
        }
    }

    fn size(&self, model: &Model) -> (u16, u16) {
        (84, u16::try_from(self.rows(model).len()).unwrap_or(60).clamp(6, 60))
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let rows = self.rows(model);
        // Clamped here, since only drawing knows the height; the keys move the top blindly.
        let last = rows.len().saturating_sub(usize::from(area.height));
        self.top.set(self.top.get().min(last));
        for (y, row) in (area.y..area.bottom()).zip(rows.iter().skip(self.top.get())) {
            match row {
                Row::Group(word) => {
                    text::put(buf, area.x, y, area.width, word, theme.strong);
                }
                Row::Action { keys, title, why_not } => {
                    text::put(buf, area.x + 2, y, 14, keys, theme.key);
                    let style = if why_not.is_some() { theme.dim } else { theme.plain };
                    let columns = area.width.saturating_sub(17);
                    let taken = text::put(buf, area.x + 17, y, columns, title, style);
                    if let Some(why) = why_not {
                        let x = area.x + 17 + taken + 2;
                        text::put(buf, x, y, area.right().saturating_sub(x), &format!("({why})"), theme.dim);
                    }
                }
            }
        }
    }

    fn key(&mut self, _model: &Model, key: KeyEvent) -> Step {
        let top = self.top.get();
        match (key.code, &mut self.search) {
            // While a search is open, letters belong to it, so `j`, `k`, `q` and `?` work only without one.
            (KeyCode::Esc, Some(_)) => self.search = None,
            (KeyCode::Esc | KeyCode::Enter, _) => return Step::Close,
            (KeyCode::Down, _) => self.top.set(top + 1),
            (KeyCode::Up, _) => self.top.set(top.saturating_sub(1)),
            (KeyCode::PageDown, _) => self.top.set(top + 15),
            (KeyCode::PageUp, _) => self.top.set(top.saturating_sub(15)),
            (KeyCode::Backspace, Some(search)) => drop(search.pop()),
            // The rows change with each letter, so the list starts at its top again.
            (KeyCode::Char(letter), Some(search)) if !key.modifiers.contains(KeyModifiers::CONTROL) => {
                search.push(letter);
                self.top.set(0);
            }
            (KeyCode::Char('/'), None) => self.search = Some(String::new()),
            (KeyCode::Char('j'), None) => self.top.set(top + 1),
            (KeyCode::Char('k'), None) => self.top.set(top.saturating_sub(1)),
            (KeyCode::Char('?' | 'q'), None) => return Step::Close,
            _ => {}
        }
        Step::Stay
    }

    fn hints(&self, _model: &Model) -> Vec<(&'static str, &'static str)> {
        vec![("/", "search"), ("j k", "scroll"), ("Esc", "close")]
    }
}
