//! The Dispatch phase: starts worktrees and sessions for ready objectives.

use std::cmp::Reverse;

use crate::assignment;
use crate::decide::scopes::{do_overlap, holders};
use crate::decide::scribe::Scribe;
use crate::decide::sessions::set_up;
use crate::effect::Effect;
use crate::graph::Graph;
use paddock_model::clock;
use paddock_model::event::{Fact, SessionPlan};
use paddock_model::ids::{ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::objective::{Cause, Objective, Status, WorktreeStage};
use paddock_model::project::Project;
use paddock_model::session::{Session, SessionBudget, SessionKind};
use paddock_model::settings::{OverlapRule, ProjectSettings};
use paddock_model::state::State;
use paddock_model::usage::micros;

/// How often an objective may be overtaken by objectives with an overlapping scope. Without the bound, a wide
/// scope could wait for ever behind a stream of narrow ones.
pub(crate) const OVERTAKEN_MAX: u32 = 8;

pub(in crate::decide) fn run(scribe: &mut Scribe<'_>) {
    if scribe.is_quiet() {
        return;
    }
    for slug in scribe.marked() {
        let is_open =
            |project: &Project| project.is_workable() && !project.paused && project.dispatch_hold().is_none();
        // After a start, the user's target branch is read before the first dispatch: the user may have
        // committed while no supervisor ran, and sessions have to start from there.
        if scribe.state.project(&slug).is_some_and(is_open) && !scribe.memo.unlooked.contains(&slug) {
            dispatch(scribe, &slug);
        }
    }
}

/// Returns the number of session slots in use. The session of an objective that was set aside keeps its slot
/// until it has ended. A planner's session takes no slot, since it makes the work that fills them.
#[must_use]
pub(crate) fn taken_slots(state: &State, project: &ProjectSlug) -> usize {
    let has_slot =
        |session: &&Session| session.objective.project == *project && session.kind != SessionKind::Planner;
    state.open_sessions().filter(has_slot).count()
}

fn dispatch(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    let ready = in_order(scribe, slug);
    if ready.is_empty() {
        return;
    }
    let Some(project) = scribe.state.project(slug) else { return };
    let slots = scribe.memo.max_parallel.unwrap_or(project.settings.max_parallel_sessions) as usize;
    let mut free = slots.saturating_sub(taken_slots(scribe.state, slug));
    // Worktrees for the next objectives are made while others run, so that a freed slot is filled at once.
    let mut ahead = slots;
    let mut passed_over: Vec<ObjectiveKey> = Vec::new();
    for key in ready {
        if free == 0 && ahead == 0 {
            break;
        }
        if must_wait(scribe, &key, &passed_over) {
            passed_over.push(key);
            continue;
        }
        if set_up::must_wait(scribe, &key) {
            continue;
        }
        match free > 0 {
            true => {
                start_or_prepare(scribe, &key, &passed_over);
                free -= 1;
            }
            false => {
                prepare(scribe, &key);
                ahead -= 1;
            }
        }
    }
}

/// Returns the ready objectives in the order in which they should start: by priority, then the longest chain
/// of dependents, then age. Those in a backoff, and those whose last session is still being stopped, are left
/// out.
fn in_order(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Vec<ObjectiveKey> {
    refresh_critical_path(scribe, slug);
    let critical = &scribe.memo.critical[slug].1;
    let ids = scribe.state.in_status(slug, Status::Ready).iter();
    let keys = ids.map(|id| ObjectiveKey { project: slug.clone(), id: id.clone() });
    let is_due = |o: &&Objective| {
        let last = o.sessions.last().and_then(|id| scribe.state.session(*id));
        o.next.not_before_ms.is_none_or(|at_ms| clock::is_over(at_ms, scribe.now_ms))
            && last.is_none_or(|session| !session.status.is_open())
    };
    let mut ready: Vec<_> = keys
        .filter_map(|key| {
            scribe.state.objective(&key).filter(is_due).map(|o| (rank(o, critical.get(&key.id)), key))
        })
        .collect();
    ready.sort();
    ready.into_iter().map(|(_, key)| key).collect()
}

fn rank(objective: &Objective, chain: Option<&u32>) -> (bool, Reverse<i32>, Reverse<u32>, u64) {
    let is_at_bound = objective.overtaken >= OVERTAKEN_MAX;
    let chain = chain.copied().unwrap_or(0);
    (!is_at_bound, Reverse(objective.spec.priority), Reverse(chain), objective.added_seq)
}

/// Computes the chains of dependents again if objectives were added. An edit of dependencies or a deletion
/// clears the cache itself, so the number of objectives is enough to detect a change.
fn refresh_critical_path(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    let count = scribe.state.objectives_of(slug).count();
    if scribe.memo.critical.get(slug).is_some_and(|(known, _)| *known == count) {
        return;
    }
    let nodes = scribe.state.objectives_of(slug).map(|o| (o.key.id.clone(), o.spec.depends_on.clone()));
    let path = Graph::from_edges(nodes).critical_path();
    scribe.memo.critical.insert(slug.clone(), (count, path));
}

/// Returns whether an objective cannot start now: no agent is free, or its scope overlaps that of work in
/// progress or of an objective that must not be overtaken again.
fn must_wait(scribe: &mut Scribe<'_>, key: &ObjectiveKey, passed_over: &[ObjectiveKey]) -> bool {
    let Some(project) = scribe.state.project(&key.project) else { return true };
    let Some(objective) = scribe.state.objective(key) else { return true };
    if assignment::choose(scribe.state, project, objective, scribe.now_ms).is_none() {
        return true;
    }
    // An objective that holds its scope already has passed this test before its first session.
    if project.settings.path_conflicts == OverlapRule::Allow || objective.holds_scope() {
        return false;
    }
    let holding = holders(scribe.state, &key.project);
    let at_bound = passed_over
        .iter()
        .filter(|other| scribe.state.objective(other).is_some_and(|other| other.overtaken >= OVERTAKEN_MAX));
    let others: Vec<ObjectiveKey> = holding.into_iter().chain(at_bound.cloned()).collect();
    others.iter().any(|other| other != key && do_overlap(scribe, key, other))
}

fn start_or_prepare(scribe: &mut Scribe<'_>, key: &ObjectiveKey, passed_over: &[ObjectiveKey]) {
    let has_worktree = scribe.state.objective(key).is_some_and(|o| o.ready_worktree().is_some());
    match has_worktree {
        true => start(scribe, key, passed_over),
        false => prepare(scribe, key),
    }
}

fn prepare(scribe: &mut Scribe<'_>, key: &ObjectiveKey) {
    let Some(objective) = scribe.state.objective(key) else { return };
    let Some(project) = scribe.state.project(&key.project) else { return };
    // The epoch tells the answer to this order from a late answer to an earlier one.
    let epoch = match &objective.worktree {
        None => 1,
        Some(worktree) if worktree.stage == WorktreeStage::Broken => worktree.epoch + 1,
        Some(_) => return,
    };
    let path = format!("{}/{}/{}", project.settings.worktrees_root, key.project, key.id);
    let (branch, base) = (objective.branch(), project.integration.tip.clone());
    scribe.record(Fact::WorktreeOrdered { objective: key.clone(), path, branch, base, epoch });
    scribe.order(Effect::MakeWorktree { objective: key.clone(), epoch });
}

fn start(scribe: &mut Scribe<'_>, key: &ObjectiveKey, passed_over: &[ObjectiveKey]) {
    let Some(objective) = scribe.state.objective(key) else { return };
    let Some(project) = scribe.state.project(&key.project) else { return };
    let Some((worker, agent)) = assignment::choose(scribe.state, project, objective, scribe.now_ms) else {
        return;
    };
    let resume =
        crate::decide::sessions::resume::resume_of(scribe.state, &project.settings, objective, &agent);
    let plan = SessionPlan {
        session: SessionId(scribe.state.counters().session + 1),
        kind: objective.next.kind,
        agent,
        worker,
        attempt: u32::try_from(objective.sessions.len()).unwrap_or(u32::MAX).saturating_add(1),
        budget: budget_of(&project.settings, objective),
        from: starting_point(project, objective),
        overtook: Vec::new(),
        resume,
    };
    // Only a first session overtakes others: a later one continues work that holds its scope already.
    let is_first = plan.attempt == 1;
    let overtook = passed_over.iter().filter(|other| is_first && do_overlap(scribe, key, other));
    let overtook: Vec<ObjectiveId> = overtook.map(|other| other.id.clone()).collect();
    let session = plan.session;
    scribe.record(Fact::SessionPlanned { objective: key.clone(), plan: SessionPlan { overtook, ..plan } });
    scribe.move_to(key, Status::Active, Cause::SessionStarts, None, None);
    scribe.order(Effect::StartSession { session });
}

/// Returns the commit that a session starts from: the integration tip for a first session, the branch's head
/// for a later one.
fn starting_point(project: &Project, objective: &Objective) -> ObjectId {
    match (&objective.head, objective.ready_worktree()) {
        (Some(head), _) => head.clone(),
        // Earlier sessions left no commit; the branch is still at its base.
        (None, Some(worktree)) if !objective.sessions.is_empty() => worktree.base.clone(),
        _ => project.integration.tip.clone(),
    }
}

fn budget_of(settings: &ProjectSettings, objective: &Objective) -> SessionBudget {
    let defaults = &settings.session_defaults;
    let max_commits = objective.spec.max_commits.unwrap_or(defaults.max_commits);
    SessionBudget {
        // The last conversation did not fit into the model's context: half the work has a chance to fit.
        max_commits: if objective.next.smaller { (max_commits / 2).max(1) } else { max_commits },
        max_minutes: objective.spec.max_minutes.unwrap_or(defaults.max_minutes),
        max_tokens: defaults.max_tokens,
        max_usd_micros: defaults.max_usd.and_then(micros),
    }
}
