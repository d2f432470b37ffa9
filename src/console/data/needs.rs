//! What waits for a human: the list behind the header's count and the needs-you pane.

use crate::domain::explain::nothing_planned;
use crate::domain::ids::{ObjectiveKey, ProjectSlug};
use crate::domain::objective::Status;
use crate::domain::project::Project;
use crate::domain::reason::{Reason, ReasonCode};
use crate::domain::state::State;
use crate::report::text::counted;

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
    let mut found: Vec<Need> = project.holds.values().map(|reason| need(NeedKind::Project, reason)).collect();
    found.extend(project.train.held.as_ref().map(|reason| need(NeedKind::Queue, reason)));
    if let Some(wait) = &project.integration.waits {
        let clears = "it is tried again by itself; `paddock queue publish` tries now";
        let reason = Reason::new(ReasonCode::PublicationWaits, wait.since_ms, wait.text.clone(), clears);
        found.push(need(NeedKind::Publication, &reason));
    }
    if let Some(plan) = &project.planning.waiting {
        let count = counted(plan.plan.objectives.len(), "objective");
        let text = format!("a plan with {count} waits for you");
        let clears = "approve it, or reject it with a note";
        found.push(need(NeedKind::Plan, &Reason::new(ReasonCode::PlanWaits, plan.since_ms, text, clears)));
    }
    found.extend(project.planning.stuck.as_ref().map(|reason| need(NeedKind::Plan, reason)));
    found.extend(nothing_planned(state, project).map(|reason| need(NeedKind::Plan, &reason)));
    found.extend(agents(state, project));
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

/// Agents of the project that cannot be used until a person does something.
fn agents(state: &State, project: &Project) -> Vec<Need> {
    let of = |agent: &str, since_ms: i64, why: &str, clears: String| Need {
        project: project.slug.clone(),
        kind: NeedKind::Agent(agent.to_owned()),
        reason: Reason::new(ReasonCode::NoAgent, since_ms, format!("agent {agent}: {why}"), clears),
    };
    let used =
        |id: &str| project.settings.workers.iter().any(|worker| worker.agents.iter().any(|own| own == id));
    let locked = state.counters().agents.iter().filter(|(id, _)| used(id));
    let locked = locked.filter_map(|(id, health)| {
        let trouble = health.locked.as_ref()?;
        let clears = format!("log in with it, then `:agent check {id}`");
        Some(of(id, trouble.at_ms, &trouble.failure.to_string(), clears))
    });
    let unusable = project
        .unusable_agents
        .iter()
        .map(|(id, problem)| of(id, 0, problem, format!("mend it, then `:agent check {id}`")));
    locked.chain(unusable).collect()
}
