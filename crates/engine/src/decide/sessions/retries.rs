//! The levels of recovery: the next session, and the bounds after which a person decides.
//!
//! | level | step |
//! |---|---|
//! | 1 | a correction session, after a backoff; bounded by `recovery.max_retries` |
//! | 2 | a wider scope ([`crate::decide::sessions::recover`]); bounded by `recovery.max_expansions` |
//! | 3 | a person |
//!
//! Sessions that cost no retry (follow-ups, repeats after an interruption) are bounded by
//! `recovery.max_sessions`.

use crate::decide::scribe::Scribe;
use crate::decide::wording::choices;
use paddock_model::ids::{ObjectiveKey, SessionId};
use paddock_model::objective::{Cause, Feedback, NextSession, Status};
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::session::{Exit, SessionKind};
use paddock_model::settings::RecoverySettings;

/// First pause before a retry, in milliseconds. Each further pause is four times as long.
const BACKOFF_FIRST_MS: i64 = 1_000;
/// Longest pause before a retry, in milliseconds.
const BACKOFF_MAX_MS: i64 = 300_000;

/// Makes the objective ready for another session of this kind, which costs no retry.
pub(in crate::decide) fn repeat(
    scribe: &mut Scribe<'_>,
    key: &ObjectiveKey,
    kind: SessionKind,
    feedback: Option<Feedback>,
) {
    repeat_after(scribe, key, kind, feedback, None);
}

/// Like [`repeat`], but not before a time in Unix milliseconds.
pub(in crate::decide) fn repeat_after(
    scribe: &mut Scribe<'_>,
    key: &ObjectiveKey,
    kind: SessionKind,
    feedback: Option<Feedback>,
    not_before_ms: Option<i64>,
) {
    // Work that did not fit into the model's context once does not fit the next time either.
    let smaller = scribe.state.objective(key).is_some_and(|objective| objective.next.smaller);
    let next = NextSession { kind, feedback, not_before_ms, costs_retry: false, smaller };
    if are_sessions_spent(scribe, key, &next) {
        return;
    }
    scribe.move_to(key, Status::Ready, Cause::SessionDue, None, Some(next));
}

/// Level 1: makes the objective ready for a session that costs a retry, or asks a person if none is left.
/// Used after a session and for branches that the merge queue sends back.
pub(in crate::decide) fn retry(
    scribe: &mut Scribe<'_>,
    key: &ObjectiveKey,
    kind: SessionKind,
    feedback: Feedback,
) {
    retry_with(scribe, key, kind, feedback, false);
}

/// Like [`retry`]. With `smaller`, the next session gets half as many commits.
pub(in crate::decide) fn retry_with(
    scribe: &mut Scribe<'_>,
    key: &ObjectiveKey,
    kind: SessionKind,
    feedback: Feedback,
    smaller: bool,
) {
    let Some((settings, retries, _)) = recovery(scribe, key) else { return };
    let due = NextSession {
        kind,
        feedback: Some(feedback.clone()),
        not_before_ms: None,
        costs_retry: false,
        smaller,
    };
    if retries >= settings.max_retries {
        let count = if retries == 1 { "1 retry".to_owned() } else { format!("{retries} retries") };
        let text = format!("{} after {count} (recovery.max_retries)", what_failed(&feedback));
        // The session stays due: a person's retry starts exactly this one, with its feedback.
        return human_before(scribe, key, ReasonCode::RetriesSpent, text, Some(due));
    }
    if are_sessions_spent(scribe, key, &due) {
        return;
    }
    // The exponent is bounded, so that the shift cannot overflow with a large `recovery.max_retries`.
    let wait_ms = (BACKOFF_FIRST_MS << (2 * retries.min(8))).min(BACKOFF_MAX_MS);
    let not_before_ms = Some(scribe.now_ms + wait_ms);
    let next = NextSession { kind, feedback: Some(feedback), not_before_ms, costs_retry: true, smaller };
    scribe.move_to(key, Status::Ready, Cause::SessionDue, None, Some(next));
}

/// Level 3: moves the objective to needs_review with this reason.
pub(in crate::decide) fn human(scribe: &mut Scribe<'_>, key: &ObjectiveKey, code: ReasonCode, text: String) {
    human_before(scribe, key, code, text, None);
}

/// Like [`human`], with the session that starts if the person retries the objective.
fn human_before(
    scribe: &mut Scribe<'_>,
    key: &ObjectiveKey,
    code: ReasonCode,
    text: String,
    next: Option<NextSession>,
) {
    let clears = scribe.state.objective(key).map_or_else(String::new, choices);
    let reason = Reason::new(code, scribe.now_ms, text, clears);
    scribe.move_to(key, Status::NeedsReview, Cause::HumanDue, Some(reason), next);
}

/// Returns whether the objective has had all of its sessions, and asks a person if so. This bound makes every
/// loop end, including loops of sessions that cost no retry.
fn are_sessions_spent(scribe: &mut Scribe<'_>, key: &ObjectiveKey, next: &NextSession) -> bool {
    let Some((settings, _, sessions)) = recovery(scribe, key) else { return true };
    let is_spent = sessions >= settings.max_sessions as usize;
    if is_spent {
        let text = format!("{sessions} sessions did not finish the work (recovery.max_sessions)");
        human_before(scribe, key, ReasonCode::SessionsSpent, text, Some(next.clone()));
    }
    is_spent
}

fn recovery(scribe: &Scribe<'_>, key: &ObjectiveKey) -> Option<(RecoverySettings, u32, usize)> {
    let settings = &scribe.state.project(&key.project)?.settings;
    let objective = scribe.state.objective(key)?;
    // A person's retry grants a full number of sessions again, so those before it do not count.
    // No agent ran in a session whose set-up failed.
    let has_run = |id: &&SessionId| {
        let process = scribe.state.session(**id).and_then(|session| session.process.as_ref());
        !process.is_some_and(|process| matches!(process.exit, Exit::SetupFailed(_)))
    };
    let since = objective.sessions.iter().skip(objective.operated.sessions_before as usize);
    let sessions = since.filter(has_run).count();
    Some((settings.recovery.clone(), objective.retries, sessions))
}

fn what_failed(feedback: &Feedback) -> String {
    match feedback {
        Feedback::Findings(findings) => {
            let texts: Vec<&str> = findings.iter().map(|finding| finding.text.as_str()).collect();
            match texts.is_empty() {
                true => "review: it found faults".to_owned(),
                false => format!("review: {}", texts.join("; ")),
            }
        }
        Feedback::Gate { command, outcome, .. } => format!("the gate command {command} failed ({outcome})"),
        Feedback::Conflict { paths, .. } => {
            let names: Vec<String> = paths.iter().take(3).map(ToString::to_string).collect();
            format!("the branch does not merge: conflict in {}", names.join(", "))
        }
        Feedback::Ended { session, outcome } => format!("session {session}: {outcome}"),
        Feedback::FollowUp { session, .. } => format!("session {session} stopped early"),
        Feedback::Rejected { note } => format!("rejected: {note}"),
    }
}
