//! Assignment: which worker runs an objective's next session, and with which of its agents.
//!
//! "Usable" below means that an agent is enabled, can be started and is logged in. A usable agent may still
//! be cooling down.

use crate::setback::last_setback;
use paddock_model::agent::{Cooldown, PROBE_MS};
use paddock_model::ids::{AgentId, SessionId, WorkerId};
use paddock_model::objective::Objective;
use paddock_model::planning::planners;
use paddock_model::project::Project;
use paddock_model::session::SessionKind;
use paddock_model::settings::{Role, Strategy, WorkerSettings};
use paddock_model::state::State;

/// Returns a usable agent for the objective's next session, if there is one.
pub(crate) fn agent_for(state: &State, project: &Project, objective: &Objective) -> Option<AgentId> {
    let worker = worker_for(state, project, objective)?;
    usable(state, project, worker).first().map(|id| (*id).clone())
}

/// Returns the worker and the agent for the objective's next session, if it can start now.
pub(crate) fn choose(
    state: &State,
    project: &Project,
    objective: &Objective,
    now_ms: i64,
) -> Option<(WorkerId, AgentId)> {
    let worker = worker_for(state, project, objective)?;
    let mut agents = usable(state, project, worker);
    agents.retain(|id| !is_cooling(state, id, now_ms) && probe(state, id, now_ms).is_none());
    let agents = fit_first(state, objective, agents);
    let agent = match worker.strategy {
        Strategy::Fixed | Strategy::Priority => agents.first()?,
        Strategy::RoundRobin => next_in_turn(state, project, worker, &agents)?,
    };
    Some((worker.id.clone(), (*agent).clone()))
}

/// Returns the agents between which the worker's strategy decides: those whose last session for this objective
/// was no setback. If each of them had one, only the agent whose setback is the oldest is left, so that they
/// take turns.
fn fit_first<'a>(state: &State, objective: &Objective, agents: Vec<&'a AgentId>) -> Vec<&'a AgentId> {
    let setback = |id: &&AgentId| last_setback(state, objective, id);
    let fit: Vec<&AgentId> = agents.iter().filter(|id| setback(id).is_none()).copied().collect();
    match fit.is_empty() {
        true => agents.into_iter().min_by_key(setback).into_iter().collect(),
        false => fit,
    }
}

/// Returns the cooldowns of the usable agents for the objective's next session, the earliest end first.
/// `None` unless all of these agents are cooling down.
pub(crate) fn all_cooling<'s>(
    state: &'s State,
    project: &'s Project,
    objective: &Objective,
    now_ms: i64,
) -> Option<Vec<(&'s AgentId, &'s Cooldown)>> {
    let worker = worker_for(state, project, objective)?;
    let cooldown = |id: &&'s AgentId| {
        let cooldown = state.agent_health(id).and_then(|health| health.cooling(now_ms));
        cooldown.map(|cooldown| (*id, cooldown))
    };
    let agents = usable(state, project, worker);
    let mut all: Vec<(&AgentId, &Cooldown)> = agents.iter().map(cooldown).collect::<Option<_>>()?;
    all.sort_by_key(|(_, cooldown)| cooldown.until_ms);
    (!all.is_empty()).then_some(all)
}

/// Returns the session that probes whether an agent works again after its cooldown, and the time until which
/// other sessions of the agent wait for it, in Unix milliseconds.
///
/// Without a probe, all sessions that waited for one limit would start at once and hit the limit again
/// together.
#[must_use]
pub(crate) fn probe(state: &State, agent: &AgentId, now_ms: i64) -> Option<(SessionId, i64)> {
    let since_ms = state.agent_health(agent)?.untried_since(now_ms)?;
    // Sessions are in the order of their planning, so this looks only at those since the cooldown.
    let since = state.sessions().rev().take_while(|session| session.planned_ms >= since_ms);
    let mut found = None;
    for session in since.filter(|session| session.agent == *agent) {
        let until_ms = session.started_ms.unwrap_or(session.planned_ms) + PROBE_MS;
        let has_worked = !session.status.is_open() && session.started_ms.is_some();
        // The agent has proven itself if a session ended without a new cooldown, or has worked for long
        // enough.
        if has_worked || (session.status.is_open() && until_ms <= now_ms) {
            return None;
        }
        if session.status.is_open() {
            found = Some((session.id, until_ms));
        }
    }
    found
}

