//! Things that wait for a person.

use super::ids::{AgentId, ObjectiveKey, ProjectSlug, WorkerId};
use super::objective::Status;
use super::reason::{Reason, ReasonCode};
use super::state::State;

/// Subject of a need.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NeedKind {
    /// The whole project is on hold, or a person paused it.
    Project,
    /// The merge queue is on hold.
    Queue,
    /// The planner is stuck, a plan waits for approval, or nobody plans a goal.
    Plan,
    /// The user's files are in the way of publishing.
    Publication,
    /// Everything continues, but only a person can repair something.
    Notice,
    /// Only a person can make the agent work again.
    Agent(AgentId),
    /// No agent can work on the objectives of the worker.
    Worker(WorkerId),
    /// The objective needs a decision, or a person paused it.
    Objective(ObjectiveKey),
}

impl NeedKind {
    /// Returns the name of the subject, for scripts.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Queue => "queue",
            Self::Plan => "plan",
            Self::Publication => "publication",
            Self::Notice => "notice",
            Self::Agent(_) => "agent",
            Self::Worker(_) => "worker",
            Self::Objective(_) => "objective",
        }
    }
}

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Project to which it belongs.
    pub project: ProjectSlug,
    /// Subject of the need.
    pub kind: NeedKind,
    /// Why a person is needed, since when, and what would clear it.
    pub reason: Reason,
}

impl Need {
    /// Returns an identifier that stays the same as long as the same subject waits for the same reason.
    #[must_use]
    pub fn occurrence(&self) -> String {
        format!("{} {:?} {:?} {}", self.project, self.kind, self.reason.code, self.reason.since_ms)
    }

    /// Returns whether a person paused the subject. Nobody has to be alerted about that.
    #[must_use]
    pub fn is_set_aside(&self, state: &State) -> bool {
        match &self.kind {
            NeedKind::Objective(key) => {
                state.objective(key).is_some_and(|objective| objective.status == Status::Paused)
            }
            _ => self.reason.code == ReasonCode::ProjectPaused,
        }
    }
}
