//! Who does a session: the worker, and which of its agents (SPEC 5.2).

use crate::domain::objective::Objective;
use crate::domain::project::Project;
use crate::domain::session::SessionKind;
use crate::domain::settings::{Role, Strategy, WorkerSettings};
use crate::domain::state::State;

/// An agent that could do the objective's next session, if there is one.
pub(in crate::domain) fn agent_for(project: &Project, objective: &Objective) -> Option<String> {
    usable(project, worker_for(project, objective)?).first().map(|id| (*id).clone())
}

/// The worker and the agent of the objective's next session.
pub(super) fn choose(state: &State, project: &Project, objective: &Objective) -> Option<(String, String)> {
    let worker = worker_for(project, objective)?;
    let agents = usable(project, worker);
    let agent = match worker.strategy {
        Strategy::Fixed | Strategy::Priority => agents.first()?,
        Strategy::RoundRobin => next_in_turn(state, project, worker, &agents)?,
    };
    Some((worker.id.clone(), (*agent).clone()))
}

/// Who does the next session: the objective's worker, but for a conflict an integrator that can be used.
fn worker_for<'a>(project: &'a Project, objective: &Objective) -> Option<&'a WorkerSettings> {
    let settings = &project.settings;
    let own = settings.worker(&objective.spec.worker);
    if objective.next.kind != SessionKind::Conflict || own.is_some_and(|own| own.role == Role::Integrator) {
        return own;
    }
    let can_integrate =
        |worker: &&WorkerSettings| worker.role == Role::Integrator && !usable(project, worker).is_empty();
    settings.workers.iter().find(can_integrate).or(own)
}

/// The worker's agents that can be used now, in order.
fn usable<'a>(project: &'a Project, worker: &'a WorkerSettings) -> Vec<&'a String> {
    let is_usable = |id: &&String| {
        let is_enabled = project.settings.agent(id).is_some_and(|agent| agent.enabled);
        is_enabled && !project.unusable_agents.contains_key(*id)
    };
    worker.agents.iter().filter(is_usable).collect()
}

/// The usable agent after the one that this worker used last.
fn next_in_turn<'a>(
    state: &State,
    project: &Project,
    worker: &WorkerSettings,
    agents: &[&'a String],
) -> Option<&'a String> {
    let last = state
        .sessions()
        .rev()
        .find(|session| session.objective.project == project.slug && session.worker == worker.id);
    let place = |id: &str| worker.agents.iter().position(|agent| agent == id);
    let after = last.and_then(|session| place(&session.agent));
    let comes_later = |id: &&&String| place(id) > after;
    agents.iter().find(comes_later).or_else(|| agents.first()).copied()
}
