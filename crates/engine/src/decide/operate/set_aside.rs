//! Orders that set an objective aside (skip, cancel, escalate, pause), and the one that resumes a paused
//! objective.

use crate::decide::queue::entries::{enqueue, withdraw};
use crate::decide::refusals::{Done, check_not_done, check_not_landing, refuse};
use crate::decide::scribe::Scribe;
use crate::decide::sessions::pausing::set_paused;
use crate::decide::sessions::stops::{open_session, stop_session_of};
use crate::decide::wording::choices;
use crate::effect::Effect;
use paddock_model::event::Fact;
use paddock_model::ids::Person;
use paddock_model::objective::{Cause, Objective, Status};
use paddock_model::operate::BeforePause;
use paddock_model::reason::{Reason, ReasonCode};

pub(super) fn skip(scribe: &mut Scribe<'_>, objective: &Objective, by: &Person) -> Done {
    let stopped = set_aside(scribe, objective, Status::Skipped, &format!("{by} skipped it"))?;
    let id = &objective.key.id;
    let waiting = scribe.state.dependents(&objective.key).len();
    let dependents = match waiting {
        0 => "nothing depends on it".to_owned(),
        1 => "its dependent goes on without it".to_owned(),
        n => format!("its {n} dependents go on without it"),
    };
    Ok(format!("{id} is skipped: {dependents}{stopped}; `paddock objective retry {id}` takes it up again"))
}

pub(super) fn cancel(scribe: &mut Scribe<'_>, objective: &Objective, by: &Person) -> Done {
    let stopped = set_aside(scribe, objective, Status::Cancelled, &format!("{by} called it off"))?;
    let id = &objective.key.id;
    Ok(format!(
        "{id} is cancelled{stopped}; its branch stays, and `paddock objective retry {id}` takes it up again"
    ))
}

pub(super) fn escalate(
    scribe: &mut Scribe<'_>,
    objective: &Objective,
    note: Option<String>,
    by: &Person,
) -> Done {
    let why = note.map_or_else(String::new, |note| format!(": {note}"));
    let text = format!("{by} wants a person to decide{why}");
    let stopped = set_aside(scribe, objective, Status::NeedsReview, &text)?;
    Ok(format!("{} waits for a person{stopped}", objective.key.id))
}

/// Sets an objective aside: takes it out of the queue, and has its session stopped and harvested. The branch
/// stays.
///
/// The objective moves at once, so that its dependents see it. The session ends later; nothing follows from
/// it then.
fn set_aside(
    scribe: &mut Scribe<'_>,
    objective: &Objective,
    to: Status,
    text: &str,
) -> Result<String, paddock_model::command::Refusal> {
    check_not_done(objective)?;
    let id = &objective.key.id;
    if objective.status == to {
        return refuse(format!("{id} is {to} already"));
    }
    check_not_landing(scribe, objective)?;
    // The session is stopped behind the move: it keeps its slot until it has ended.
    let stopped = stop_session_of(scribe, objective);
    withdraw(scribe, objective);
    let reason = Reason::new(ReasonCode::Human, scribe.now_ms, text, way_out(objective, to));
    scribe.move_to(&objective.key, to, Cause::Human, Some(reason), None);
    Ok(stopped.map_or_else(String::new, |session| {
        format!("; session {session} is stopped, and what it leaves is kept")
    }))
}

fn way_out(objective: &Objective, to: Status) -> String {
    let id = &objective.key.id;
    match to {
        Status::NeedsReview => choices(objective),
        Status::Paused => format!("`paddock objective resume {id}`"),
        Status::Todo
        | Status::Ready
        | Status::Active
        | Status::Review
        | Status::Queued
        | Status::Done
        | Status::Skipped
        | Status::Failed
        | Status::Cancelled => format!("`paddock objective retry {id}` takes it up again"),
    }
}

pub(super) fn pause(scribe: &mut Scribe<'_>, objective: &Objective, by: &Person) -> Done {
    check_not_done(objective)?;
    let id = &objective.key.id;
    match objective.status {
        Status::Paused => refuse(format!("{id} is paused already; `paddock objective resume {id}` goes on")),
        // A session is not interrupted for a pause. The objective is paused when the session ends.
        Status::Active => {
            let number = open_session(scribe, objective).map_or(0, |session| session.id.0);
            if objective.operated.pause_asked {
                return refuse(format!("{id} will be paused already, as soon as session {number} ends"));
            }
            scribe.record(Fact::PauseAsked { objective: objective.key.clone(), asked: true });
            Ok(format!(
                "{id} is paused when session {number} ends; `paddock session kill {number}` ends it now"
            ))
        }
        Status::Todo
        | Status::Ready
        | Status::Review
        | Status::Queued
        | Status::Done
        | Status::NeedsReview
        | Status::Skipped
        | Status::Failed
        | Status::Cancelled => {
            check_not_landing(scribe, objective)?;
            withdraw(scribe, objective);
            set_paused(scribe, objective, &format!("{by} paused it"));
            Ok(format!("{id} is paused; `paddock objective resume {id}` continues from there"))
        }
    }
}

pub(super) fn resume(scribe: &mut Scribe<'_>, objective: &Objective) -> Done {
    let (key, id) = (&objective.key, &objective.key.id);
    if objective.status == Status::Active && objective.operated.pause_asked {
        scribe.record(Fact::PauseAsked { objective: key.clone(), asked: false });
        return Ok(format!("{id} will not be paused: it continues when its session ends"));
    }
    if objective.status != Status::Paused {
        let status = objective.status;
        let advice = match status.may_be_retried() {
            true => format!("; `paddock objective retry {id}` takes it up again"),
            false => String::new(),
        };
        return refuse(format!("{id} is not paused: it is {status}{advice}"));
    }
    let before_pause = objective
        .operated
        .before_pause
        .clone()
        .unwrap_or(BeforePause { status: Status::Ready, reason: None });
    let to = derive(scribe, objective, before_pause);
    Ok(format!("{id} is resumed: it is {to}"))
}

/// Moves a resumed objective to the state that follows from the facts of now, and returns that state. What it
/// waited for when it was paused may have changed, so the earlier state is only a hint.
fn derive(scribe: &mut Scribe<'_>, objective: &Objective, before_pause: BeforePause) -> Status {
    let key = &objective.key;
    let (to, reason) = match before_pause.status {
        Status::NeedsReview | Status::Failed | Status::Skipped | Status::Cancelled => {
            // A person has to decide about it, as before the pause.
            (before_pause.status, before_pause.reason)
        }
        Status::Queued if objective.head.is_some() => (Status::Queued, None),
        // Without a reviewed head the review has to be made again.
        Status::Queued | Status::Review | Status::Active => (Status::Review, None),
        // The unlock phase makes it ready if its dependencies are met.
        Status::Todo | Status::Ready | Status::Done | Status::Paused => {
            (if objective.sessions.is_empty() { Status::Todo } else { Status::Ready }, None)
        }
    };
    scribe.move_to(key, to, Cause::Human, reason, None);
    if let (Status::Queued, Some(head)) = (to, &objective.head) {
        enqueue(scribe, objective, head.clone(), false);
    }
    if let (Status::Review, Some(session)) = (to, objective.sessions.last()) {
        scribe.order(Effect::Harvest { session: *session });
    }
    to
}
