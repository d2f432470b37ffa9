//! The names of the panes, and what the actions act upon in them.

use paddock_model::ids::{GateId, ObjectiveKey, SessionId};

/// Names a pane.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum PaneId {
    #[default]
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
