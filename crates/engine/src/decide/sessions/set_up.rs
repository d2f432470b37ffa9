//! The set-up of worktrees (`worktree.setup`) and its failures.
//!
//! A command that fails for one objective after the other says nothing about the objectives: a registry is
//! away, or the command itself is wrong. The project is held by name, the command is tried again at growing
//! pauses by one session at a time, and everything goes on once it works. No retry is spent. Only a failure of
//! one objective, while the command works for others, is that objective's own.

use crate::decide::queue::holds::{hold, release};
use crate::decide::scribe::Scribe;
use crate::decide::sessions::retries::repeat_after;
use paddock_model::cut;
use paddock_model::event::Fact;
use paddock_model::ids::{ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::objective::Objective;
use paddock_model::path::RepoPath;
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::session::Session;
use paddock_model::set_ups::SetUpTrouble;

/// Bytes of the command that a hold quotes.
const COMMAND_MAX_BYTES: usize = 120;

/// Returns whether a failed set-up is for the objective itself to answer for: nothing could be submitted, or
/// the command has worked for others since it failed here first.
pub(in crate::decide) fn is_own(project: &Project, objective: &Objective, first: Option<&Session>) -> bool {
    let Some(first) = first else { return true };
    let has_worked = project.set_ups.worked_ms.is_some_and(|worked_ms| worked_ms > first.planned_ms);
    has_worked && objective.setup_failures > 1
}

/// Returns the first session of the objective's failures in a row.
pub(in crate::decide) fn first_failed<'s>(
    scribe: &'s Scribe<'_>,
    objective: &Objective,
) -> Option<&'s Session> {
    let failures = usize::try_from(objective.setup_failures).unwrap_or(usize::MAX).max(1);
    let id = objective.sessions.get(objective.sessions.len().saturating_sub(failures))?;
    scribe.state.session(*id)
}

/// Makes the objective ready for the next try, and holds the project if the command fails in general.
pub(in crate::decide) fn try_again(
    scribe: &mut Scribe<'_>,
    key: &ObjectiveKey,
    session: &Session,
    how: &str,
) {
    let trouble = scribe.state.project(&key.project).and_then(|project| project.set_ups.trouble.clone());
    // The command has worked in another session meanwhile: nothing to wait for.
    let not_before_ms = trouble.as_ref().map(SetUpTrouble::again_ms);
    let feedback = scribe.state.objective(key).and_then(|objective| objective.next.feedback.clone());
    repeat_after(scribe, key, session.kind, feedback, not_before_ms);
    let Some(trouble) = trouble.filter(SetUpTrouble::holds) else { return };
    let Some(project) = scribe.state.project(&key.project) else { return };
    let command = project.settings.worktree.setup.as_deref().unwrap_or_default();
    let command = cut::start(command.lines().next().unwrap_or_default(), COMMAND_MAX_BYTES);
    let log = format!("its output: `paddock session log {0}`, and `--stderr`", session.id);
    let (text, clears) = match trouble.asks() {
        false => (
            format!("worktree.setup `{command}` fails ({how})"),
            format!("Paddock tries it again by itself, at pauses of up to 5 minutes; {log}"),
        ),
        true => (
            format!("worktree.setup `{command}` still fails after {} tries ({how})", trouble.rounds),
            format!("repair the cause, or the command in the project file; Paddock goes on by itself; {log}"),
        ),
    };
    // The text quotes the last output: a hold for each of them would fill the log.
    let is_news = project.set_up_hold().is_none() || trouble.is_asking_now();
    if is_news {
        hold(scribe, &key.project.clone(), ReasonCode::SetupFailing, text, clears);
    }
}

/// The set-up of a session has ended well, and its agent begins.
pub(in crate::decide) fn done(scribe: &mut Scribe<'_>, id: SessionId) {
    let Some(session) = scribe.state.session(id) else { return };
    works(scribe, &session.objective.project.clone());
}

/// The command works: sessions that wait for it start.
pub(in crate::decide) fn works(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    release(scribe, slug, ReasonCode::SetupFailing);
}

/// Records what the set-up leaves in a worktree, if the user does not know it yet.
pub(in crate::decide) fn note_left(scribe: &mut Scribe<'_>, project: &ProjectSlug, left: &[RepoPath]) {
    let is_news = |found: &Project| !left.is_empty() && found.set_ups.left != left;
    if scribe.state.project(project).is_some_and(is_news) {
        scribe.record(Fact::SetUpLeft { project: project.clone(), paths: left.to_vec() });
    }
}

/// Records which entries of `worktree.copy` stand for nothing, if that has changed.
pub(in crate::decide) fn note_missed(scribe: &mut Scribe<'_>, project: &ProjectSlug, missed: Vec<String>) {
    if scribe.state.project(project).is_some_and(|found| found.set_ups.missed != missed) {
        scribe.record(Fact::CopiesMissed { project: project.clone(), entries: missed });
    }
}

/// Returns whether a ready objective has to wait because the set-up fails: one session at a time tries it,
/// after a pause.
pub(in crate::decide) fn must_wait(scribe: &Scribe<'_>, key: &ObjectiveKey) -> bool {
    let Some(project) = scribe.state.project(&key.project) else { return true };
    let Some(objective) = scribe.state.objective(key) else { return true };
    let Some(trouble) = project.set_ups.trouble.as_ref().filter(|_| project.set_up_hold().is_some()) else {
        return false;
    };
    if !objective.needs_set_up() {
        return false;
    }
    let is_try = |session: &Session| {
        let other = scribe.state.objective(&session.objective);
        session.objective.project == key.project
            && session.planned_ms >= trouble.last_ms
            && other.is_some_and(|other| session.is_set_up_for(other))
    };
    scribe.now_ms < trouble.again_ms() || scribe.state.open_sessions().any(is_try)
}
