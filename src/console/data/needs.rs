//! What waits for a human: the list behind the header's count and the needs-you pane.

use crate::domain::ids::{ObjectiveKey, ProjectSlug};
use crate::domain::objective::Status;
use crate::domain::reason::{Reason, ReasonCode};
use crate::domain::state::State;
use crate::report::waiting::{About, waiting};

/// What it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NeedKind {
    /// Something stops the whole project.
    Project,
    /// The merge queue is held.
    Queue,
    /// Publishing waits for the user's files.
    Publication,
    /// A plan waits to be approved, or the planner for a person.
    Plan,
    /// Nothing stands still, but somebody should know.
    Notice,
    /// An agent that only a person can make work again.
    Agent(String),
    /// An objective needs a decision.
    Objective(ObjectiveKey),
}

/// One thing that waits for a human.
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
    /// A name that stays the same while the same thing waits for the same reason: who is told once goes by it.
    #[must_use]
    pub fn occurrence(&self) -> String {
        format!("{} {:?} {:?} {}", self.project, self.kind, self.reason.code, self.reason.since_ms)
    }
}

/// Everything that waits for a human in a project, what stops the most first.
#[must_use]
pub fn needs(state: &State, slug: &ProjectSlug) -> Vec<Need> {
    let Some(project) = state.project(slug) else { return Vec::new() };
    let need = |kind, reason: &Reason| Need { project: slug.clone(), kind, reason: reason.clone() };
    let of_project = waiting(state, project).into_iter();
    let mut found: Vec<Need> = of_project.map(|(about, reason)| need(kind(about), &reason)).collect();
    let stuck = state
        .in_status(slug, Status::NeedsReview)
        .iter()
        .filter_map(|id| state.objective(&ObjectiveKey { project: slug.clone(), id: id.clone() }));
    let mut stuck: Vec<Need> = stuck
        .map(|objective| {
            let unknown = || {
                Reason::new(
                    ReasonCode::Human,
                    objective.since_ms,
                    "a person has to decide",
                    "retry, approve or skip it",
                )
            };
            let reason = objective.reason.clone().unwrap_or_else(unknown);
            need(NeedKind::Objective(objective.key.clone()), &reason)
        })
        .collect();
    stuck.sort_by_key(|need| need.reason.since_ms);
    found.extend(stuck);
    found
}

fn kind(about: About) -> NeedKind {
    match about {
        About::Project => NeedKind::Project,
        About::Queue => NeedKind::Queue,
        About::Plan => NeedKind::Plan,
        About::Publication => NeedKind::Publication,
        About::Notice => NeedKind::Notice,
        About::Agent(id) => NeedKind::Agent(id),
    }
}
