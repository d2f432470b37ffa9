//! Proofs of landings: written after them, off their path (SPEC 3.5).

use super::scribe::Scribe;
use crate::domain::event::Fact;
use crate::domain::ids::{ObjectId, ProjectSlug};

/// A proof that could not be written stays due; the next start tries again, and `paddock verify` says so.
pub(super) fn written(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    commit: &ObjectId,
    result: Result<String, String>,
) {
    let is_due = scribe
        .state
        .project(project)
        .is_some_and(|found| found.unproven.iter().any(|landing| landing.commit == *commit));
    if let (Ok(sha256), true) = (result, is_due) {
        let (project, commit) = (project.clone(), commit.clone());
        scribe.record(Fact::ProofWritten { project, commit, sha256 });
    }
}
