//! One thing that is asked for in a form: a line, a text, or one of a few.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use paddock_model::cut;
use ratatui::style::{Modifier, Style};
use tui_textarea::{CursorMove, TextArea, WrapMode};

use crate::theme::Theme;
use crate::{Model, text};
use paddock_report::text::is_harmful;

/// What is wrong with a text as it is typed; none: nothing.
pub(super) type Check = Box<dyn Fn(&Model, &str) -> Option<String>>;

/// Pasted text is cut to this: no prompt takes more.
const PASTE_BYTES_MAX: usize = 64 << 10;

/// How it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One line.
    Line,
    /// Several lines; it grows between these heights.
    Area {
        /// Rows at least.
        least: u16,
        /// Rows at most.
        most: u16,
    },
    /// One of these.
    Choice {
        /// What can be chosen.
        options: Vec<String>,
        /// Which is.
        at: usize,
    },
}

/// The field.
pub(crate) struct Field {
    /// What stands before it; empty: it has the whole width.
    pub name: &'static str,
    /// How it is typed.
    pub kind: Kind,
    /// The text.
    pub area: TextArea<'static>,
    check: Option<Check>,
    candidates: Vec<String>,
}

impl Field {
    fn new(name: &'static str, hint: &str, kind: Kind) -> Self {
        let mut area = TextArea::default();
        area.set_placeholder_text(hint);
        area.set_cursor_line_style(Style::new());
        area.set_max_histories(200);
        if matches!(kind, Kind::Area { .. }) {
            area.set_wrap_mode(WrapMode::WordOrGlyph);
        }
        Self { name, kind, area, check: None, candidates: Vec::new() }
    }

    /// One line; the hint is shown while it is empty.
    #[must_use]
    pub(crate) fn line(name: &'static str, hint: &str) -> Self {
        Self::new(name, hint, Kind::Line)
    }

    /// Several lines.
    #[must_use]
    pub(crate) fn area(name: &'static str, hint: &str, least: u16, most: u16) -> Self {
        Self::new(name, hint, Kind::Area { least, most })
    }

    /// One of a few.
    #[must_use]
    pub(crate) fn choice(name: &'static str, options: Vec<String>, at: usize) -> Self {
        Self::new(name, "", Kind::Choice { options, at })
    }

    /// With a text in it.
    #[must_use]
    pub(crate) fn with(mut self, text: &str) -> Self {
        self.set(text);
        self
    }

    /// What is wrong is said while it is typed.
    #[must_use]
    pub(crate) fn checked(mut self, check: impl Fn(&Model, &str) -> Option<String> + 'static) -> Self {
        self.check = Some(Box::new(check));
        self
    }

    /// Words that Tab completes.
    #[must_use]
    pub(crate) fn completing(mut self, candidates: Vec<String>) -> Self {
        self.candidates = candidates;
        self
    }

    /// What was typed or chosen.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        match &self.kind {
            Kind::Choice { options, at } => options.get(*at).cloned().unwrap_or_default(),
            _ => self.area.lines().join("\n"),
        }
    }

    /// Puts a text in, the cursor behind it.
    pub(crate) fn set(&mut self, text: &str) {
        if let Kind::Choice { options, at } = &mut self.kind {
            *at = options.iter().position(|one| one == text).unwrap_or(*at);
            return;
        }
        self.area.select_all();
        self.area.delete_char();
        self.area.insert_str(self.fitting(text));
        self.area.move_cursor(CursorMove::Bottom);
        self.area.move_cursor(CursorMove::End);
    }

    /// Text from outside as it may stand here: no control characters, and no lines where there is only one.
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

    /// What is wrong with the text, when there is any.
    #[must_use]
    pub(crate) fn fault(&self, model: &Model) -> Option<String> {
        let text = self.text();
        if text.trim().is_empty() {
            return None;
        }
        self.check.as_ref().and_then(|check| check(model, &text))
    }

    /// Whether something may be said below it.
    #[must_use]
    pub(crate) fn has_below(&self) -> bool {
        self.check.is_some() || !self.candidates.is_empty()
    }

    /// How many rows it takes at this width.
    #[must_use]
    pub(crate) fn rows(&self, columns: u16) -> u16 {
        let Kind::Area { least, most } = self.kind else { return 1 };
        let wrapped = |line: &String| text::wrap(line, usize::from(columns)).len().max(1);
        let rows: usize = self.area.lines().iter().map(wrapped).sum();
        u16::try_from(rows).unwrap_or(most).clamp(least, most)
    }

    /// Shows the cursor, or hides it.
    pub(crate) fn set_focus(&mut self, is: bool, theme: &Theme) {
        let cursor = if is { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
        self.area.set_cursor_style(cursor);
        self.area.set_placeholder_style(theme.dim);
    }

    /// The key changes something here; tells whether it did, so that whoever asks may use it otherwise.
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
            // A moved cursor is something, one that stands at the edge leaves the field.
            (_, KeyCode::Up | KeyCode::Down) if is_plain => {
                let before = self.area.screen_cursor().row;
                self.area.input(key);
                self.area.screen_cursor().row != before
            }
            (Kind::Area { .. }, KeyCode::Tab) => false,
            _ => {
                self.area.input(key);
                true
            }
        }
    }

    /// Takes pasted text in.
    pub(crate) fn paste(&mut self, pasted: &str) {
        if !matches!(self.kind, Kind::Choice { .. }) {
            let fit = self.fitting(pasted);
            self.area.insert_str(fit);
        }
    }

    fn partial(&self) -> String {
        let line = self.area.lines().first().cloned().unwrap_or_default();
        line.rsplit([',', ' ']).next().unwrap_or_default().to_owned()
    }

    /// What the word that is being typed could become, the likeliest first.
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

    /// Completes the word that is being typed; tells whether there was one to complete.
    pub(crate) fn complete(&mut self) -> bool {
        let partial = self.partial();
        let Some(full) = self.completions().first().map(|full| (*full).to_owned()) else { return false };
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
