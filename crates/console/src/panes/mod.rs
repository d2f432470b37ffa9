//! The panes: one file each, and the table that names them all.

pub(crate) mod budgets;
pub(crate) mod diff;
pub(crate) mod events;
pub(crate) mod grid;
pub(crate) mod log;
pub(crate) mod needs;
pub(crate) mod objective;
pub(crate) mod objectives;
pub(crate) mod plan;
pub(crate) mod queue;
pub(crate) mod timeline;

#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::model::FinderKind;
use super::msg::Effect;
use super::theme::Theme;
use super::{Model, text};
use paddock_model::ids::{GateId, ObjectiveKey, SessionId};

/// Names a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum PaneId {
    Objectives,
    Log,
    Queue,
    Budgets,
    Needs,
    Events,
    Objective,
    Diff,
    Grid,
    Timeline,
    Plan,
}

/// The six panes of the main screen, in the order of their numbers.
pub const MAIN: [PaneId; 6] =
    [PaneId::Objectives, PaneId::Log, PaneId::Queue, PaneId::Budgets, PaneId::Needs, PaneId::Events];

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

/// What the actions act upon.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// The objective.
    pub objective: Option<ObjectiveKey>,
    /// The session.
    pub session: Option<SessionId>,
    /// The gate run.
    pub gate: Option<GateId>,
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

    /// Called after a change while the pane is on the screen: what is to be fetched now, and moving a selection
    /// away from what is gone. Must settle: without a change it wants nothing.
    fn settle(&self, _model: &mut Model) -> Vec<Effect> {
        Vec::new()
    }
}

/// What the panes remember.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "a field per pane")]
pub struct Locals {
    pub objectives: objectives::Local,
    pub log: log::Local,
    pub queue: queue::Local,
    pub budgets: budgets::Local,
    pub needs: needs::Local,
    pub events: events::Local,
    pub objective: objective::Local,
    pub diff: diff::Local,
    pub grid: grid::Local,
    pub timeline: timeline::Local,
    pub plan: plan::Local,
}

/// The pane of that name.
#[must_use]
pub(crate) fn pane(id: PaneId) -> &'static dyn Pane {
    match id {
        PaneId::Objectives => &objectives::Objectives,
        PaneId::Log => &log::Log,
        PaneId::Queue => &queue::Queue,
        PaneId::Budgets => &budgets::Budgets,
        PaneId::Needs => &needs::Needs,
        PaneId::Events => &events::Events,
        PaneId::Objective => &objective::ObjectiveView,
        PaneId::Diff => &diff::Diff,
        PaneId::Grid => &grid::Grid,
        PaneId::Timeline => &timeline::Timeline,
        PaneId::Plan => &plan::Plan,
    }
}

/// Says something in the middle of an empty pane: what would be here, and how it gets here.
pub(crate) fn teach(lines: &[&str], area: Rect, buf: &mut Buffer, theme: &Theme) {
    let columns = area.width.saturating_sub(2);
    let lines = lines.iter().flat_map(|line| text::wrap(line, usize::from(columns)));
    for (row, line) in (area.y..area.bottom()).zip(lines) {
        text::put(buf, area.x + 1, row, columns, &line, theme.dim);
    }
}

/// The row of a list that is selected: that of the name which was chosen; the first where none was. None when
/// what was chosen is no longer in the list: no other row takes its place by itself, for the next key would act
/// on it.
#[must_use]
pub(crate) fn chosen<R, N: PartialEq>(
    rows: &[R],
    at: Option<&N>,
    name: impl Fn(&R) -> Option<N>,
) -> Option<usize> {
    match at {
        Some(at) => rows.iter().position(|row| name(row).as_ref() == Some(at)),
        None => (!rows.is_empty()).then_some(0),
    }
}

/// Where a key leads that moves by so many of `count` rows. Without a selection, to the nearest of where it was.
#[must_use]
pub(crate) fn stepped(at: Option<usize>, near: usize, by: i32, count: usize) -> usize {
    let last = count.saturating_sub(1);
    at.map_or(near, |at| at.saturating_add_signed(by as isize)).min(last)
}

/// What keys are refused with when the chosen row has left a list.
#[must_use]
pub(crate) fn gone(what: &str) -> String {
    format!("the selected {what} is no longer here: j or k selects another")
}

/// Rows that scroll so that the selected one is seen: gives the first row to show. `top` is where it was, so
/// that the screen moves only when it must.
#[must_use]
pub(crate) fn scrolled(top: usize, selected: usize, height: usize, count: usize) -> usize {
    let last_top = count.saturating_sub(height);
    let lowest = (selected + 1).saturating_sub(height);
    top.min(selected).max(lowest).min(last_top)
}
