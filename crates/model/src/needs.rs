//! A thing that waits for a person, and what it is about.

use super::ids::{AgentId, ObjectiveKey, ProjectSlug, WorkerId};
use super::objective::Status;
use super::reason::{Reason, ReasonCode};
use super::state::State;

/// What a need is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NeedKind {
    /// Something stops the whole project, or a person paused it.
    Project,
    /// The merge queue is held.
    Queue,
    /// The planner, a plan, or a goal that nobody plans.
    Plan,
    /// Publishing waits for the user's files.
    Publication,
    /// Nothing stands still, but only a person can put it right.
    Notice,
    /// An agent that only a person can make work again.
    Agent(AgentId),
    /// A worker whose objectives no agent can do.
    Worker(WorkerId),
    /// An objective needs a decision, or a person paused it.
    Objective(ObjectiveKey),
}

impl NeedKind {
    /// The word for scripts.
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

/// One thing that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The project.
    pub project: ProjectSlug,
    /// What it is about.
    pub kind: NeedKind,
    /// Why, since when, and what would clear it.
    pub reason: Reason,
}

impl Need {
    /// A name that stays the same while the same thing waits for the same reason.
    #[must_use]
    pub fn occurrence(&self) -> String {
        format!("{} {:?} {:?} {}", self.project, self.kind, self.reason.code, self.reason.since_ms)
    }

    /// Whether it only waits because a person set it aside: nobody has to be called for it.
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