/// Returns the first usable agent that is being probed, with its [`probe`]. `None` unless every usable agent
/// for the objective's next session is cooling down or being probed.
pub(crate) fn all_tried<'s>(
    state: &'s State,
    project: &'s Project,
    objective: &Objective,
    now_ms: i64,
) -> Option<(&'s AgentId, SessionId, i64)> {
    let agents = usable(state, project, worker_for(state, project, objective)?);
    let mut probed = None;
    for id in agents {
        match probe(state, id, now_ms) {
            Some((session, until_ms)) => probed = probed.or(Some((id, session, until_ms))),
            None if is_cooling(state, id, now_ms) => {}
            None => return None,
        }
    }
    probed
}

/// Returns whether an agent is cooling down, so that no session may start with it now.
pub(crate) fn is_cooling(state: &State, agent: &AgentId, now_ms: i64) -> bool {
    state.agent_health(agent).is_some_and(|health| health.cooling(now_ms).is_some())
}

/// Returns whether an agent of a project is usable, even if it is cooling down.
pub(crate) fn is_usable(state: &State, project: &Project, agent: &AgentId) -> bool {
    let is_enabled = project.settings.agent(agent).is_some_and(|agent| agent.enabled);
    let is_out = state.agent_health(agent).is_some_and(|health| health.out_of_use().is_some());
    is_enabled && !is_out && !project.unusable_agents.contains_key(agent)
}

/// Returns the worker of the objective's next session: its own worker, or an integrator for a conflict
/// session. If no integrator has a usable agent, the objective's own worker resolves the conflict.
pub(crate) fn worker_for<'a>(
    state: &State,
    project: &'a Project,
    objective: &Objective,
) -> Option<&'a WorkerSettings> {
    let settings = &project.settings;
    let own = settings.worker(&objective.spec.worker);
    if objective.next.kind != SessionKind::Conflict || own.is_some_and(|own| own.role == Role::Integrator) {
        return own;
    }
    let can_integrate = |worker: &&WorkerSettings| {
        worker.role == Role::Integrator && !usable(state, project, worker).is_empty()
    };
    settings.workers.iter().find(can_integrate).or(own)
}

/// Returns the worker's usable agents, in the order of the settings.
fn usable<'a>(state: &State, project: &'a Project, worker: &'a WorkerSettings) -> Vec<&'a AgentId> {
    worker.agents.iter().filter(|id| is_usable(state, project, id)).collect()
}

/// Returns the usable agents that may plan for a project, each with the end of its cooldown, in Unix
/// milliseconds. 0 stands for an agent without a cooldown.
pub(crate) fn planners_from<'p>(state: &State, project: &'p Project) -> Vec<(&'p AgentId, i64)> {
    let from = |id: &AgentId| {
        let health = state.agent_health(id).and_then(|health| health.cooldown.as_ref());
        health.map_or(0, |cooldown| cooldown.until_ms)
    };
    let all = planners(project).into_iter().filter(|id| is_usable(state, project, id));
    all.map(|id| (id, from(id))).collect()
}

/// Returns the agent after the one that this worker used last, in the order of the settings.
fn next_in_turn<'a>(
    state: &State,
    project: &Project,
    worker: &WorkerSettings,
    agents: &[&'a AgentId],
) -> Option<&'a AgentId> {
    let last = state
        .sessions()
        .rev()
        .find(|session| session.objective.project == project.slug && session.worker == worker.id);
    let place = |id: &AgentId| worker.agents.iter().position(|agent| agent == id);
    // An agent that was removed from the settings has no place (`None`), which sorts before every place: the
    // turn starts again with the first agent.
    let after = last.and_then(|session| place(&session.agent));
    let comes_later = |id: &&&AgentId| place(id) > after;
    agents.iter().find(comes_later).or_else(|| agents.first()).copied()
}
