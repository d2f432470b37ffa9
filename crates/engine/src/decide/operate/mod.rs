//! Orders about one objective. Each is checked against the table of states, and executed or refused with
//! advice on what to do instead.
//!
//! # The orders
//!
//! `Objective::operated` holds what an order leaves on an objective.
//!
//! - **Cancel, skip, escalate** change the state at once, so that dependents and slots see it. The session is
//!   then stopped, harvested and salvaged, and nothing follows from it. Until that is over it keeps its slot,
//!   and no other session starts in its worktree. Once the intent of a landing is recorded these orders
//!   change nothing.
//! - **Pause** of an active objective is a mark. When the session ends, the objective goes to review and from
//!   there to paused; **resume** returns it to review and harvests again, so that the usual follow-up is
//!   decided then. From any other state the state is remembered (`BeforePause`) and derived again: a queued
//!   objective enters the queue with the head that passed, unless its scope was edited meanwhile.
//! - **Retry** sets `retries` and the counters of failures in a row to zero, and stores how many sessions
//!   there were (`sessions_before`), from which `recovery.max_sessions` counts on. So each retry of a person
//!   allows one more round of recovery, and no loop can allow itself one.
//! - **Approve** pins the head that was judged. If the person committed to the branch themselves, the queue
//!   finds the head moved, judges it again, and lets it pass if it is exactly the head that the person saw.
//!   Secrets and copied files never pass.
//! - A **note** is part of the next session's prompt and stays until that session has run; later sessions
//!   find it in the history.
//! - A **scope** that was released or changed (`scope_released`) is compared with the others again before the
//!   next session starts. An approval or a resumption enters the queue whatever else is running; the merge
//!   and the gate judge it.

mod change;
mod judging;
mod queueing;
mod set_aside;

use super::scribe::Scribe;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::cut;
use paddock_model::ids::{ObjectiveKey, Person};
use paddock_model::operate::Order;

/// Bytes kept of a person's note.
const NOTE_MAX_BYTES: usize = 4_000;

pub(super) fn take(scribe: &mut Scribe<'_>, key: &ObjectiveKey, order: Order, by: &Person) -> Reply {
    let Some(objective) = scribe.state.objective(key).cloned() else {
        let text = format!("there is no objective {key}; `paddock objective list` shows them");
        return Err(Refusal::new(text));
    };
    scribe.mark(&key.project);
    let text = match order {
        Order::Retry { note } => judging::retry(scribe, &objective, trimmed(note), by),
        Order::Approve { note, head } => judging::approve(scribe, &objective, trimmed(note), head, by),
        Order::Reject { note, is_final } => {
            judging::reject(scribe, &objective, trimmed(Some(note)), is_final, by)
        }
        Order::Skip => set_aside::skip(scribe, &objective, by),
        Order::Pause => set_aside::pause(scribe, &objective, by),
        Order::Resume => set_aside::resume(scribe, &objective),
        Order::Cancel => set_aside::cancel(scribe, &objective, by),
        Order::Escalate { note } => set_aside::escalate(scribe, &objective, trimmed(note), by),
        Order::Expand { globs } => change::expand(scribe, &objective, globs),
        Order::Prioritize { priority } => change::prioritize(scribe, &objective, priority),
        Order::Edit { edit } => change::edit(scribe, &objective, &edit),
        Order::Delete => change::delete(scribe, &objective),
        Order::Drop { note } => queueing::drop_out(scribe, &objective, trimmed(note), by),
        Order::Requeue => queueing::requeue(scribe, &objective, by),
    }?;
    Ok(Answer { text, objectives: vec![key.clone()] })
}

/// Returns a note without surrounding blanks, cut to its bound. An empty note is none.
fn trimmed(note: Option<String>) -> Option<String> {
    let note = note.map(|note| cut::start(note.trim(), NOTE_MAX_BYTES).to_owned());
    note.filter(|note| !note.is_empty())
}
