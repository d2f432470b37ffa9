//! The Planner phase: starts a planner run when work runs short, and never otherwise.
//!
//! A planner run is a session of kind `planner` for `ObjectiveId::planner()`, an id that no objective can
//! have. It takes no slot. [`planner_state`] says in one place what a project's planner does or waits for;
//! the phase, `settled`, the timers and `plan show` all call it. What it remembers (`Project::planning`, a
//! phase's `progress`) comes from events alone, so the cooldown survives a crash.
//!
//! A goal or milestone without anything below it is planned whole, ten seconds after it became active
//! (`PlannerState::Undivided`; at once when a person asks for a plan): it gets one milestone and one phase of
//! its own name. `paddock_model::planning::planners` says which agents may plan; without one, objectives come
//! from people. A goal that nobody plans and that has no work is reported by `explain::nothing_planned`.

use crate::assignment::{is_cooling, planners_from};
use crate::decide::memo::Memo;
use crate::decide::plans::phases;
use crate::decide::queue::holds::hold_planner;
use crate::decide::scribe::Scribe;
use crate::effect::Effect;
use crate::setback::failed_to_plan;
use paddock_model::event::{Fact, SessionPlan};
use paddock_model::hierarchy::HierarchyNode;
use paddock_model::ids::{AgentId, ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::objective::{Objective, Status};
use paddock_model::planning::{BARREN_MAX, planners};
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::session::{SessionBudget, SessionKind};
use paddock_model::state::State;
use paddock_model::usage::micros;

/// Worker that a planner's session names.
pub(crate) const PLANNER_WORKER: &str = "planner";

/// How long a goal or milestone that becomes active waits for its milestones or phases, in milliseconds. A
/// person or a script that adds them one after the other needs a moment.
const DIVIDE_AFTER_MS: i64 = 10_000;

/// The state of a project's planner: what it does, or what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannerState {
    /// A run is in progress.
    Running(SessionId),
    /// A plan waits for a person.
    PlanWaits,
    /// No phase is active.
    NoPhase,
    /// The active goal or milestone has no phases. At this time, in Unix milliseconds, it gets a single phase
    /// that covers all of it.
    Undivided(i64),
    /// Objectives come from people: no agent may plan, or the supervisor runs without a planner.
    Off,
    /// The project is paused, disabled, or held.
    Held,
    /// The planner waits for a person.
    Stuck,
    /// Checks of the phase run, or are about to.
    Checking,
    /// The planner believes that the phase is done. The rest of the phase moves, or waits for a person.
    BelievedDone,
    /// Enough work is left.
    Enough,
    /// Plans in a row brought no landing, but some of their work may still land.
    Hoping,
    /// Plans in a row brought no landing, and none of their work is left.
    Barren,
    /// No agent that may plan can be used.
    NoAgent,
    /// A run starts at this time, in Unix milliseconds.
    At(i64),
}

/// Returns the state of a project's planner.
///
/// This is the only place that decides it: the Planner phase, the timers, [`crate::decide::settled`] and `plan show`
/// all ask here, so that they cannot disagree.
#[must_use]
pub fn planner_state(state: &State, memo: &Memo, project: &Project) -> PlannerState {
    let planning = &project.planning;
    if let Some(run) = &planning.run {
        return PlannerState::Running(run.session);
    }
    if planning.waiting.is_some() {
        return PlannerState::PlanWaits;
    }
    let Some(phase) = state.active_line(&project.slug).phase else { return undivided(state, memo, project) };
    // A person's order starts a run even under a supervisor that starts none by itself.
    let is_off = memo.planner_cooldown_ms.is_none() || planners(project).is_empty();
    if is_off && !planning.is_asked {
        return PlannerState::Off;
    }
    if !project.is_workable() || project.paused || project.dispatch_hold().is_some() {
        return PlannerState::Held;
    }
    if let Some(other) = unless_asked(state, memo, project, phase) {
        return other;
    }
    // If the clock was set back, a cooldown may seem longer than any can be. `is_cooling` treats it as over.
    let from = |(agent, from_ms): (&AgentId, i64)| match memo.seen_ms > 0
        && !is_cooling(state, agent, memo.seen_ms)
    {
        true => 0,
        false => from_ms,
    };
    let Some(agent_from_ms) = planners_from(state, project).into_iter().map(from).min() else {
        return PlannerState::NoAgent;
    };
    // The planner's own cooldown keeps it from spinning. A person's order and the repair of a plan do not
    // wait for it.
    let cooled_ms = match planning.is_asked || planning.repair_due {
        true => 0,
        false => cooled_down_at(memo, planning.last_ms),
    };
    PlannerState::At(cooled_ms.max(agent_from_ms))
}

