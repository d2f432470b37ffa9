//! The trait of panes, and the verbs that a pane receives.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Target;
use crate::Model;
use crate::finder::FinderKind;
use crate::log::LogId;
use crate::msg::Effect;
use crate::theme::Theme;

/// What a key means to the focused pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Moves the selection by this many rows; negative is up.
    Move(i32),
    /// Moves by this many pages; negative is up.
    Page(i32),
    /// Goes to the first row.
    Top,
    /// Goes to the last row; a log follows again.
    Bottom,
    /// Goes left (-1) or right (1): to another tab or another session.
    Sideways(i32),
    /// Opens the selected row.
    In,
    /// Leaves what is open: a filter, a search, a cover.
    Out,
    /// Searches for a text (a list shows only the rows that contain it); an empty text ends the search. Sent
    /// with every letter typed.
    Find(String),
    /// Shows only lines that match a text; an empty text shows all.
    Filter(String),
    /// Goes to the next (1) or previous (-1) match.
    Found(i32),
    /// Follows the end of the log, or holds still.
    Follow,
    /// Switches between transcript and raw output.
    Raw,
    /// Folds or unfolds.
    Fold,
    /// Verb of one pane only, by its name in the table of actions.
    Own(&'static str),
}

/// How a pane reacted to a verb.
#[derive(Debug)]
pub(crate) enum Reaction {
    /// The pane does not use the verb; the console does its default.
    Ignored,
    /// The pane has applied the verb, and wants these effects.
    Done(Vec<Effect>),
}

impl Reaction {
    /// Returns a reaction without effects.
    #[must_use]
    pub(crate) fn done() -> Self {
        Self::Done(Vec::new())
    }
}

/// A text for the clipboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Copied {
    /// Text to copy.
    pub text: String,
    /// Description of the text for people: `the id`, `3 lines`.
    pub what: String,
}

/// The words in the frame of a pane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Heading {
    /// Words at the left, after the name of the pane.
    pub left: String,
    /// Words at the right.
    pub right: String,
}

/// A pane. All methods but the name and the view have a default.
pub(crate) trait Pane: Sync {
    /// Returns the name in the frame.
    fn name(&self) -> &'static str;

    /// Draws the inside of the pane. The area may be tiny, and nothing may be drawn outside of it.
    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme);

    /// Returns the words in the frame.
    fn heading(&self, _model: &Model) -> Heading {
        Heading::default()
    }

    /// Returns the pane as one line, for terminals with few rows.
    fn folded(&self, _model: &Model, _theme: &Theme) -> Option<Line<'static>> {
        None
    }

    /// Handles a click on a row of the inside, counted from the top: selects what is drawn there, if it can
    /// be selected.
    fn click(&self, _model: &mut Model, _row: usize) {}

    /// Handles a verb while the pane has the focus.
    fn on(&self, _model: &mut Model, _verb: Verb) -> Reaction {
        Reaction::Ignored
    }

    /// Returns why the search or filter of the pane is not used as a pattern, if it is not.
    fn caveat(&self, _model: &Model, _kind: FinderKind) -> Option<String> {
        None
    }

    /// Returns the names of the actions that the footer shows first.
    fn hints(&self, _model: &Model) -> Vec<&'static str> {
        Vec::new()
    }

    /// Returns what actions act upon while the pane has the focus.
    fn target(&self, model: &Model) -> Target {
        model.default_target()
    }

    /// Returns why the target has no objective, and what to do about it. Shown when an action is refused.
    fn why_none(&self, _model: &Model) -> String {
        "no objective is selected".to_owned()
    }

    /// Returns what `y` copies.
    fn copy(&self, model: &Model) -> Option<Copied> {
        let id = self.target(model).objective?.id.to_string();
        Some(Copied { what: format!("the id {id}"), text: id })
    }

    /// Returns the effect that opens what `v` shows in the pager.
    fn paged(&self, _model: &Model) -> Option<Effect> {
        None
    }

    /// Returns the logs to follow while the pane is on the screen; `None` for a pane that never shows logs.
    fn logs(&self, _model: &Model) -> Option<Vec<LogId>> {
        None
    }

    /// Called after each change of the model while the pane is on the screen. Returns the effects that fetch
    /// missing data, and sets the initial selection. A second call without a change in between must return
    /// nothing: the loop would otherwise never come to rest.
    fn settle(&self, _model: &mut Model) -> Vec<Effect> {
        Vec::new()
    }
}
