//! Records what Paddock waits for in vain: something that stands in the place of a file, and actions that do
//! not end. Nothing is decided here: what cannot be read fails by itself, with a reason of its own.

use super::scribe::Scribe;
use paddock_model::event::Fact;
use paddock_model::ids::ProjectSlug;

pub(super) fn file_blocked(
    scribe: &mut Scribe<'_>,
    project: Option<ProjectSlug>,
    path: String,
    what: String,
    doing: String,
) {
    let project = known(scribe, project);
    scribe.record(Fact::FileBlocked { project, path, what, doing });
}

pub(super) fn work_hangs(scribe: &mut Scribe<'_>, project: Option<ProjectSlug>, doing: String, seconds: u64) {
    let project = known(scribe, project);
    scribe.record(Fact::WorkHangs { project, doing, seconds });
}

/// Returns the project if it still exists.
fn known(scribe: &Scribe<'_>, project: Option<ProjectSlug>) -> Option<ProjectSlug> {
    project.filter(|slug| scribe.state.project(slug).is_some())
}
