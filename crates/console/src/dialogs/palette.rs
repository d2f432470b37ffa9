//! The palette: finds any action or command by a few letters
//! and runs it. Text after the name is its argument.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Dialog, Step};
use crate::actions::{Action, Argument};
use crate::commands::{self, CommandLine};
use crate::theme::Theme;
use crate::{Model, text};

/// The palette dialog.
pub(crate) struct Palette {
    actions: &'static [Action],
    typed: String,
    chosen: usize,
}

/// An entry of the palette.
enum Choice<'a> {
    Action(&'static Action),
    Command(&'a CommandLine),
}

impl Choice<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Action(action) => action.name,
            Self::Command(command) => &command.words,
        }
    }

    fn title(&self) -> &str {
        match self {
            Self::Action(action) => action.title,
            Self::Command(command) => &command.about,
        }
    }

    fn arguments(&self) -> &str {
        match self {
            Self::Action(action) => match action.argument {
                Argument::None => "",
                Argument::Optional(what) | Argument::Asked(what) => what,
            },
            Self::Command(command) => &command.usage,
        }
    }
}

/// Returns the text after a name, if the typed text begins with that name as a whole word.
fn rest<'t>(typed: &'t str, name: &str) -> Option<&'t str> {
    let rest = typed.trim_start().strip_prefix(name)?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim())
}

impl Palette {
    /// Creates the palette with these letters typed.
    #[must_use]
    pub(crate) fn new(actions: &'static [Action], typed: &str) -> Self {
        Self { actions, typed: typed.to_owned(), chosen: 0 }
    }

    /// Returns the matching entries, the best first. A whole
    /// name followed by a blank matches only its own entry.
    fn found<'m>(&self, model: &'m Model) -> Vec<Choice<'m>> {
        // The palette does not offer to open itself.
        let actions = self.actions.iter().filter(|action| action.name != "palette").map(Choice::Action);
        let all = actions.chain(model.commands.iter().map(Choice::Command));
        if self.typed.trim_start().contains(' ') {
            let named = all.filter(|choice| rest(&self.typed, choice.name()).is_some());
            // `plan` is an action, `plan show` a command: the longest name wins.
            if let Some(longest) = named.max_by_key(|choice| choice.name().len()) {
                return vec![longest];
            }
            return self.fuzzy(
                self.actions.iter().map(Choice::Action).chain(model.commands.iter().map(Choice::Command)),
            );
        }
        self.fuzzy(all)
    }

    fn fuzzy<'m>(&self, all: impl Iterator<Item = Choice<'m>>) -> Vec<Choice<'m>> {
        let pattern = Pattern::parse(&self.typed, CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut letters = Vec::new();
        let mut found: Vec<(u32, Choice<'m>)> = Vec::new();
        for choice in all {
            let name = pattern.score(Utf32Str::new(choice.name(), &mut letters), &mut matcher);
            let title = pattern.score(Utf32Str::new(choice.title(), &mut letters), &mut matcher);
            // People more often mean the name than the sentence about it.
            if let Some(score) = name.map(|score| score * 2).max(title) {
                found.push((score, choice));
            }
        }
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, choice)| choice).collect()
    }

    fn enter(&mut self, model: &Model) -> Step {
        let found = self.found(model);
        // Clamped, since the length of the list depends on what is typed.
        let Some(choice) = found.get(self.chosen.min(found.len().saturating_sub(1))) else {
            return Step::Stay;
        };
        let argument = rest(&self.typed, choice.name()).filter(|rest| !rest.is_empty()).map(str::to_owned);
        match choice {
            Choice::Action(action) => Step::Act(action.name, argument),
            Choice::Command(command) if argument.is_some() || !command.needs_more => {
                let line = format!("{} {}", command.words, argument.unwrap_or_default());
                Step::Done(commands::run(model, &line))
            }
            // A required argument is missing: complete the name, and show the usage instead of an error.
            Choice::Command(command) => {
                (self.typed, self.chosen) = (format!("{} ", command.words), 0);
                Step::Stay
            }
        }
    }

    fn complete(&mut self, model: &Model) {
        let found = self.found(model);
        if let Some(choice) = found.get(self.chosen.min(found.len().saturating_sub(1)))
            && rest(&self.typed, choice.name()).is_none_or(str::is_empty)
        {
            (self.typed, self.chosen) = (format!("{} ", choice.name()), 0);
        }
    }
}

