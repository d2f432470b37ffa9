//! What waits for a person: the one list behind the exit code of `run`, `status`, `report`, `explain` and the
//! console.
//!
//! A need is a condition that only a person can end, even if other work continues in the meantime. A
//! condition that ends by itself (a cooldown, a backoff, a full slot) is not listed. A project that a person
//! disabled has no needs.

mod remote;

use std::collections::{BTreeMap, BTreeSet};

use super::explain::{no_agent, nothing_planned};
use super::listing::a_few_of;
use paddock_model::bypass;
use paddock_model::gate::Verdict;
use paddock_model::ids::{AgentId, GateId, ObjectiveKey, ProjectSlug, WorkerId};
use paddock_model::needs::{Need, NeedKind};
use paddock_model::objective::{Objective, Status};
use paddock_model::planning::planners;
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::session::SessionKind;
use paddock_model::state::State;

/// Objectives that a need names; the others are counted.
const NAMED_MAX: usize = 5;

/// Returns the needs of a project. Those that stop the most work come first.
#[must_use]
pub(crate) fn needs(state: &State, slug: &ProjectSlug) -> Vec<Need> {
    let Some(project) = state.project(slug).filter(|project| project.is_enabled()) else { return Vec::new() };
    let mut found: Vec<(NeedKind, Reason)> =
        project.holds.values().filter(|held| is_need(project, held)).map(need_of_project).collect();
    found.extend(paused(state, project).map(|reason| (NeedKind::Project, reason)));
    found.extend(project.train.held.clone().map(|held| (NeedKind::Queue, held)));
    found.extend(planning(state, project).map(|reason| (NeedKind::Plan, reason)));
    if let Some(wait) = &project.integration.waits {
        let clears = "Paddock tries again; `paddock queue publish` tries now";
        let reason = Reason::new(ReasonCode::PublicationWaits, wait.since_ms, wait.text.clone(), clears);
        found.push((NeedKind::Publication, reason));
    }
    found.extend(notices(state, project).into_iter().map(|reason| (NeedKind::Notice, reason)));
    let agents = agents(state, project);
    let workers = workers(state, project, &agents);
    found.extend(agents.into_iter().chain(workers));
    found.extend(objectives(state, slug));
    found.into_iter().map(|(kind, reason)| Need { project: slug.clone(), kind, reason }).collect()
}

/// Returns whether a hold needs a person. A set-up that fails is tried again by itself for a while.
fn is_need(project: &Project, held: &Reason) -> bool {
    held.code != ReasonCode::SetupFailing || project.set_ups.asks()
}

fn need_of_project(held: &Reason) -> (NeedKind, Reason) {
    (NeedKind::Project, held.clone())
}

fn in_status<'s>(
    state: &'s State,
    slug: &'s ProjectSlug,
    status: Status,
) -> impl Iterator<Item = &'s Objective> {
    let key = |id: &paddock_model::ids::ObjectiveId| ObjectiveKey { project: slug.clone(), id: id.clone() };
    state.in_status(slug, status).iter().filter_map(move |id| state.objective(&key(id)))
}

/// Returns the need of a paused project. A project that has nothing left to do needs nobody, paused or not.
fn paused(state: &State, project: &Project) -> Option<Reason> {
    let slug = &project.slug;
    let is_left = |status: &Status| !state.in_status(slug, *status).is_empty();
    // An active goal may still be planned, even while no objective is left.
    let line = state.active_line(slug);
    let has_node = line.goal.or(line.milestone).or(line.phase).is_some();
    if !project.paused || !(has_node || Status::UNFINISHED.iter().any(is_left)) {
        return None;
    }
    let since_ms = project.paused_ms.unwrap_or(project.added_ms);
    let text = "the project is paused: no new sessions start";
    let clears = format!("`paddock project resume {slug}`");
    Some(Reason::new(ReasonCode::ProjectPaused, since_ms, text, clears))
}

/// Returns the need of the planner: a plan to approve, a planner that is stuck, or a goal that nobody plans.
fn planning(state: &State, project: &Project) -> Option<Reason> {
    let planning = &project.planning;
    if let Some(waiting) = &planning.waiting {
        let slug = &project.slug;
        let text = match (&waiting.phase, waiting.plan.objectives.len()) {
            (Some(phase), 0) => format!("the planner believes the phase {phase} done: it has nothing to add"),
            (_, 1) => "a plan of 1 objective waits to be approved".to_owned(),
            (_, count) => format!("a plan of {count} objectives waits to be approved"),
        };
        let clears =
            format!("`paddock --project {slug} plan show`, then `plan approve` or `plan reject --note TEXT`");
        return Some(Reason::new(ReasonCode::PlanWaits, waiting.since_ms, text, clears));
    }
    // A planner that is stuck says why; only without one is it said that nobody plans.
    planning.stuck.clone().or_else(|| nothing_planned(state, project))
}

