//! Whether anything is going on, whether anything can, and when to look again.

use super::memo::Memo;
use super::phases::{checks_due, may_check};
use super::planner::{Stand, stand};
use super::publish::{self, again_at};
use crate::assignment::{agent_for, probe};
use crate::needs::needs;
use paddock_model::agent::Cooldown;
use paddock_model::clock;
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_model::needs::Need;
use paddock_model::objective::{Objective, Status};
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::scope::OverlapCache;
use paddock_model::settings::OverlapRule;
use paddock_model::state::State;

/// What is left when nothing runs and nothing can move without a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Everything is done or skipped, published as asked, and the goals that were started are reached.
    Done,
    /// At least one thing waits for a human.
    NeedsHuman,
    /// Nothing waits for a human, yet not everything is done.
    Stuck,
}

/// When a tick is due because of something recorded, in Unix milliseconds. What was due at the last tick and
/// is still there waits for something else, which will say so itself: it must not wake anybody again.
#[must_use]
pub fn next_timer(state: &State, memo: &Memo) -> Option<i64> {
    let mut due = Vec::new();
    for project in state.projects().filter(|project| project.is_enabled() && memo.covers(&project.slug)) {
        due.extend(pauses(state, memo, project));
        due.extend(trial_over(state, project));
        if let Stand::At(at_ms) | Stand::Undivided(at_ms) = stand(state, memo, project) {
            due.push(at_ms);
        }
    }
    // What has landed is proven, whatever has become of its project since.
    due.extend(memo.prove_again.values().filter(|at_ms| !clock::is_over(**at_ms, memo.seen_ms)));
    let is_left = |cooldown: &&Cooldown| cooldown.until_ms <= memo.seen_ms || !cooldown.is_over(memo.seen_ms);
    let cooldowns = state.counters().agents.values().filter_map(|health| health.cooldown.as_ref());
    let cooldowns = cooldowns.filter(is_left);
    due.extend(cooldowns.map(|cooldown| cooldown.until_ms));
    let probes = state.counters().agents.keys().filter_map(|agent| probe(state, agent, memo.seen_ms));
    due.extend(probes.map(|(_, until_ms)| until_ms));
    due.into_iter().filter(|at_ms| *at_ms > memo.ticked_ms).min()
}

/// When a run beside the queue's own, which measures what two cost each other, has cost enough.
fn trial_over(state: &State, project: &Project) -> Option<i64> {
    let trial_ms = project.trial_ms()?;
    let mut runs: Vec<_> = state.open_gates().filter(|run| run.project == project.slug).collect();
    runs.sort_by_key(|run| run.slot);
    (runs.len() > 1).then(|| runs[0].started_ms + trial_ms + 1)
}

/// When the pauses that a project makes by itself are over. Those that a clock that was set back has made longer
/// are over.
fn pauses(state: &State, memo: &Memo, project: &Project) -> Vec<i64> {
    let mut due = Vec::new();
    let integration = &project.integration;
    if integration.published != integration.tip {
        due.extend(again_at(memo, &project.slug));
    }
    if project.pushing.due.is_some() {
        due.extend(memo.push_again.get(&project.slug).map(|(_, again_ms)| *again_ms));
    }
    due.extend(memo.starved.get(&project.slug).map(|wait| wait.again_ms));
    due.extend(project.train.entries.iter().filter_map(|entry| entry.not_before_ms));
    for id in state.in_status(&project.slug, Status::Ready) {
        let key = ObjectiveKey { project: project.slug.clone(), id: id.clone() };
        due.extend(state.objective(&key).and_then(|objective| objective.next.not_before_ms));
    }
    due.retain(|at_ms| *at_ms <= memo.seen_ms || !clock::is_over(*at_ms, memo.seen_ms));
    due
}

/// None while something runs or can move by itself: cooldowns and backoffs count as moving, a waiting publication
/// and a day's budget that is spent do not. Effects in flight are the caller's to know of.
#[must_use]
pub fn settled(state: &State, memo: &Memo) -> Option<Settled> {
    let covered = || state.projects().filter(|project| project.is_enabled() && memo.covers(&project.slug));
    let sessions = state.open_sessions().map(|session| &session.objective.project);
    let gates = state.open_gates().map(|gate| &gate.project);
    let runs = sessions.chain(gates).any(|project| !stands_still(state, project));
    let moves = |project: &Project| !stands_still(state, &project.slug) && is_moving(state, memo, project);
    if runs || covered().any(moves) {
        return None;
    }
    Some(match (waiting(state, memo).is_empty(), covered().all(|project| is_done(state, memo, project))) {
        (false, _) => Settled::NeedsHuman,
        (true, true) => Settled::Done,
        (true, false) => Settled::Stuck,
    })
}

