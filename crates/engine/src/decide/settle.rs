//! Whether anything still moves, and when the next timer is due.

use super::memo::Memo;
use crate::assignment::{agent_for, probe};
use crate::decide::plans::phases::{checks_due, may_check};
use crate::decide::plans::planner::{PlannerState, planner_state};
use crate::decide::queue::gates;
use crate::decide::queue::publish::{self, again_at};
use crate::decide::queue::recheck;
use crate::needs::needs;
use paddock_model::agent::Cooldown;
use paddock_model::clock;
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_model::needs::Need;
use paddock_model::objective::{Objective, Status};
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::scope::OverlapCache;
use paddock_model::set_ups::SetUpTrouble;
use paddock_model::settings::OverlapRule;
use paddock_model::state::State;

/// The result of work that has come to rest: nothing runs, and nothing can move by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Everything is done or skipped, published as asked, and the goals that were started are reached.
    Done,
    /// At least one thing waits for a human.
    NeedsHuman,
    /// Nothing waits for a human, yet not everything is done.
    Stuck,
}

/// Returns when the next tick is due, in Unix milliseconds.
///
/// A timer that was due at the last tick is left out: if it still exists, it waits for another event, and
/// waking up for it again and again would keep the supervisor busy for nothing.
#[must_use]
pub fn next_timer(state: &State, memo: &Memo) -> Option<i64> {
    let mut due = Vec::new();
    for project in state.projects().filter(|project| project.is_enabled() && memo.covers(&project.slug)) {
        due.extend(pauses(state, memo, project));
        due.extend(trial_over(state, project));
        due.extend(recheck::due_ms(project, memo.seen_ms));
        if let PlannerState::At(at_ms) | PlannerState::Undivided(at_ms) = planner_state(state, memo, project)
        {
            due.push(at_ms);
        }
    }
    // Proofs are due even for a project that was disabled after the landing.
    due.extend(memo.prove_again.values().filter(|at_ms| !clock::is_over(**at_ms, memo.seen_ms)));
    // A cooldown that seems longer than any can be, because the clock was set back, is over and needs no
    // timer.
    let is_left = |cooldown: &&Cooldown| cooldown.until_ms <= memo.seen_ms || !cooldown.is_over(memo.seen_ms);
    let cooldowns = state.counters().agents.values().filter_map(|health| health.cooldown.as_ref());
    let cooldowns = cooldowns.filter(is_left);
    due.extend(cooldowns.map(|cooldown| cooldown.until_ms));
    let probes = state.counters().agents.keys().filter_map(|agent| probe(state, agent, memo.seen_ms));
    due.extend(probes.map(|(_, until_ms)| until_ms));
    due.into_iter().filter(|at_ms| *at_ms > memo.ticked_ms).min()
}

/// Returns when the trial of one more slot has to end, in Unix milliseconds.
fn trial_over(state: &State, project: &Project) -> Option<i64> {
    let trial_ms = project.trial_ms()?;
    let mut runs: Vec<_> = state.open_gates().filter(|run| run.project == project.slug).collect();
    runs.sort_by_key(|run| run.slot);
    (runs.len() > 1).then(|| runs[0].started_ms + trial_ms + 1)
}

/// Returns the ends of a project's pauses, in Unix milliseconds. A pause that a clock set back has made too
/// long is over and left out.
fn pauses(state: &State, memo: &Memo, project: &Project) -> Vec<i64> {
    let mut due = Vec::new();
    let integration = &project.integration;
    // A pause left over from a publication that is done needs no timer.
    if integration.published != integration.tip {
        due.extend(again_at(memo, &project.slug));
    }
    if project.pushing.due.is_some() {
        due.extend(memo.push_again.get(&project.slug).map(|(_, again_ms)| *again_ms));
    }
    due.extend(set_up_again(project));
    due.extend(memo.starved.get(&project.slug).map(|wait| wait.again_ms));
    due.extend(project.train.entries.iter().filter_map(|entry| entry.not_before_ms));
    for id in state.in_status(&project.slug, Status::Ready) {
        let key = ObjectiveKey { project: project.slug.clone(), id: id.clone() };
        due.extend(state.objective(&key).and_then(|objective| objective.next.not_before_ms));
    }
    due.retain(|at_ms| *at_ms <= memo.seen_ms || !clock::is_over(*at_ms, memo.seen_ms));
    due
}

/// Returns when a set-up that fails is tried again, in Unix milliseconds.
fn set_up_again(project: &Project) -> Option<i64> {
    project.set_up_hold()?;
    project.set_ups.trouble.as_ref().map(SetUpTrouble::again_ms)
}