/// Returns the state of the planner if no phase is active: a goal without phases is planned as a whole, once
/// its author has had time to add some.
fn undivided(state: &State, memo: &Memo, project: &Project) -> PlannerState {
    let is_off = memo.planner_cooldown_ms.is_none() || planners(project).is_empty();
    match state.undivided(&project.slug) {
        Some(node) if !is_off && project.is_workable() && !project.paused => {
            PlannerState::Undivided(node.since_ms.saturating_add(DIVIDE_AFTER_MS))
        }
        _ => PlannerState::NoPhase,
    }
}

/// Returns what keeps the planner from starting by itself. A person's order overrides all of this.
fn unless_asked(
    state: &State,
    memo: &Memo,
    project: &Project,
    phase: &HierarchyNode,
) -> Option<PlannerState> {
    let planning = &project.planning;
    if planning.is_asked {
        return None;
    }
    if planning.stuck.is_some() {
        return Some(PlannerState::Stuck);
    }
    // The repair of a faulty plan does not ask how much work is left: the run before it has asked already.
    if planning.repair_due {
        return None;
    }
    if phase.progress.checking.is_some() || phases::checks_due(state, project, phase) {
        return Some(PlannerState::Checking);
    }
    // A belief that is older than the latest change of the phase needs another planner run. While work of the
    // phase moves, a new belief would be out of date at once, so the run waits for that work to end.
    if phases::is_believed_done(state, phase) || (phase.progress.is_believed_done && is_moving(state, phase))
    {
        return Some(PlannerState::BelievedDone);
    }
    let slots = memo.max_parallel.unwrap_or(project.settings.max_parallel_sessions) as usize;
    // Less work than slots means that a slot will soon be idle.
    match remaining_work(state, &project.slug, slots) {
        work if work >= slots => Some(PlannerState::Enough),
        0 if planning.barren >= BARREN_MAX => Some(PlannerState::Barren),
        _ if planning.barren >= BARREN_MAX => Some(PlannerState::Hoping),
        _ => None,
    }
}

/// Returns the end of the planner's cooldown, in Unix milliseconds. It counts from the last recorded run, so
/// that it outlives every supervisor.
fn cooled_down_at(memo: &Memo, last_ms: Option<i64>) -> i64 {
    let cooldown_ms = memo.planner_cooldown_ms.unwrap_or(0);
    last_ms.map_or(0, |last_ms| last_ms.saturating_add(cooldown_ms))
}

/// Returns the number of objectives that are in progress or will be: ready, active, in review, queued, and
/// those in todo that no stuck objective blocks. Counting stops at `enough`, as the walk over dependencies is
/// the slow part.
#[must_use]
pub(crate) fn remaining_work(state: &State, project: &ProjectSlug, enough: usize) -> usize {
    let moving = [Status::Ready, Status::Active, Status::Review, Status::Queued];
    let count: usize = moving.iter().map(|status| state.in_status(project, *status).len()).sum();
    if count >= enough {
        return count;
    }
    let todo = state.in_status(project, Status::Todo).iter();
    let key = |id: &ObjectiveId| ObjectiveKey { project: project.clone(), id: id.clone() };
    let is_free = |id: &&ObjectiveId| state.objective(&key(id)).is_some_and(|todo| !is_blocked(state, todo));
    count + todo.filter(is_free).take(enough - count).count()
}

/// Returns whether an objective of the phase is in progress, or will be by itself.
fn is_moving(state: &State, phase: &HierarchyNode) -> bool {
    let project = &phase.key.project;
    let view = state.phase_view(project, &phase.key.id);
    let key = |id: &ObjectiveId| ObjectiveKey { project: project.clone(), id: id.clone() };
    let mut all = view.moving.iter().filter_map(|id| state.objective(&key(id)));
    all.any(|one| one.status != Status::Todo || !is_blocked(state, one))
}

/// Returns whether this objective depends on a stuck one, directly or indirectly.
fn is_blocked(state: &State, objective: &Objective) -> bool {
    let mut seen: std::collections::BTreeSet<&ObjectiveKey> = std::collections::BTreeSet::new();
    let mut waiting = state.unmet(objective);
    while let Some(next) = waiting.pop() {
        if next.status.is_stuck() {
            return true;
        }
        if seen.insert(&next.key) {
            waiting.extend(state.unmet(next));
        }
    }
    false
}

