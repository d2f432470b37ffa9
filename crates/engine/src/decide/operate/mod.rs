//! What people ask of an objective: each order checked against the table of SPEC 1.1, carried out or refused
//! with what to do instead.

mod aside;
mod back;
mod change;
mod line;

use super::merge::cancel_gates;
use super::scribe::Scribe;
use crate::effect::Effect;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::event::{Dropped, Fact};
use paddock_model::ids::{ObjectId, ObjectiveKey, SessionId};
use paddock_model::objective::{Objective, Status};
use paddock_model::operate::Order;
use paddock_model::session::{Session, SessionStatus, Stop};
use paddock_model::train::Subject;

pub(super) use aside::{choices, pause_now};

/// Bytes of a person's note that are kept.
const NOTE_MAX_BYTES: usize = 4_000;

pub(super) fn take(scribe: &mut Scribe<'_>, key: &ObjectiveKey, order: Order, by: &str) -> Reply {
    let Some(objective) = scribe.state.objective(key).cloned() else {
        let text = format!("there is no objective {key}; `paddock objective list` shows them");
        return Err(Refusal::new(text));
    };
    scribe.mark(&key.project);
    let text = match order {
        Order::Retry { note } => back::retry(scribe, &objective, tidy(note), by),
        Order::Approve { note, head } => back::approve(scribe, &objective, tidy(note), head, by),
        Order::Reject { note, is_final } => back::reject(scribe, &objective, tidy(Some(note)), is_final, by),
        Order::Skip => aside::skip(scribe, &objective, by),
        Order::Pause => aside::pause(scribe, &objective, by),
        Order::Resume => aside::resume(scribe, &objective),
        Order::Cancel => aside::cancel(scribe, &objective, by),
        Order::Escalate { note } => aside::escalate(scribe, &objective, tidy(note), by),
        Order::Expand { globs } => change::expand(scribe, &objective, globs),
        Order::Prioritize { priority } => change::prioritize(scribe, &objective, priority),
        Order::Edit { edit } => change::edit(scribe, &objective, &edit),
        Order::Delete => change::delete(scribe, &objective),
        Order::Drop { note } => line::drop_out(scribe, &objective, tidy(note), by),
        Order::Requeue => line::requeue(scribe, &objective, by),
    }?;
    Ok(Answer { text, objectives: vec![key.clone()] })
}

fn tidy(note: Option<String>) -> Option<String> {
    let note = note.map(|note| super::harvest::cut(note.trim(), NOTE_MAX_BYTES));
    note.filter(|note| !note.is_empty())
}

/// What an order comes to: what was done, for people.
type Done = Result<String, Refusal>;

fn refuse<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(text))
}

/// Its last session, if that is not over.
fn open_session<'s>(scribe: &'s Scribe<'_>, objective: &Objective) -> Option<&'s Session> {
    let last = objective.sessions.last().and_then(|id| scribe.state.session(*id));
    last.filter(|session| session.status.is_open())
}

/// Once a landing's intent is recorded nothing is changed any more.
fn check_not_landing(scribe: &Scribe<'_>, objective: &Objective) -> Result<(), Refusal> {
    let train = scribe.state.project(&objective.key.project).map(|project| &project.train);
    let entry = train.and_then(|train| train.entry_of(&objective.key.id));
    match train.zip(entry).is_some_and(|(train, entry)| train.is_landing(entry.id)) {
        true => {
            refuse(format!("{} is landing: nothing was changed, it is done in a moment", objective.key.id))
        }
        false => Ok(()),
    }
}

/// Refuses for what is done: that is final.
fn check_not_done(objective: &Objective) -> Result<(), Refusal> {
    match objective.status == Status::Done {
        true => refuse(format!(
            "{} is done, which is final; `paddock objective add` takes up what is left",
            objective.key.id
        )),
        false => Ok(()),
    }
}

/// Takes it out of the merge queue, if it is there.
fn withdraw(scribe: &mut Scribe<'_>, objective: &Objective) {
    let key = &objective.key;
    let project = scribe.state.project(&key.project);
    let Some(entry) = project.and_then(|project| project.train.entry_of(&key.id)).cloned() else { return };
    cancel_gates(scribe, &key.project, &entry);
    let (project, subject, why) = (key.project.clone(), entry.subject, Dropped::Withdrawn);
    scribe.record(Fact::EntryDropped { project, entry: entry.id, subject, why });
}

/// Puts it into the merge queue with this head.
fn enqueue(scribe: &mut Scribe<'_>, objective: &Objective, head: ObjectId, is_approved: bool) {
    let key = &objective.key;
    let Some(project) = scribe.state.project(&key.project) else { return };
    let (entry, priority) = (project.train.next_entry, objective.spec.priority);
    let (project, subject) = (key.project.clone(), Subject::Objective(key.id.clone()));
    let operated = &objective.operated;
    let is_approved = is_approved || operated.approvals.last().is_some_and(|approval| approval.head == head);
    let guarded = operated.guarded.clone().filter(|(of, _)| *of == head && !is_approved);
    scribe.record(Fact::EntryQueued { project: project.clone(), entry, subject, head, priority });
    // What was to be tried with tests as they were still is: only an approval lets that pass.
    if let Some((_, paths)) = guarded {
        scribe.record(Fact::GuardAsked { project, entry, paths });
    }
}

/// Asks its session to stop, if one runs; what it leaves is harvested when it has ended.
fn stop_session(scribe: &mut Scribe<'_>, objective: &Objective) -> Option<SessionId> {
    let session = open_session(scribe, objective)?;
    let (id, status) = (session.id, session.status);
    if !status.has_processes() {
        return None;
    }
    let stop = Stop::Human;
    if status != SessionStatus::Stopping {
        let objective = objective.key.clone();
        scribe.record(Fact::SessionStopping { objective, session: id, stop, now: false });
        scribe.order(Effect::StopSession { session: id, stop, now: false });
    }
    Some(id)
}
