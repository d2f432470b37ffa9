//! What waits for a person in a project, beside its objectives: one list for status, report, explain and console.

use super::status::{notices, planning};
use crate::domain::project::Project;
use crate::domain::reason::{Reason, ReasonCode};
use crate::domain::state::State;

/// What a reason is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// Something stops the whole project.
    Project,
    /// The merge queue is held.
    Queue,
    /// The planner, a plan, or a goal that nobody plans.
    Plan,
    /// Publishing waits for the user's files.
    Publication,
    /// Nothing stands still, but somebody should know.
    Notice,
    /// An agent that only a person can make work again.
    Agent(String),
}

/// Everything of a project that waits for a person, or for the world outside; what stops the most first.
#[must_use]
pub fn waiting(state: &State, project: &Project) -> Vec<(About, Reason)> {
    let mut found: Vec<_> = project.holds.values().map(|held| (About::Project, held.clone())).collect();
    found.extend(project.train.held.clone().map(|held| (About::Queue, held)));
    found.extend(planning(state, project).map(|reason| (About::Plan, reason)));
    if let Some(wait) = &project.integration.waits {
        let clears = "it is tried again by itself; `paddock queue publish` tries now";
        let reason = Reason::new(ReasonCode::PublicationWaits, wait.since_ms, wait.text.clone(), clears);
        found.push((About::Publication, reason));
    }
    found.extend(notices(project).into_iter().map(|reason| (About::Notice, reason)));
    found.extend(agents(state, project));
    found
}

/// Agents of the project that cannot be used until a person does something.
fn agents(state: &State, project: &Project) -> Vec<(About, Reason)> {
    let of = |agent: &str, since_ms: i64, why: &str, first: &str| {
        let clears = format!("{first}, then `paddock agent check {agent}`");
        let reason = Reason::new(ReasonCode::NoAgent, since_ms, format!("agent {agent}: {why}"), clears);
        (About::Agent(agent.to_owned()), reason)
    };
    let used =
        |id: &str| project.settings.workers.iter().any(|worker| worker.agents.iter().any(|own| own == id));
    let locked = state.counters().agents.iter().filter(|(id, _)| used(id));
    let locked = locked.filter_map(|(id, health)| {
        let trouble = health.locked.as_ref()?;
        Some(of(id, trouble.at_ms, &trouble.failure.to_string(), "log in with it"))
    });
    // Since when is not recorded; it is looked at anew with every start of a supervisor.
    let unusable = project.unusable_agents.iter();
    let unusable = unusable.map(|(id, problem)| of(id, project.added_ms, problem, "mend it"));
    locked.chain(unusable).collect()
}