pub(in crate::decide) fn run(scribe: &mut Scribe<'_>) {
    if scribe.is_quiet() {
        return;
    }
    for slug in scribe.marked() {
        divide_if_due(scribe, &slug);
        let Some(project) = scribe.state.project(&slug) else { continue };
        match planner_state(scribe.state, scribe.memo, project) {
            PlannerState::At(_) if is_due(scribe, project) => start(scribe, &slug),
            PlannerState::Barren => {
                let text = format!("{BARREN_MAX} plans in a row brought no landing");
                hold_planner(scribe, &slug, ReasonCode::PlansBarren, text);
            }
            PlannerState::At(_)
            | PlannerState::Running(_)
            | PlannerState::PlanWaits
            | PlannerState::NoPhase
            | PlannerState::Undivided(_)
            | PlannerState::Off
            | PlannerState::Held
            | PlannerState::Stuck
            | PlannerState::Checking
            | PlannerState::BelievedDone
            | PlannerState::Enough
            | PlannerState::Hoping
            | PlannerState::NoAgent => {}
        }
    }
}

fn divide_if_due(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    let Some(project) = scribe.state.project(slug) else { return };
    let PlannerState::Undivided(at_ms) = planner_state(scribe.state, scribe.memo, project) else { return };
    // If the clock was set back, the recorded time may lie far in the future. Nobody has to wait for it.
    let is_set_back = at_ms > scribe.now_ms.saturating_add(DIVIDE_AFTER_MS);
    if at_ms <= scribe.now_ms || is_set_back {
        crate::decide::plans::hierarchy::add_single_phase(scribe, slug);
    }
}

/// Returns whether the time of [`PlannerState::At`] has come. If the clock was set back behind the last run, it has.
fn is_due(scribe: &Scribe<'_>, project: &Project) -> bool {
    let planning = &project.planning;
    let is_set_back = planning.last_ms.is_some_and(|last_ms| {
        scribe.now_ms.saturating_add(scribe.memo.planner_cooldown_ms.unwrap_or(0)) < last_ms
    });
    let is_asked = planning.is_asked || planning.repair_due;
    (is_asked || is_set_back || cooled_down_at(scribe.memo, planning.last_ms) <= scribe.now_ms)
        && free_planner(scribe, project).is_some()
}

/// Returns the first agent that may plan and is not cooling down; one whose last run was a setback only if there
/// is no other.
fn free_planner(scribe: &Scribe<'_>, project: &Project) -> Option<AgentId> {
    let agents = planners_from(scribe.state, project).into_iter().map(|(agent, _)| agent);
    let free: Vec<_> = agents.filter(|agent| !is_cooling(scribe.state, agent, scribe.now_ms)).collect();
    let is_fit = |agent: &&&AgentId| !failed_to_plan(scribe.state, &project.slug, agent);
    free.iter().find(is_fit).or_else(|| free.first()).map(|agent| (*agent).clone())
}

fn start(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    let Some(project) = scribe.state.project(slug) else { return };
    let Some(agent) = free_planner(scribe, project) else { return };
    let defaults = &project.settings.session_defaults;
    let runs = scribe.state.active_line(slug).phase.map_or(0, |phase| phase.progress.runs);
    let plan = SessionPlan {
        session: SessionId(scribe.state.counters().session + 1),
        kind: SessionKind::Planner,
        agent,
        worker: PLANNER_WORKER.into(),
        attempt: runs.saturating_add(1),
        // A planner never commits. Its other limits are those of any session.
        budget: SessionBudget {
            max_commits: 0,
            max_minutes: defaults.max_minutes,
            max_tokens: defaults.max_tokens,
            max_usd_micros: defaults.max_usd.and_then(micros),
        },
        from: project.integration.tip.clone(),
        overtook: Vec::new(),
        resume: None,
    };
    let session = plan.session;
    scribe.record(Fact::SessionPlanned { objective: planner_key(slug), plan });
    scribe.order(Effect::StartSession { session });
}

/// Returns the key that a planner's session names in place of an objective. No objective can have this id.
#[must_use]
pub(crate) fn planner_key(project: &ProjectSlug) -> ObjectiveKey {
    ObjectiveKey { project: project.clone(), id: ObjectiveId::planner() }
}