/// Returns notices about the gate and the remote: faults that only a person can repair, but that hold nothing
/// up.
fn notices(state: &State, project: &Project) -> Vec<Reason> {
    let mut found = Vec::new();
    if let Some(judged) = project.checks_nothing() {
        let run = judged.gate.map_or_else(String::new, |gate| format!(" (gate run {gate})"));
        let text = format!("the gate is green on an emptied tree{run}, so it checks nothing");
        let clears = "correct `verify` in the project file; `paddock queue canary` tries again";
        found.push(Reason::new(ReasonCode::GateChecksNothing, judged.at_ms, text, clears));
    }
    if let Some((Verdict::Red, gate)) = project.external.as_ref().and_then(|external| external.judged) {
        let at = project.external.as_ref().map_or("", |external| external.commit.short());
        let run = gate.map_or_else(String::new, |gate| format!(" (gate run {gate})"));
        let text = format!("the gate is red on your own commits, at {at}{run}");
        let clears = "commit a correction on the target branch";
        // The record of the run may have been dropped by now; then the notice counts from the project's
        // registration.
        let ended = |gate: GateId| state.gate(gate).and_then(|run| run.finished_ms);
        let since_ms = gate.and_then(ended).unwrap_or(project.added_ms);
        found.push(Reason::new(ReasonCode::ExternalRed, since_ms, text, clears));
    }
    found.extend(bypass::reason(project));
    found.extend(remote::reasons(project));
    found
}

/// Returns the needs of the project's agents that cannot be used until a person does something.
fn agents(state: &State, project: &Project) -> Vec<(NeedKind, Reason)> {
    let need = |agent: &AgentId, since_ms: i64, why: &str, first: &str| {
        let clears = format!("{first}, then `paddock agent check {agent}`");
        let reason = Reason::new(ReasonCode::NoAgent, since_ms, format!("agent {agent}: {why}"), clears);
        (NeedKind::Agent(agent.clone()), reason)
    };
    let workers = project.settings.workers.iter().flat_map(|worker| &worker.agents);
    // An agent that several workers name is one need.
    let used: BTreeSet<&AgentId> = workers.chain(planners(project)).collect();
    let locked = used.into_iter().filter_map(|id| {
        let trouble = state.agent_health(id)?.locked.as_ref()?;
        Some(need(id, trouble.at_ms, &trouble.failure.to_string(), "log in with it"))
    });
    let unusable = project.unusable_agents.iter().map(|(id, problem)| {
        let since_ms = project.unusable_since_ms.get(id).copied().unwrap_or(project.added_ms);
        need(id, since_ms, problem, "repair it")
    });
    locked.chain(unusable).collect()
}

/// Returns the needs of workers that no agent can work for, even after a cooldown. A worker with an agent
/// that needs a person is left out: [`agents`] lists that agent already.
fn workers(state: &State, project: &Project, agents: &[(NeedKind, Reason)]) -> Vec<(NeedKind, Reason)> {
    let is_listed = |worker: &WorkerId| {
        let own = project.settings.worker(worker).map_or(&[][..], |worker| &worker.agents);
        own.iter().any(|id| agents.iter().any(|(kind, _)| *kind == NeedKind::Agent(id.clone())))
    };
    // The choice of agents depends only on the worker and on whether the session resolves a conflict. With
    // thousands of ready objectives it is made once for each such pair.
    let mut known: BTreeMap<(&WorkerId, bool), Option<Reason>> = BTreeMap::new();
    let mut waiting: BTreeMap<(&WorkerId, bool), Vec<&str>> = BTreeMap::new();
    for objective in in_status(state, &project.slug, Status::Ready) {
        let pair = (&objective.spec.worker, objective.next.kind == SessionKind::Conflict);
        if known.entry(pair).or_insert_with(|| no_agent(state, project, objective)).is_some() {
            waiting.entry(pair).or_default().push(objective.key.id.as_str());
        }
    }
    waiting.retain(|(worker, _), _| !is_listed(worker));
    let need = |(pair, ids): ((&WorkerId, bool), Vec<&str>)| {
        let reason = known.get(&pair).cloned().flatten()?;
        let text = format!("{}: {} cannot start", reason.text, a_few_of(&ids, NAMED_MAX));
        Some((NeedKind::Worker(pair.0.clone()), Reason { text, ..reason }))
    };
    waiting.into_iter().filter_map(need).collect()
}

/// Returns the objectives that need a decision and those that a person paused, oldest first.
fn objectives(state: &State, slug: &ProjectSlug) -> Vec<(NeedKind, Reason)> {
    let all = [Status::NeedsReview, Status::Paused].map(|status| in_status(state, slug, status));
    let need = |objective: &Objective| {
        let unknown = || {
            let clears = "retry, approve or skip it";
            Reason::new(ReasonCode::Human, objective.since_ms, "a person has to decide", clears)
        };
        let reason = objective.reason.clone().unwrap_or_else(unknown);
        (NeedKind::Objective(objective.key.clone()), reason)
    };
    let mut found: Vec<(NeedKind, Reason)> = all.into_iter().flatten().map(need).collect();
    found.sort_by_key(|(_, reason)| reason.since_ms);
    found
}