impl Dialog for Palette {
    fn title(&self, _model: &Model) -> String {
        "Commands".to_owned()
    }

    fn size(&self, model: &Model) -> (u16, u16) {
        (90, (model.size.1 / 2).clamp(10, 24))
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let columns = area.width.saturating_sub(3);
        // The end of a long line stays visible, since that is where the cursor is.
        let shown = text::tail(&self.typed, usize::from(columns));
        text::put(buf, area.x, area.y, 2, ":", theme.key);
        let taken = text::put(buf, area.x + 2, area.y, columns, &shown, theme.plain);
        text::put(buf, area.x + 2 + taken, area.y, 1, " ", theme.selected);
        let rows = self.found(model);
        let chosen = self.chosen.min(rows.len().saturating_sub(1));
        let top = (chosen + 1).saturating_sub(usize::from(area.height.saturating_sub(3)));
        let last = area.bottom().saturating_sub(1);
        for (y, (index, choice)) in (area.y + 2..last).zip(rows.iter().enumerate().skip(top)) {
            row(model, choice, Rect { y, height: 1, ..area }, buf, theme);
            if index == chosen {
                theme.select(buf, Rect { y, height: 1, ..area }, true);
            }
        }
        if let Some(choice) = rows.get(chosen) {
            let usage = format!("{} {}", choice.name(), choice.arguments());
            text::put(buf, area.x, last, area.width, &usage, theme.dim);
        }
        if rows.is_empty() {
            text::put(buf, area.x, area.y + 2, area.width, "No action or command matches.", theme.dim);
        }
    }

    fn key(&mut self, model: &Model, key: KeyEvent) -> Step {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Esc => return Step::Close,
            KeyCode::Char('c') if is_control => return Step::Close,
            KeyCode::Enter => return self.enter(model),
            KeyCode::Tab => self.complete(model),
            KeyCode::Down => self.chosen = (self.chosen + 1).min(self.found(model).len().saturating_sub(1)),
            KeyCode::Up => self.chosen = self.chosen.saturating_sub(1),
            // As in vi: deleting the `:` itself closes the palette.
            KeyCode::Backspace if self.typed.pop().is_none() => return Step::Close,
            KeyCode::Backspace => self.chosen = 0,
            KeyCode::Char('u') if is_control => self.typed.clear(),
            KeyCode::Char(letter) if !is_control => {
                self.typed.push(letter);
                self.chosen = 0;
            }
            _ => {}
        }
        Step::Stay
    }

    fn paste(&mut self, _model: &Model, pasted: &str) -> Step {
        self.typed.extend(pasted.chars().filter(|letter| !letter.is_control()));
        self.chosen = 0;
        Step::Stay
    }

    fn hints(&self, _model: &Model) -> Vec<(&'static str, &'static str)> {
        vec![("Enter", "run"), ("Tab", "complete"), ("Esc", "close")]
    }
}

fn row(model: &Model, choice: &Choice<'_>, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let (why_not, keys) = match choice {
        Choice::Action(action) => (
            (action.available)(model).err().map(|no| no.to_string()),
            model.keymap.keys(action.name).join(" "),
        ),
        // Only the command itself knows whether it can be run now.
        Choice::Command(_) => (None, String::new()),
    };
    let style = if why_not.is_some() { theme.dim } else { theme.plain };
    text::put(buf, area.x + 2, area.y, 22, choice.name(), style);
    let columns = area.width.saturating_sub(36);
    text::put(buf, area.x + 25, area.y, columns, why_not.as_deref().unwrap_or(choice.title()), theme.dim);
    text::put_right(buf, area, 1, &keys, theme.key);
}
