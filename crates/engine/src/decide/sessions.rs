//! Reports about worktrees and running sessions.

pub(super) mod budgets;
pub(super) mod dispatch;
pub(super) mod ends;
pub(super) mod estimate;
pub(super) mod follow;
pub(super) mod harvest;
pub(super) mod health;
pub(super) mod keepers;
mod marks;
pub(super) mod orders;
pub(super) mod pausing;
pub(super) mod recover;
pub(super) mod resume;
pub(super) mod retries;
pub(super) mod send_back;
pub(super) mod set_up;
pub(super) mod stops;
pub(super) mod unlock;

use super::scribe::Scribe;
use crate::decide::sessions::stops::ask_to_stop;
use crate::effect::Effect;
use crate::input::Problem;
use paddock_model::event::Fact;
use paddock_model::ids::{ObjectiveKey, SessionId};
use paddock_model::objective::{Cause, Status, WorktreeStage};
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::session::{Exit, ProcessEnd, Stop};

/// Attempts to make a worktree before a person is asked.
const WORKTREE_TRIES_MAX: u32 = 3;
/// Pause after a failed attempt to make a worktree, in milliseconds, times the attempts so far.
const WORKTREE_BACKOFF_MS: i64 = 2_000;

pub(super) fn worktree_answered(
    scribe: &mut Scribe<'_>,
    key: &ObjectiveKey,
    epoch: u64,
    result: Result<(), Problem>,
) {
    let Some(worktree) = scribe.state.objective(key).and_then(|objective| objective.worktree.as_ref()) else {
        return;
    };
    // The answer to an earlier order is about a worktree that has been replaced or removed since.
    if worktree.epoch != epoch || worktree.stage != WorktreeStage::Preparing {
        return;
    }
    let tries = worktree.failures + 1;
    scribe.mark(&key.project);
    match result {
        Ok(()) => scribe.record(Fact::WorktreeMade { objective: key.clone() }),
        Err(problem) => {
            let again_ms = scribe.now_ms + WORKTREE_BACKOFF_MS * i64::from(tries);
            let text = format!("its worktree could not be made: {problem}");
            scribe.record(Fact::WorktreeFailed {
                objective: key.clone(),
                problem: problem.into_text(),
                again_ms,
            });
            let is_ready = scribe.state.objective(key).is_some_and(|o| o.status == Status::Ready);
            if tries >= WORKTREE_TRIES_MAX && is_ready {
                let clears = "repair the cause that the message names, then retry the objective";
                let reason = Reason::new(ReasonCode::WorktreeFailed, scribe.now_ms, text, clears);
                scribe.move_to(key, Status::NeedsReview, Cause::HumanDue, Some(reason), None);
            }
        }
    }
}

pub(super) fn worktree_removed(scribe: &mut Scribe<'_>, key: &ObjectiveKey, late: Option<String>) {
    let is_removing = |objective: &paddock_model::objective::Objective| {
        objective.worktree.as_ref().is_some_and(|worktree| worktree.stage == WorktreeStage::Removing)
    };
    if !scribe.state.objective(key).is_some_and(is_removing) {
        return;
    }
    scribe.record(Fact::WorktreeRemoved { objective: key.clone() });
    let is_done = scribe.state.objective(key).is_some_and(|objective| objective.status == Status::Done);
    // Somebody committed to the branch after its head was pinned for the landing. Nothing of that may be
    // lost, and nothing of it has landed.
    if let (Some(reference), true) = (late, is_done) {
        let text =
            format!("commits appeared on its branch after it had landed; they are kept under {reference}");
        let clears = "look at them; a new objective can take them up";
        let reason = Reason::new(ReasonCode::LateCommits, scribe.now_ms, text, clears);
        scribe.move_to(key, Status::NeedsReview, Cause::LateCommits, Some(reason), None);
    }
}

pub(super) fn started(scribe: &mut Scribe<'_>, id: SessionId, pid: u32) {
    let Some(session) = scribe.state.session(id) else { return };
    // A session that was found again reports its start once more; the first report counts.
    if session.status.has_processes() && session.started_ms.is_none() {
        let objective = session.objective.clone();
        scribe.record(Fact::SessionStarted { objective, session: id, pid });
    }
}

/// The runner did not accept the session. The agent is not to blame, so this is treated like a failed set-up:
/// one repeat, then a person.
pub(super) fn refused(scribe: &mut Scribe<'_>, id: SessionId, problem: Problem) {
    let exit = Exit::SetupFailed(problem.into_text());
    exited(scribe, id, Some(ProcessEnd { exit, stop: None, awake_seconds: 0, survivors: 0 }));
}

pub(super) fn exited(scribe: &mut Scribe<'_>, id: SessionId, process: Option<ProcessEnd>) {
    let Some(session) = scribe.state.session(id) else { return };
    if !session.status.has_processes() {
        return;
    }
    let objective = session.objective.clone();
    let project = objective.project.clone();
    scribe.record(Fact::SessionExited { objective, session: id, process });
    // Its set-up may have worked.
    if scribe.state.project(&project).is_some_and(|project| project.set_ups.trouble.is_none()) {
        set_up::works(scribe, &project);
    }
    scribe.order(Effect::Harvest { session: id });
}

/// Stops a session when it makes one commit more than its budget. A session that uses exactly its budget may
/// finish.
pub(super) fn commits_seen(scribe: &mut Scribe<'_>, id: SessionId, commits: u32) {
    let Some(session) = scribe.state.session(id) else { return };
    if session.status.is_at_work() && commits > session.budget.max_commits {
        let session = session.clone();
        ask_to_stop(scribe, &session, Stop::Commits);
    }
}
