//! A field of a form: one line, several lines, or a choice.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use paddock_model::cut;
use ratatui::style::{Modifier, Style};
use tui_textarea::{CursorMove, TextArea, WrapMode};

use crate::theme::Theme;
use crate::{Model, text};
use paddock_report::text::is_harmful;

/// Returns the fault of a text while it is typed, if there is one.
pub(super) type Check = Box<dyn Fn(&Model, &str) -> Option<String>>;

/// Pasted text is cut to this length, in bytes. No prompt is longer.
const PASTE_BYTES_MAX: usize = 64 << 10;

/// The kind of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One line.
    Line,
    /// Several lines. The field grows with its text.
    Area {
        /// Smallest height, in rows.
        least: u16,
        /// Greatest height, in rows.
        most: u16,
    },
    /// A choice between options.
    Choice {
        /// The options; an empty one stands for none.
        options: Vec<String>,
        /// Index of the chosen option.
        at: usize,
    },
}

/// A field of a form.
pub(crate) struct Field {
    /// Label before the field, which also identifies it in [`super::Values`].
    pub name: &'static str,
    /// The kind.
    pub kind: Kind,
    /// The editor that holds the text.
    pub area: TextArea<'static>,
    check: Option<Check>,
    candidates: Vec<String>,
}

impl Field {
    fn new(name: &'static str, hint: &str, kind: Kind) -> Self {
        let mut area = TextArea::default();
        area.set_placeholder_text(hint);
        // The default underlines the whole line that the cursor is on.
        area.set_cursor_line_style(Style::new());
        area.set_max_histories(200);
        if matches!(kind, Kind::Area { .. }) {
            area.set_wrap_mode(WrapMode::WordOrGlyph);
        }
        Self { name, kind, area, check: None, candidates: Vec::new() }
    }

    /// Creates a field of one line. The hint is shown while it is empty.
    #[must_use]
    pub(crate) fn line(name: &'static str, hint: &str) -> Self {
        Self::new(name, hint, Kind::Line)
    }

    /// Creates a field of several lines, `least` to `most` rows high.
    #[must_use]
    pub(crate) fn area(name: &'static str, hint: &str, least: u16, most: u16) -> Self {
        Self::new(name, hint, Kind::Area { least, most })
    }

    /// Creates a choice; `at` is the index of the option that is chosen at first.
    #[must_use]
    pub(crate) fn choice(name: &'static str, options: Vec<String>, at: usize) -> Self {
        Self::new(name, "", Kind::Choice { options, at })
    }

    /// Sets the initial text.
    #[must_use]
    pub(crate) fn with(mut self, text: &str) -> Self {
        self.set(text);
        self
    }

    /// Sets a check that runs while the text is typed. Its fault is shown below the field.
    #[must_use]
    pub(crate) fn checked(mut self, check: impl Fn(&Model, &str) -> Option<String> + 'static) -> Self {
        self.check = Some(Box::new(check));
        self
    }

    /// Sets the words that Tab completes.
    #[must_use]
    pub(crate) fn completing(mut self, candidates: Vec<String>) -> Self {
        self.candidates = candidates;
        self
    }

