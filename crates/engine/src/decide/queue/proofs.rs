//! Proofs of landings. They are written after the landing, so that no landing waits for one.

use crate::decide::scribe::Scribe;
use crate::effect::Effect;
use crate::input::Problem;
use paddock_model::clock;
use paddock_model::event::Fact;
use paddock_model::ids::{ObjectId, ProjectSlug};

/// Pause before a proof that could not be written is tried again, in milliseconds.
const AGAIN_MS: i64 = 30_000;

/// Orders the proofs again that could not be written before.
pub(in crate::decide) fn run(scribe: &mut Scribe<'_>) {
    for slug in scribe.marked() {
        let again_ms = scribe.memo.prove_again.get(&slug).copied();
        if again_ms.is_none_or(|at_ms| !clock::is_over(at_ms, scribe.now_ms)) {
            continue;
        }
        // A proof that fails again enters the memo again with its answer.
        scribe.memo.prove_again.remove(&slug);
        let Some(project) = scribe.state.project(&slug) else { continue };
        let due: Vec<ObjectId> = project.unproven.iter().map(|landing| landing.commit.clone()).collect();
        for commit in due {
            scribe.order(Effect::WriteProof { project: slug.clone(), commit });
        }
    }
}

/// A proof was written, or could not be. In that case it stays due, and `paddock verify` reports it.
pub(in crate::decide) fn written(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    commit: &ObjectId,
    result: Result<String, Problem>,
) {
    let is_due = scribe
        .state
        .project(project)
        .is_some_and(|found| found.unproven.iter().any(|landing| landing.commit == *commit));
    if !is_due {
        return;
    }
    match result {
        Ok(sha256) => {
            let (project, commit) = (project.clone(), commit.clone());
            scribe.record(Fact::ProofWritten { project, commit, sha256 });
        }
        Err(_) => drop(scribe.memo.prove_again.insert(project.clone(), scribe.now_ms + AGAIN_MS)),
    }
}
