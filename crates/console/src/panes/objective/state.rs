//! The state of the pane of one objective: the tab, and the scroll position in it.

use std::cell::Cell;

use paddock_model::ids::{ObjectiveKey, SessionId};

/// The tabs, in their order. The facts are a tab only in a narrow pane; a wide one always shows them at the
/// left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tab {
    #[default]
    Facts,
    Sessions,
    Checkpoints,
    Diff,
    Queue,
    Around,
}

impl Tab {
    /// Every tab.
    pub(crate) const ALL: [Self; 6] =
        [Self::Facts, Self::Sessions, Self::Checkpoints, Self::Diff, Self::Queue, Self::Around];

    /// Returns the word of the tab.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Facts => "facts",
            Self::Sessions => "sessions",
            Self::Checkpoints => "checkpoints",
            Self::Diff => "diff",
            Self::Queue => "queue",
            Self::Around => "around",
        }
    }
}

/// The state of the pane of one objective.
#[derive(Debug, Default)]
pub struct Local {
    pub(super) tab: Tab,
    /// First line of the tab.
    pub(super) top: usize,
    /// First line of the facts at the left.
    pub(super) facts_top: usize,
    /// Largest value of `facts_top`, as drawn last.
    pub(super) last_facts_top: Cell<usize>,
    /// Selected session; `None` selects the newest.
    pub(super) session: Option<SessionId>,
    /// Largest value of `top`, as drawn last.
    pub(super) last_top: Cell<usize>,
    /// Objective that the state belongs to. Another objective begins with the first tab.
    pub(super) of: Option<ObjectiveKey>,
}
