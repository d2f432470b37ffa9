//! A form: quoted text at the top, fields, and buttons that send. Alt-Enter sends, too.
//!
//! The form stays open until the supervisor has answered, so
//! that a refusal is shown in it and no typed text is lost.

mod field;
mod view;

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub(crate) use field::Field;
pub(crate) use field::Kind;

use super::{Dialog, Step};
use crate::Model;
use crate::ahead::Typed;
use crate::error::Refused;
use crate::msg::Effect;
use crate::theme::Theme;
use paddock_model::ids::IdError;

/// Why a form cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The field at fault, which gets the focus; `None` if no single field is.
    pub field: Option<&'static str>,
    /// The sentence that the form shows.
    pub text: String,
}

impl Fault {
    /// Creates a fault of a field.
    #[must_use]
    pub(crate) fn new(field: &'static str, text: impl Into<String>) -> Self {
        Self { field: Some(field), text: text.into() }
    }
}

impl From<IdError> for Fault {
    fn from(error: IdError) -> Self {
        Self { field: None, text: error.to_string() }
    }
}

/// The texts of the fields, by name.
pub(crate) struct Values(BTreeMap<&'static str, String>);

impl Values {
    /// Returns the trimmed text of a field, or an empty text if there is no such field.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }

    /// Returns the trimmed text of a field; `None` if it is empty.
    #[must_use]
    pub(crate) fn some(&self, name: &str) -> Option<String> {
        Some(self.get(name).to_owned()).filter(|text| !text.is_empty())
    }

    /// Returns the trimmed lines of a field, without blank ones.
    #[must_use]
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        self.get(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// Returns the words of a field, separated by blanks or commas.
    #[must_use]
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        let words = self.get(name).split(|letter: char| letter == ',' || letter.is_whitespace());
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    /// Parses a field as a whole number; `None` if it is empty.
    ///
    /// # Errors
    /// Fails if the text is not a whole number of `least` or more.
    pub(crate) fn number<N: std::str::FromStr + PartialOrd + Copy + std::fmt::Display>(
        &self,
        name: &'static str,
        least: N,
    ) -> Result<Option<N>, Fault> {
        let Some(text) = self.some(name) else { return Ok(None) };
        match text.parse::<N>() {
            Ok(number) if number >= least => Ok(Some(number)),
            _ => Err(Fault::new(name, format!("{text:?} is not a whole number of {least} or more"))),
        }
    }
}

/// Builds the effects to send from the values and the index
/// of the button. Commands are sent one after the other.
pub(crate) type Sent = Box<dyn Fn(&Model, &Values, usize) -> Result<Vec<Effect>, Fault>>;

/// The form dialog.
pub(crate) struct Form {
    title: String,
    draft: String,
    quoted: Vec<String>,
    fields: Vec<Field>,
    buttons: Vec<&'static str>,
    columns: u16,
    /// Index of the focused field. Indices after the fields are the buttons, of which the last cancels.
    focus: usize,
    problem: Option<String>,
    /// Description of the command whose answer the form waits for.
    waiting_for: Option<String>,
    /// Effects to send once the supervisor has accepted the current one.
    rest: VecDeque<Effect>,
    /// Row of the fields that is drawn first. A cell, since drawing adjusts it.
    top: Cell<u16>,
    sent: Sent,
}

impl Form {
    /// Creates a form. `draft` names the text that is kept on
    /// `Esc`; each of `buttons` sends, and Cancel follows them.
    #[must_use]
    pub(crate) fn new(
        model: &Model,
        title: impl Into<String>,
        draft: impl Into<String>,
        fields: Vec<Field>,
        buttons: Vec<&'static str>,
        sent: impl Fn(&Model, &Values, usize) -> Result<Vec<Effect>, Fault> + 'static,
    ) -> Self {
        let (quoted, columns) = (Vec::new(), 76);
        let mut form = Self {
            title: title.into(),
            draft: draft.into(),
            quoted,
            fields,
            buttons,
            columns,
            focus: 0,
            problem: None,
            waiting_for: None,
            rest: VecDeque::new(),
            top: Cell::new(0),
            sent: Box::new(sent),
        };
        // A draft is JSON, so that it holds every field. One that cannot be parsed counts as none.
        let kept = model.draft(&form.draft).and_then(|text| serde_json::from_str(text).ok());
        let kept: BTreeMap<String, String> = kept.unwrap_or_default();
        for field in &mut form.fields {
            if let Some(text) = kept.get(field.name) {
                field.set(text);
            }
        }
        form.refocus(model);
        form
    }

    /// Sets the lines that are quoted above the fields.
    #[must_use]
    pub(crate) fn quoting(mut self, lines: Vec<String>) -> Self {
        self.quoted = lines;
        self
    }

    /// Boxes the form as a dialog.
    #[must_use]
    pub(crate) fn boxed(self) -> Box<dyn Dialog> {
        Box::new(self)
    }

    /// Returns the values of the fields as they are now.
    #[must_use]
    pub(crate) fn values(&self) -> Values {
        Values(self.fields.iter().map(|field| (field.name, field.text())).collect())
    }

    fn refocus(&mut self, model: &Model) {
        for (index, field) in self.fields.iter_mut().enumerate() {
            field.set_focus(index == self.focus, &model.theme);
        }
    }

    fn move_focus(&mut self, model: &Model, by: isize) -> Step {
        let count = self.fields.len() + self.buttons.len() + 1;
        self.focus = (self.focus + count).saturating_add_signed(by) % count;
        self.refocus(model);
        Step::Stay
    }

    /// Returns the index of the focused button; `None` if a field has the focus. The last button cancels.
    fn button(&self) -> Option<usize> {
        self.focus.checked_sub(self.fields.len())
    }

    fn send(&mut self, model: &Model, button: usize) -> Step {
        if self.waiting_for.is_some() {
            return Step::Stay;
        }
        let fault = self.fields.iter().find_map(|field| Some(Fault::new(field.name, field.fault(model)?)));
        let effects = match fault {
            Some(fault) => Err(fault),
            None => (self.sent)(model, &self.values(), button),
        };
        match effects {
            Ok(effects) => {
                (self.problem, self.rest) = (None, effects.into());
                self.next()
            }
            // The focus moves to the field at fault, which also scrolls it into view.
            Err(fault) => {
                let at = self.fields.iter().position(|field| Some(field.name) == fault.field);
                self.focus = at.unwrap_or(self.focus);
                self.problem = Some(fault.text);
                self.refocus(model);
                Step::Stay
            }
        }
    }

    /// Sends the next command and waits for its answer; closes the form once none is left.
    fn next(&mut self) -> Step {
        let Some(effect) = self.rest.pop_front() else { return Step::Done(Vec::new()) };
        if let Effect::Ask { doing, .. } = &effect {
            self.waiting_for = Some(doing.clone());
            return Step::Do(vec![effect]);
        }
        // Effects that need no answer are run together, and the form closes.
        let rest = std::mem::take(&mut self.rest);
        Step::Done(std::iter::once(effect).chain(rest).collect())
    }

    fn on_button(&mut self, model: &Model, key: KeyEvent, button: usize) -> Step {
        match key.code {
            KeyCode::Enter | KeyCode::Char(' ') if button == self.buttons.len() => Step::Close,
            KeyCode::Enter | KeyCode::Char(' ') => self.send(model, button),
            KeyCode::Left | KeyCode::Up | KeyCode::BackTab => self.move_focus(model, -1),
            KeyCode::Right | KeyCode::Down | KeyCode::Tab => self.move_focus(model, 1),
            _ => Step::Stay,
        }
    }

    fn on_field(&mut self, model: &Model, key: KeyEvent) -> Step {
        let Some(field) = self.fields.get_mut(self.focus) else { return Step::Stay };
        match key.code {
            KeyCode::Tab if field.complete() => Step::Stay,
            KeyCode::Tab => self.move_focus(model, 1),
            KeyCode::BackTab => self.move_focus(model, -1),
            KeyCode::Enter if matches!(field.kind, Kind::Area { .. }) => {
                field.area.insert_newline();
                Step::Stay
            }
            KeyCode::Enter => self.move_focus(model, 1),
            code => {
                let is_taken = field.input(key);
                match code {
                    KeyCode::Down if !is_taken => self.move_focus(model, 1),
                    // Up in the first field does nothing: it would jump to the buttons at the bottom.
                    KeyCode::Up if !is_taken && self.focus > 0 => self.move_focus(model, -1),
                    _ => Step::Stay,
                }
            }
        }
    }
}

/// Returns whether a key sends the form: Alt-Enter or Ctrl-Enter. Some terminals send Ctrl-Enter as Ctrl-J,
/// and many cannot tell it from Enter, so the hints name Alt-Enter.
fn is_sending(key: KeyEvent) -> bool {
    let is_enter = key.code == KeyCode::Enter;
    (is_enter && key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT))
        || (key.code == KeyCode::Char('j') && key.modifiers.contains(KeyModifiers::CONTROL))
}

impl Dialog for Form {
    fn title(&self, _model: &Model) -> String {
        self.title.clone()
    }

    fn size(&self, model: &Model) -> (u16, u16) {
        let columns = self.columns.min(model.size.0.saturating_sub(6));
        (columns, self.rows(model, columns))
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        self.draw(model, area, buf, theme);
    }

    fn key(&mut self, model: &Model, key: KeyEvent) -> Step {
        let is_ctrl_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        if key.code == KeyCode::Esc || is_ctrl_c {
            return Step::Close;
        }
        // While it waits, keys are queued by `ahead` and never get here, except Esc and Ctrl-C above.
        if self.waiting_for.is_some() {
            return Step::Stay;
        }
        if is_sending(key) {
            let last = self.buttons.len().saturating_sub(1);
            return self.send(model, self.button().unwrap_or(0).min(last));
        }
        match self.button() {
            Some(button) => self.on_button(model, key, button),
            None => self.on_field(model, key),
        }
    }

    fn paste(&mut self, _model: &Model, pasted: &str) -> Step {
        if self.waiting_for.is_none()
            && let Some(field) = self.fields.get_mut(self.focus)
        {
            field.paste(pasted);
        }
        Step::Stay
    }

    fn hints(&self, _model: &Model) -> Vec<(&'static str, &'static str)> {
        let mut hints = vec![("Alt-Enter", "send"), ("Tab", "next")];
        match self.fields.get(self.focus) {
            Some(field) if !field.completions().is_empty() => hints[1] = ("Tab", "complete, next"),
            Some(Field { kind: Kind::Choice { .. }, .. }) => hints.push(("← →", "choose")),
            Some(Field { kind: Kind::Area { .. }, .. }) => hints.push(("Enter", "new line")),
            Some(_) => {}
            None => hints[1] = ("Enter", "press"),
        }
        hints.push(("Esc", "close, keep the draft"));
        hints
    }

    fn draft(&self) -> Option<(String, String)> {
        let typed: BTreeMap<&str, String> =
            self.fields.iter().map(|field| (field.name, field.text())).collect();
        Some((self.draft.clone(), serde_json::to_string(&typed).ok()?))
    }

    fn waits_for(&self) -> Option<&str> {
        self.waiting_for.as_deref()
    }

    fn ahead(&mut self, model: &Model, typed: &Typed) -> bool {
        match typed {
            // With the focus on a button, a key might press it.
            _ if self.button().is_some() => false,
            Typed::Key(key) if is_sending(*key) => false,
            Typed::Key(key) => {
                self.on_field(model, *key);
                true
            }
            Typed::Paste(text) => self.fields.get_mut(self.focus).is_some_and(|field| {
                field.paste(text);
                true
            }),
        }
    }

    fn answered(&mut self, _model: &Model, reply: Result<(), Refused>) -> Step {
        self.waiting_for = None;
        match reply {
            Ok(()) => self.next(),
            Err(refused) => {
                self.problem = Some(refused.to_string());
                Step::Stay
            }
        }
    }
}