    /// Returns the text, or the chosen option.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        match &self.kind {
            Kind::Choice { options, at } => options.get(*at).cloned().unwrap_or_default(),
            _ => self.area.lines().join("\n"),
        }
    }

    /// Replaces the text and moves the cursor to its end. A
    /// choice keeps its option if the text is none of them.
    pub(crate) fn set(&mut self, text: &str) {
        if let Kind::Choice { options, at } = &mut self.kind {
            *at = options.iter().position(|one| one == text).unwrap_or(*at);
            return;
        }
        // Edited in place: a new editor would lose the styles, the placeholder and the undo history.
        self.area.select_all();
        self.area.delete_char();
        self.area.insert_str(self.fitting(text));
        self.area.move_cursor(CursorMove::Bottom);
        self.area.move_cursor(CursorMove::End);
    }

    /// Returns text from outside without control characters,
    /// and without line breaks if the field has one line.
    fn fitting(&self, text: &str) -> String {
        let text =
            cut::start(text, PASTE_BYTES_MAX).replace("\r\n", "\n").replace('\r', "\n").replace('\t', "    ");
        let is_line = self.kind == Kind::Line;
        let fit = |letter: char| match letter {
            '\n' if is_line => Some(' '),
            '\n' => Some('\n'),
            other if is_harmful(other) => None,
            other => Some(other),
        };
        let text: String = text.chars().filter_map(fit).collect();
        if is_line { text.trim_end().to_owned() } else { text }
    }

    /// Returns the fault of the text. An empty field has none: whether it is required is checked on sending.
    #[must_use]
    pub(crate) fn fault(&self, model: &Model) -> Option<String> {
        let text = self.text();
        if text.trim().is_empty() {
            return None;
        }
        self.check.as_ref().and_then(|check| check(model, &text))
    }

    /// Returns whether a line may appear below the field: a fault or completions.
    #[must_use]
    pub(crate) fn has_below(&self) -> bool {
        self.check.is_some() || !self.candidates.is_empty()
    }

    /// Returns the height of the field at this width, in rows.
    #[must_use]
    pub(crate) fn rows(&self, columns: u16) -> u16 {
        let Kind::Area { least, most } = self.kind else { return 1 };
        let wrapped = |line: &String| text::wrap(line, usize::from(columns)).len().max(1);
        let rows: usize = self.area.lines().iter().map(wrapped).sum();
        u16::try_from(rows).unwrap_or(most).clamp(least, most)
    }

    /// Shows or hides the cursor.
    pub(crate) fn set_focus(&mut self, is: bool, theme: &Theme) {
        let cursor = if is { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
        self.area.set_cursor_style(cursor);
        self.area.set_placeholder_style(theme.dim);
    }

    /// Handles a key. Returns false if the field has no use for
    /// it, so that the form can use it to change the focus.
    pub(crate) fn input(&mut self, key: KeyEvent) -> bool {
        let is_plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match (&mut self.kind, key.code) {
            (Kind::Choice { options, at }, KeyCode::Right | KeyCode::Char(' ' | 'l')) => {
                *at = (*at + 1) % options.len().max(1);
                true
            }
            (Kind::Choice { options, at }, KeyCode::Left | KeyCode::Char('h')) => {
                *at = (*at + options.len().saturating_sub(1)) % options.len().max(1);
                true
            }
            (Kind::Choice { .. }, _) => false,
            (Kind::Line, KeyCode::Enter | KeyCode::Up | KeyCode::Down) => false,
            // Up and Down leave the field only where the cursor cannot move any further.
            (_, KeyCode::Up | KeyCode::Down) if is_plain => {
                let before = self.area.screen_cursor().row;
                self.area.input(key);
                self.area.screen_cursor().row != before
            }
            // Tab changes the field, as everywhere in the form.
            (Kind::Area { .. }, KeyCode::Tab) => false,
            _ => {
                self.area.input(key);
                true
            }
        }
    }

    /// Inserts pasted text at the cursor.
    pub(crate) fn paste(&mut self, pasted: &str) {
        if !matches!(self.kind, Kind::Choice { .. }) {
            let fit = self.fitting(pasted);
            self.area.insert_str(fit);
        }
    }

    /// Returns the word that is being typed: the text after the last comma or blank.
    fn partial(&self) -> String {
        let line = self.area.lines().first().cloned().unwrap_or_default();
        line.rsplit([',', ' ']).next().unwrap_or_default().to_owned()
    }

    /// Returns the completions of the word that is being typed. Those that begin with it come first.
    #[must_use]
    pub(crate) fn completions(&self) -> Vec<&str> {
        let (partial, text) = (self.partial().to_lowercase(), self.text());
        let had: Vec<&str> = text.split([',', ' ']).filter(|word| !word.is_empty()).collect();
        let mut found: Vec<&str> = self
            .candidates
            .iter()
            .map(String::as_str)
            .filter(|one| one.to_lowercase().contains(&partial) && !had.contains(one))
            .collect();
        found.sort_by_key(|one| !one.to_lowercase().starts_with(&partial));
        found
    }

    /// Completes the word that is being typed. Returns false if
    /// there is none, so that Tab changes the focus instead.
    pub(crate) fn complete(&mut self) -> bool {
        let partial = self.partial();
        let Some(full) = self.completions().first().map(|full| (*full).to_owned()) else { return false };
        // After a blank or a comma Tab leaves the field: completing the first candidate would surprise.
        if partial.is_empty() || self.kind != Kind::Line {
            return false;
        }
        let text = self.text();
        let kept = text.strip_suffix(partial.as_str()).unwrap_or_default();
        let text = format!("{kept}{full}");
        self.set(&text);
        true
    }
}
