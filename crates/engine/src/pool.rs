//! How many worktrees are kept for objectives to come.

use paddock_model::ids::{ObjectiveId, ObjectiveKey};
use paddock_model::objective::{Status, WorktreeStage};
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::session::{Session, SessionKind};
use paddock_model::state::State;

/// Returns how many entries the pool of a project may hold: one for each session that may run at a time, and
/// no more than objectives that still need a worktree. So nothing is kept once there is nothing to do.
#[must_use]
pub fn pool_max(state: &State, project: &Project) -> usize {
    if !project.is_enabled() || project.holds.contains_key(&ReasonCode::DiskLow) {
        return 0;
    }
    let of_project = |session: &&Session| session.objective.project == project.slug;
    let is_planned = || {
        let mut open = state.open_sessions().filter(of_project);
        open.any(|session| session.kind == SessionKind::Planner)
    };
    let max = usize::try_from(project.settings.max_parallel_sessions).unwrap_or(usize::MAX);
    let needs_one = |id: &&ObjectiveId| {
        let key = ObjectiveKey { project: project.slug.clone(), id: (*id).clone() };
        state.objective(&key).is_some_and(|objective| {
            let stage = objective.worktree.as_ref().map(|worktree| worktree.stage);
            // One that is ordered takes its files out of the pool in a moment.
            stage.is_none_or(|stage| stage == WorktreeStage::Preparing)
        })
    };
    let ids = [Status::Todo, Status::Ready].into_iter();
    let ids = ids.flat_map(|status| state.in_status(&project.slug, status));
    let waiting = ids.filter(needs_one).take(max).count();
    // A planner makes more of them.
    if is_planned() { max } else { waiting }
}