/// Returns how work has come to rest, or `None` while something runs or can move by itself.
///
/// Cooldowns and backoffs count as moving, since they end soon. A waiting publication and a spent day's
/// budget do not: one needs the user, the other lasts until midnight. The caller must know that no effect is
/// in flight.
#[must_use]
pub fn settled(state: &State, memo: &Memo) -> Option<Settled> {
    let covered = || state.projects().filter(|project| project.is_enabled() && memo.covers(&project.slug));
    let open = state.open_sessions().filter(|session| !memo.waits_for_repository(session.id));
    let sessions = open.map(|session| &session.objective.project);
    let gates = state.open_gates().map(|gate| &gate.project);
    let runs = sessions.chain(gates).any(|project| !is_halted(state, project));
    let moves = |project: &Project| !is_halted(state, &project.slug) && is_moving(state, memo, project);
    if runs || covered().any(moves) {
        return None;
    }
    Some(match (waiting(state, memo).is_empty(), covered().all(|project| is_done(state, memo, project))) {
        (false, _) => Settled::NeedsHuman,
        (true, true) => Settled::Done,
        (true, false) => Settled::Stuck,
    })
}

/// Returns whether a project is held for an effect that panicked again and again. Everything that waits for
/// that effect waits in vain under this supervisor, so the project counts as settled.
fn is_halted(state: &State, project: &ProjectSlug) -> bool {
    state.project(project).is_some_and(|project| project.holds.contains_key(&ReasonCode::EffectPanicked))
}

/// Returns what waits for a person in the projects that this supervisor works on. A supervisor that starts no
/// planner ignores goals without work.
#[must_use]
pub fn waiting(state: &State, memo: &Memo) -> Vec<Need> {
    let covered = state.projects().filter(|project| memo.covers(&project.slug));
    let all = covered.flat_map(|project| needs(state, &project.slug));
    let is_about_planning = |code| matches!(code, ReasonCode::NothingPlanned | ReasonCode::MayPlan);
    let is_relevant =
        |need: &Need| memo.planner_cooldown_ms.is_some() || !is_about_planning(need.reason.code);
    all.filter(is_relevant).collect()
}

/// Returns whether a project is finished: all objectives are done or skipped, landed work is published as the
/// project asks, and the active goals are reached. Without a planner, goals do not count.
fn is_done(state: &State, memo: &Memo, project: &Project) -> bool {
    let slug = &project.slug;
    let is_over = |status: &Status| status.frees_dependents() || state.in_status(slug, *status).is_empty();
    let line = state.active_line(slug);
    let is_reached =
        memo.planner_cooldown_ms.is_none() || line.goal.or(line.milestone).or(line.phase).is_none();
    Status::ALL.iter().all(is_over) && !publish::is_wanted(project) && is_reached
}

/// Returns whether a planner run or the checks of a phase will start by themselves, if only after a cooldown.
fn is_planning(state: &State, memo: &Memo, project: &Project) -> bool {
    let phase = state.active_line(&project.slug).phase;
    let checks = phase.is_some_and(|phase| checks_due(state, project, phase)) && may_check(project);
    checks || matches!(planner_state(state, memo, project), PlannerState::At(_) | PlannerState::Undivided(_))
}

/// Returns whether an objective's scope overlaps that of a queued objective. While the queue is held, the
/// objective cannot start.
fn waits_for_held(state: &State, project: &Project, objective: &Objective) -> bool {
    if project.settings.path_conflicts == OverlapRule::Allow || objective.holds_scope() {
        return false;
    }
    let shared = &project.settings.shared_patterns;
    // The memo's cache cannot be used: `settled` only reads.
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

/// Returns whether anything of a project moves, or will move by itself.
fn is_moving(state: &State, memo: &Memo, project: &Project) -> bool {
    let queue_moves =
        project.train.held.is_none() && project.landing_hold().is_none() && project.is_workable();
    // A landing ends even in a queue that is held. Without disk space no gate run starts, so entries only
    // move in a project without a gate.
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
            // With the queue held, an objective whose scope a queued one holds would wait for ever, and
            // `run --until-idle` would never end.
            Status::Ready => {
                let asks = project.set_up_hold().is_some() && project.set_ups.asks();
                can_start(objective)
                    // A set-up that has failed for long is tried again, and counts as waiting for a person.
                    && !(asks && objective.needs_set_up())
                    && (queue_moves || !waits_for_held(state, project, objective))
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
    let tries_gate = queue_moves
        && !needs_disk
        && (crate::decide::queue::side_runs::is_due(project)
            || gates::is_recheck_next(state, project, memo.seen_ms));
    let is_making = !integration.is_made && project.holds.is_empty();
    is_publishing || has_work || is_making || tries_gate || is_planning(state, memo, project)
}
