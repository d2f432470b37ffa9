//! The Unlock phase: an objective becomes ready when each of its dependencies is done or skipped.
//!
//! It goes back to todo if a dependency is reopened, unless a session has worked on it.

use crate::decide::scribe::Scribe;
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_model::objective::{Cause, Objective, Status};

pub(in crate::decide) fn run(scribe: &mut Scribe<'_>) {
    for project in scribe.marked() {
        for key in in_status(scribe, &project, Status::Todo, |scribe, objective| {
            scribe.state.unmet(objective).is_empty()
        }) {
            scribe.move_to(&key, Status::Ready, Cause::DependenciesMet, None, None);
        }
        // A dependency may have been reopened, or an edit may have added one.
        for key in in_status(scribe, &project, Status::Ready, |scribe, objective| {
            objective.sessions.is_empty() && !scribe.state.unmet(objective).is_empty()
        }) {
            scribe.move_to(&key, Status::Todo, Cause::DependencyReopened, None, None);
        }
    }
}

fn in_status(
    scribe: &Scribe<'_>,
    project: &ProjectSlug,
    status: Status,
    is_wanted: impl Fn(&Scribe<'_>, &Objective) -> bool,
) -> Vec<ObjectiveKey> {
    let ids = scribe.state.in_status(project, status).iter();
    let keys = ids.map(|id| ObjectiveKey { project: project.clone(), id: id.clone() });
    keys.filter(|key| scribe.state.objective(key).is_some_and(|objective| is_wanted(scribe, objective)))
        .collect()
}
