//! The ids of the panes, and the target of actions.

use paddock_model::ids::{GateId, ObjectiveKey, SessionId};

/// Id of a pane.
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

/// What actions act upon. An action that needs a part which is `None` is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// Objective of the selected row.
    pub objective: Option<ObjectiveKey>,
    /// Session of the selected row, or the newest of the objective.
    pub session: Option<SessionId>,
    /// Gate run of the selected row.
    pub gate: Option<GateId>,
}
