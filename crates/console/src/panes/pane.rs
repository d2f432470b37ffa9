//! What a pane is: drawn by its view, steered by verbs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Target;
use crate::Model;
use crate::finder::FinderKind;
use crate::log::Of;
use crate::msg::Effect;
use crate::theme::Theme;

/// What a key can mean to a pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verb {
    /// One row down or up, by this many.
    Move(i32),
    /// A page down or up.
    Page(i32),
    /// To the first row.
    Top,
    /// To the last row; a log follows again.
    Bottom,
    /// To the left (-1) or to the right (1): another tab, another session.
    Sideways(i32),
    /// Into what is selected.
    In,
    /// Out of it.
    Out,
    /// Looks for this text (a list shows only what has it); empty = no longer. Sent with every letter typed.
    Find(String),
    /// Shows only lines with this text; empty = all.
    Filter(String),
    /// To the next (1) or previous (-1) place that was found.
    Found(i32),
    /// Follows the log, or no longer.
    Follow,
    /// Raw or readable.
    Raw,
    /// Folds or unfolds.
    Fold,
    /// Something only this pane knows, by a name in the table of actions.
    Own(&'static str),
}

/// What became of a verb.
#[derive(Debug)]
pub(crate) enum Reaction {
    /// The pane has no use for it: the console does what it usually does.
    Ignored,
    /// Done.
    Done(Vec<Effect>),
}

impl Reaction {
    /// Done, and nothing else is wanted.
    #[must_use]
    pub(crate) fn done() -> Self {
        Self::Done(Vec::new())
    }
}

/// Something to be put on the clipboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Copied {
    /// The text.
    pub text: String,
    /// What it is, for people: `the id`, `3 lines`.
    pub what: String,
}

/// The words in the frame of a pane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Heading {
    /// After the pane's name, to the left.
    pub left: String,
    /// To the right.
    pub right: String,
}

/// One pane. Everything but the name and the view has a default.
pub(crate) trait Pane: Sync {
    /// Its name in the frame.
    fn name(&self) -> &'static str;

    /// Draws the inside. The area may be tiny; drawing outside of it is a fault.
    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme);

    /// What its frame says.
    fn heading(&self, _model: &Model) -> Heading {
        Heading::default()
    }

    /// The pane in one line, where there is no room for more.
    fn folded(&self, _model: &Model, _theme: &Theme) -> Option<Line<'static>> {
        None
    }

    /// A click on a row of its inside, counted from the top: selects what stands there, if anything can be.
    fn click(&self, _model: &mut Model, _row: usize) {}

    /// A key that means something to the focused pane.
    fn on(&self, _model: &mut Model, _verb: Verb) -> Reaction {
        Reaction::Ignored
    }

    /// Why what is looked for here, or filtered by, is not used as the pattern it looks like.
    fn caveat(&self, _model: &Model, _kind: FinderKind) -> Option<String> {
        None
    }

    /// Names of actions that the footer shows first.
    fn hints(&self, _model: &Model) -> Vec<&'static str> {
        Vec::new()
    }

    /// What the actions act upon while this pane has the focus.
    fn target(&self, model: &Model) -> Target {
        model.default_target()
    }

    /// Why there is nothing that the actions could act upon, and what to do.
    fn why_none(&self, _model: &Model) -> String {
        "no objective is selected".to_owned()
    }

    /// What `y` copies.
    fn copy(&self, model: &Model) -> Option<Copied> {
        let id = self.target(model).objective?.id.to_string();
        Some(Copied { what: format!("the id {id}"), text: id })
    }

    /// What `v` opens.
    fn paged(&self, _model: &Model) -> Option<Effect> {
        None
    }

    /// The logs that it shows and that are to be read on while it is on the screen; none where it shows no logs.
    fn logs(&self, _model: &Model) -> Option<Vec<Of>> {
        None
    }

    /// Called after a change while the pane is on the screen: what is to be fetched now, and moving a selection
    /// away from what is gone. Must settle: without a change it wants nothing.
    fn settle(&self, _model: &mut Model) -> Vec<Effect> {
        Vec::new()
    }
}
