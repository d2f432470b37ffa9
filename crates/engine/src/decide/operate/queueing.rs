//! Orders that take one objective out of the merge queue, or put it in again.

use super::judging;
use crate::decide::queue::entries::{enqueue, withdraw};
use crate::decide::refusals::{Done, check_not_done, check_not_landing, refuse};
use crate::decide::scribe::Scribe;
use crate::decide::wording::choices;
use paddock_model::ids::Person;
use paddock_model::objective::{Cause, Objective, Status};
use paddock_model::reason::{Reason, ReasonCode};

/// Takes an objective out of the queue (`queue drop`). It passed the review, so no session is due. A person
/// wanted it out, so it goes to needs_review for a person to decide.
pub(super) fn drop_out(
    scribe: &mut Scribe<'_>,
    objective: &Objective,
    note: Option<String>,
    by: &Person,
) -> Done {
    check_not_done(objective)?;
    let id = &objective.key.id;
    if objective.status != Status::Queued {
        return refuse(format!("{id} is not in the merge queue: it is {}", objective.status));
    }
    check_not_landing(scribe, objective)?;
    withdraw(scribe, objective);
    let why = note.map_or_else(String::new, |note| format!(": {note}"));
    let clears = format!("`paddock queue requeue {id}`, {}", choices(objective));
    let text = format!("{by} took it out of the merge queue{why}");
    let reason = Reason::new(ReasonCode::QueueDropped, scribe.now_ms, text, clears);
    scribe.move_to(&objective.key, Status::NeedsReview, Cause::Human, Some(reason), None);
    Ok(format!("{id} is out of the merge queue; `paddock queue requeue {id}` puts it back"))
}

/// Puts an objective into the queue again, as the last entry of its priority (`queue requeue`). It keeps the
/// head that it was queued with, or takes the head that was reviewed.
pub(super) fn requeue(scribe: &mut Scribe<'_>, objective: &Objective, by: &Person) -> Done {
    check_not_done(objective)?;
    check_not_landing(scribe, objective)?;
    let id = &objective.key.id;
    // Only an objective that `queue drop` took out has passed the review and needs nothing else.
    let was_dropped = objective.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::QueueDropped);
    match objective.status {
        Status::Queued => {
            let project = scribe.state.project(&objective.key.project);
            let entry = project.and_then(|project| project.train.entry_of(id));
            let Some(head) = entry.map(|entry| entry.head.clone()) else {
                return refuse(format!("{id} is about to enter the merge queue"));
            };
            // A new entry: verdicts against the old one no longer count.
            withdraw(scribe, objective);
            enqueue(scribe, objective, head, false);
            Ok(format!("{id} entered the merge queue again, as the last one of its priority"))
        }
        Status::NeedsReview if was_dropped => judging::put_back(scribe, objective, by),
        Status::Todo
        | Status::Ready
        | Status::Active
        | Status::Review
        | Status::Done
        | Status::NeedsReview
        | Status::Paused
        | Status::Skipped
        | Status::Failed
        | Status::Cancelled => refuse(format!(
            "{id} is {}, and was not taken out of the merge queue: `paddock explain {id}` says what it needs",
            objective.status
        )),
    }
}
