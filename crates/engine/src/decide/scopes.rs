//! Which objectives hold a scope, and which scopes overlap.

use super::scribe::Scribe;
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_model::objective::{Objective, Status};
use paddock_model::state::State;

/// Returns the objectives of a project that hold their scopes against others: those with work in progress,
/// including ready ones that are between two sessions.
pub(super) fn holders(state: &State, project: &ProjectSlug) -> Vec<ObjectiveKey> {
    let mut keys = Vec::new();
    for status in [Status::Active, Status::Review, Status::Queued, Status::Ready] {
        let ids = state.in_status(project, status).iter();
        let named = ids.map(|id| ObjectiveKey { project: project.clone(), id: id.clone() });
        keys.extend(named.filter(|key| state.objective(key).is_some_and(Objective::holds_scope)));
    }
    keys
}

/// Returns whether the scopes of two objectives overlap. Scopes that cannot be compared count as overlapping:
/// to wait does less harm than a conflict.
pub(super) fn do_overlap(scribe: &mut Scribe<'_>, left: &ObjectiveKey, right: &ObjectiveKey) -> bool {
    let state = &*scribe.state;
    let (Some(a), Some(b)) = (state.objective(left), state.objective(right)) else { return false };
    let Some(project) = state.project(&left.project) else { return false };
    let shared = &project.settings.shared_patterns;
    // Shared patterns belong to every scope and never count as overlap.
    let answer = scribe.memo.overlaps.overlap(&a.spec.path_scope, &b.spec.path_scope, shared);
    !matches!(answer, Ok(None))
}
