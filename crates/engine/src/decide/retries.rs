//! The levels of recovery: the session that comes next, and the bounds after which a person decides.

use super::scribe::Scribe;
use super::wording::choices;
use paddock_model::ids::ObjectiveKey;
use paddock_model::objective::{Cause, Feedback, NextSession, Status};
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::session::SessionKind;
use paddock_model::settings::RecoverySettings;

/// The first wait before a retry, in milliseconds; each further one is four times as long.
const BACKOFF_FIRST_MS: i64 = 1_000;
/// The longest wait before a retry, in milliseconds.
const BACKOFF_MAX_MS: i64 = 300_000;

/// The next session, of this kind; no retry is spent.
pub(super) fn again(
    scribe: &mut Scribe<'_>,
    key: &ObjectiveKey,
    kind: SessionKind,
    feedback: Option<Feedback>,
) {
    // What did not fit does not fit the next time either.
    let smaller = scribe.state.objective(key).is_some_and(|objective| objective.next.smaller);
    let next = NextSession { kind, feedback, not_before_ms: None, costs_retry: false, smaller };
    if are_sessions_spent(scribe, key, &next) {
        return;
    }
    scribe.move_to(key, Status::Ready, Cause::SessionDue, None, Some(next));
}

/// Level 1 of recovery, after a session or out of the merge queue.
pub(super) fn retry(scribe: &mut Scribe<'_>, key: &ObjectiveKey, kind: SessionKind, feedback: Feedback) {
    retry_with(scribe, key, kind, feedback, false);
}

/// The same; the next session may get half of the work.
pub(super) fn retry_with(
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
        return human_before(scribe, key, ReasonCode::RetriesSpent, text, Some(due));
    }
    if are_sessions_spent(scribe, key, &due) {
        return;
    }
    let wait_ms = (BACKOFF_FIRST_MS << (2 * retries.min(8))).min(BACKOFF_MAX_MS);
    let not_before_ms = Some(scribe.now_ms + wait_ms);
    let next = NextSession { kind, feedback: Some(feedback), not_before_ms, costs_retry: true, smaller };
    scribe.move_to(key, Status::Ready, Cause::SessionDue, None, Some(next));
}

/// Level 3: a person decides, with the reason.
pub(super) fn human(scribe: &mut Scribe<'_>, key: &ObjectiveKey, code: ReasonCode, text: String) {
    human_before(scribe, key, code, text, None);
}

/// The same, with the session that is due if the person says so.
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

/// Whether another session may follow at all: the bound that makes every loop end.
fn are_sessions_spent(scribe: &mut Scribe<'_>, key: &ObjectiveKey, next: &NextSession) -> bool {
    let Some((settings, _, sessions)) = recovery(scribe, key) else { return true };
    let is_spent = sessions >= settings.max_sessions as usize;
    if is_spent {
        let text = format!("{sessions} sessions were not enough (recovery.max_sessions)");
        human_before(scribe, key, ReasonCode::SessionsSpent, text, Some(next.clone()));
    }
    is_spent
}

fn recovery(scribe: &Scribe<'_>, key: &ObjectiveKey) -> Option<(RecoverySettings, u32, usize)> {
    let settings = &scribe.state.project(&key.project)?.settings;
    let objective = scribe.state.objective(key)?;
    // A person who sent it back to work gave it as many sessions again.
    let sessions = objective.sessions.len().saturating_sub(objective.operated.sessions_before as usize);
    Some((settings.recovery.clone(), objective.retries, sessions))
}

fn what_failed(feedback: &Feedback) -> String {
    match feedback {
        Feedback::Findings(findings) => {
            let first = findings.first().map_or("faults were found", |finding| finding.text.as_str());
            format!("review: {first}")
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
