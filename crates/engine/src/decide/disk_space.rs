//! A full disk under the gate: the queue is held, nobody is blamed, and it goes on by itself when there is room.

use super::holds::hold_queue_until;
use super::holds::let_queue_go_on;
use super::scribe::Scribe;
use crate::effect::Effect;
use paddock_model::clock;
use paddock_model::gate::{CommandResult, GateRun};
use paddock_model::ids::ProjectSlug;
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::session::Exit;

/// A place with more, in bytes, was not what was full.
const FULL_MAX: u64 = 1 << 30;
/// What has to be free beyond twice of what was, in bytes, to count as room.
const SPACE_GAINED: u64 = 1 << 20;
/// Until it is tried again although no room was seen (a quota shows none), in milliseconds; it doubles up to the
/// longest.
const AGAIN_FIRST_MS: i64 = 600_000;
/// The longest time between two tries, in milliseconds.
const AGAIN_MAX_MS: i64 = 7_200_000;

/// The command of a run that had no space, or says so: to be believed where the branch is not at fault.
pub(super) fn starved(run: &GateRun) -> Option<&CommandResult> {
    run.results.iter().find(|result| result.says_full || matches!(result.exit, Exit::DiskFull(_)))
}

/// Holds the queue until there is room.
pub(super) fn hold(scribe: &mut Scribe<'_>, slug: &ProjectSlug, run: &GateRun) -> bool {
    let Some(result) = starved(run) else { return false };
    let Some(project) = scribe.state.project(slug) else { return false };
    let wait = scribe.memo.starved.entry(slug.clone()).or_default();
    let pause_ms = (AGAIN_FIRST_MS << wait.tries.min(8)).min(AGAIN_MAX_MS);
    (wait.free, wait.again_ms) = (None, scribe.now_ms + pause_ms);
    wait.tries += 1;
    let how = match result.says_full {
        true => "says that it had no space left, and it says so of the target branch itself, too",
        false => "had no space left, twice in a row",
    };
    let text = format!(
        "the disk is full under the gate: {} {how} (gate run {}); that is no verdict on the work",
        result.name, run.id
    );
    let clears = format!(
        "make room where the gate works ({}, or the folder for temporary files); it goes on by itself when there is \
         some, and is tried again in {} minutes in any case; `paddock --project {slug} queue release` tries now",
        project.settings.worktrees_root,
        pause_ms / 60_000
    );
    scribe.order(Effect::Look { project: slug.clone() });
    hold_queue_until(scribe, slug, Reason::new(ReasonCode::DiskFull, scribe.now_ms, text, clears))
}

fn is_held(project: &Project) -> bool {
    project.train.held.as_ref().is_some_and(|held| held.code == ReasonCode::DiskFull)
}

/// So many bytes are free in the places where gates work.
pub(super) fn seen(scribe: &mut Scribe<'_>, slug: &ProjectSlug, free: &[u64]) {
    if !scribe.state.project(slug).is_some_and(is_held) {
        return;
    }
    let wait = scribe.memo.starved.entry(slug.clone()).or_default();
    let before = wait.free.get_or_insert_with(|| free.to_vec());
    let has_space =
        before.iter().zip(free).any(|(then, now)| *then < FULL_MAX && *now > 2 * then + SPACE_GAINED);
    if has_space {
        let_queue_go_on(scribe, slug, &[ReasonCode::DiskFull]);
    }
}

/// Whose time has come.
pub(super) fn run(scribe: &mut Scribe<'_>) {
    if scribe.is_quiet() {
        return;
    }
    for slug in scribe.marked() {
        let is_due =
            scribe.memo.starved.get(&slug).is_none_or(|wait| clock::is_over(wait.again_ms, scribe.now_ms));
        if is_due && scribe.state.project(&slug).is_some_and(is_held) {
            let_queue_go_on(scribe, &slug, &[ReasonCode::DiskFull]);
        }
    }
}

/// The gate was green: the next time begins with the shortest pause.
pub(super) fn over(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    scribe.memo.starved.remove(slug);
}