/// Whether an effect of it panicked again and again: what waits for that effect waits in vain under this supervisor.
fn stands_still(state: &State, project: &ProjectSlug) -> bool {
    state.project(project).is_some_and(|project| project.holds.contains_key(&ReasonCode::EffectPanicked))
}

/// What waits for a person in the projects that are worked on. A supervisor that starts no planner leaves goals
/// aside: they wait for nobody.
#[must_use]
pub fn waiting(state: &State, memo: &Memo) -> Vec<Need> {
    let covered = state.projects().filter(|project| memo.covers(&project.slug));
    let all = covered.flat_map(|project| needs(state, &project.slug));
    let is_meant =
        |need: &Need| memo.planner_cooldown_ms.is_some() || need.reason.code != ReasonCode::NothingPlanned;
    all.filter(is_meant).collect()
}

/// Whether all objectives are done or skipped, what landed is published as the project asks, and the goals that were
/// started are reached, unless nobody plans.
fn is_done(state: &State, memo: &Memo, project: &Project) -> bool {
    let slug = &project.slug;
    let is_over = |status: &Status| status.frees_dependents() || state.in_status(slug, *status).is_empty();
    let line = state.active_line(slug);
    let is_reached =
        memo.planner_cooldown_ms.is_none() || line.goal.or(line.milestone).or(line.phase).is_none();
    Status::ALL.iter().all(is_over) && !publish::is_wanted(project) && is_reached
}

/// Whether the planner, or the checks of a phase, go on by themselves: a cooldown does.
fn is_planning(state: &State, memo: &Memo, project: &Project) -> bool {
    let phase = state.active_line(&project.slug).phase;
    let checks = phase.is_some_and(|phase| checks_due(state, project, phase)) && may_check(project);
    checks || matches!(stand(state, memo, project), Stand::At(_) | Stand::Undivided(_))
}

/// Whether its scope overlaps that of work in a queue that waits for somebody: then so does it.
fn waits_for_held(state: &State, project: &Project, objective: &Objective) -> bool {
    if project.settings.path_conflicts == OverlapRule::Allow || objective.holds_scope() {
        return false;
    }
    let shared = &project.settings.shared_patterns;
    let mut overlaps = OverlapCache::default();
    let mut queued = state
        .in_status(&project.slug, Status::Queued)
        .iter()
        .filter_map(|id| state.objective(&ObjectiveKey { project: project.slug.clone(), id: id.clone() }));
    queued.any(|other| {
        let common = overlaps.overlap(&objective.spec.path_scope, &other.spec.path_scope, shared);
        !matches!(common, Ok(None))
    })
}

fn is_moving(state: &State, memo: &Memo, project: &Project) -> bool {
    let queue_moves =
        project.train.held.is_none() && project.landing_hold().is_none() && project.is_workable();
    let is_landing = project.train.landing.is_some();
    let needs_disk = !project.settings.verify.is_empty() && project.holds.contains_key(&ReasonCode::DiskLow);
    if is_landing || (queue_moves && !needs_disk && !project.train.entries.is_empty()) {
        return true;
    }
    let integration = &project.integration;
    let is_publishing = memo.publishing.contains_key(&project.slug)
        || integration.is_moving_to_target()
        || publish::is_coming(memo, project);
    let dispatches = project.is_workable() && !project.paused && project.dispatch_hold().is_none();
    let can_start = |objective: &Objective| agent_for(state, project, objective).is_some();
    let has_work = dispatches
        && state.objectives_of(&project.slug).any(|objective| match objective.status {
            Status::Ready => {
                can_start(objective) && (queue_moves || !waits_for_held(state, project, objective))
            }
            Status::Active | Status::Review => true,
            Status::Todo
            | Status::Queued
            | Status::Done
            | Status::NeedsReview
            | Status::Paused
            | Status::Skipped
            | Status::Failed
            | Status::Cancelled => false,
        });
    let tries_gate = queue_moves && !needs_disk && super::side_runs::is_due(project);
    let is_making = !integration.is_made && project.holds.is_empty();
    is_publishing || has_work || is_making || tries_gate || is_planning(state, memo, project)
}
