//! What the pane remembers: the tab, and the place in it.

use std::cell::Cell;

use paddock_model::ids::{ObjectiveKey, SessionId};

/// The tabs, in their order; the facts are one where there is no room for them beside the others.
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

    /// Its word.
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

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {
    pub(super) tab: Tab,
    /// The first line of the tab.
    pub(super) top: usize,
    /// The first line of the facts, where they stand beside it.
    pub(super) facts_top: usize,
    pub(super) last_facts_top: Cell<usize>,
    /// The selected session; none: the newest.
    pub(super) session: Option<SessionId>,
    pub(super) last_top: Cell<usize>,
    /// The objective that these places are about.
    pub(super) of: Option<ObjectiveKey>,
}
