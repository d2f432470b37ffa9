//! A full disk under the gate: the queue is held, no branch is blamed, and the queue is released when space
//! is free.
//!
//! Free bytes and inodes are read when a run is over. A run that fails while there are none holds the queue
//! (`disk_full`). Words of a full disk alone make a failure whose cause may pass
//! (`CommandResult::may_be_passing`), as a failed `worktree.setup` does: it is repeated whatever
//! `flaky_retries` says, and compared with a later run on the base. If the base is green the branch is at
//! fault; if the base fails in the same way the queue is held. A queue held for this reason is tried again
//! when there is space, after ten minutes and at growing intervals, and at every start of a supervisor.

use crate::decide::queue::holds::hold_queue_until;
use crate::decide::queue::holds::release_queue;
use crate::decide::scribe::Scribe;
use crate::effect::Effect;
use paddock_model::clock;
use paddock_model::gate::{CommandResult, GateRun};
use paddock_model::ids::ProjectSlug;
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::session::Exit;

/// A place with more free bytes than this cannot have been the full one.
const FULL_MAX: u64 = 1 << 30;
/// Bytes that have to be free beyond twice the earlier value, for the space to count as freed. Where almost
/// nothing was free, twice as much would be almost nothing, too.
const SPACE_GAINED: u64 = 1 << 20;
/// First pause before the queue is released although no free space was seen, in milliseconds. A quota, for
/// example, does not show as free space. Each further pause is twice as long.
const AGAIN_FIRST_MS: i64 = 600_000;
/// Longest pause between two tries, in milliseconds.
const AGAIN_MAX_MS: i64 = 7_200_000;

/// Returns the command of a run that failed on a full disk, or says so in its output. The caller must know
/// that the branch is not at fault: a command can print anything.
pub(in crate::decide) fn starved(run: &GateRun) -> Option<&CommandResult> {
    run.results.iter().find(|result| result.says_full || matches!(result.exit, Exit::DiskFull(_)))
}

/// Holds the queue until disk space is free.
pub(in crate::decide) fn hold(scribe: &mut Scribe<'_>, slug: &ProjectSlug, run: &GateRun) -> bool {
    let Some(result) = starved(run) else { return false };
    let Some(project) = scribe.state.project(slug) else { return false };
    let wait = scribe.memo.starved.entry(slug.clone()).or_default();
    let pause_ms = (AGAIN_FIRST_MS << wait.tries.min(8)).min(AGAIN_MAX_MS);
    // The free bytes of an earlier hold say nothing about this one.
    (wait.free, wait.again_ms) = (None, scribe.now_ms + pause_ms);
    wait.tries += 1;
    let how = match result.says_full {
        true => "reports that no space is left, on the target branch itself as well",
        false => "had no space left, twice in a row",
    };
    let text = format!(
        "the disk is full where the gate runs: the command {} {how} (gate run {}); that is no verdict on \
         the work",
        result.name, run.id
    );
    let clears = format!(
        "free disk space where the gate works ({}, or the folder for temporary files); the queue goes on by \
         itself when space is free, and in {} minutes in any case; `paddock --project {slug} queue release` \
         tries now",
        project.settings.worktrees_root,
        pause_ms / 60_000
    );
    // The look reads the free bytes to compare with.
    scribe.order(Effect::Look { project: slug.clone() });
    hold_queue_until(scribe, slug, Reason::new(ReasonCode::DiskFull, scribe.now_ms, text, clears))
}

fn is_held(project: &Project) -> bool {
    project.train.held.as_ref().is_some_and(|held| held.code == ReasonCode::DiskFull)
}

/// The free bytes of the places where gates work were read. Releases the queue if a place that may have been
/// full has gained space.
pub(in crate::decide) fn seen(scribe: &mut Scribe<'_>, slug: &ProjectSlug, free: &[u64]) {
    if !scribe.state.project(slug).is_some_and(is_held) {
        return;
    }
    let wait = scribe.memo.starved.entry(slug.clone()).or_default();
    // The first values after the hold are those to compare with.
    let before = wait.free.get_or_insert_with(|| free.to_vec());
    let has_space =
        before.iter().zip(free).any(|(then, now)| *then < FULL_MAX && *now > 2 * then + SPACE_GAINED);
    if has_space {
        release_queue(scribe, slug, &[ReasonCode::DiskFull]);
    }
}

/// Releases the queues whose pause is over.
pub(in crate::decide) fn run(scribe: &mut Scribe<'_>) {
    if scribe.is_quiet() {
        return;
    }
    for slug in scribe.marked() {
        // A hold of an earlier supervisor has no pause in this process.
        let is_due =
            scribe.memo.starved.get(&slug).is_none_or(|wait| clock::is_over(wait.again_ms, scribe.now_ms));
        if is_due && scribe.state.project(&slug).is_some_and(is_held) {
            release_queue(scribe, &slug, &[ReasonCode::DiskFull]);
        }
    }
}

/// The gate was green: the next hold begins with the shortest pause again.
pub(in crate::decide) fn over(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    scribe.memo.starved.remove(slug);
}
