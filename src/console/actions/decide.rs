//! Judging work.

use super::order;
use crate::console::Model;
use crate::console::dialogs::confirm::Confirm;
use crate::console::dialogs::note::Note;
use crate::console::msg::Effect;
use crate::domain::ids::ObjectiveKey;
use crate::domain::objective::{Feedback, Status};
use crate::domain::operate::Order;

type Make = fn(Option<String>) -> Result<Order, String>;

struct Ask {
    verb: &'static str,
    title: &'static str,
    make: Make,
}

const RETRY: Ask = Ask { verb: "retry", title: "Retry", make: |note| Ok(Order::Retry { note }) };
const APPROVE: Ask =
    Ask { verb: "approve", title: "Approve", make: |note| Ok(Order::Approve { note, head: None }) };
const REJECT: Ask = Ask {
    verb: "reject",
    title: "Reject",
    make: |note| match note {
        Some(note) => Ok(Order::Reject { note, is_final: false }),
        None => Err("say what is wrong: the next session is told".to_owned()),
    },
};
const ESCALATE: Ask = Ask { verb: "escalate", title: "Escalate", make: |note| Ok(Order::Escalate { note }) };

fn noted(model: &mut Model, argument: Option<&str>, ask: &'static Ask) -> Vec<Effect> {
    let Some(key) = model.target().objective else { return Vec::new() };
    if let Some(text) = argument {
        return match (ask.make)(note_of(text)) {
            Ok(made) => vec![order(&key, made, ask.verb)],
            Err(problem) => {
                model.say_no(problem);
                Vec::new()
            }
        };
    }
    let above = quoted(model, &key);
    let (title, draft) = (format!("{} {}", ask.title, key.id), format!("{} {key}", ask.verb));
    let send = move |_: &Model, text: &str| Ok(vec![order(&key, (ask.make)(note_of(text))?, ask.verb)]);
    let note = Note::new(model, title, draft, above, Box::new(send));
    model.open(Box::new(note));
    Vec::new()
}

fn note_of(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// What went before, above the text.
fn quoted(model: &Model, key: &ObjectiveKey) -> Vec<String> {
    let Some(one) = model.facts.state.objective(key) else { return Vec::new() };
    let mut lines: Vec<String> = one.reason.iter().map(|reason| reason.text.clone()).collect();
    match &one.next.feedback {
        Some(Feedback::Rejected { note }) => lines.push(format!("sent back before: {note}")),
        Some(Feedback::Gate { command, outcome, .. }) => lines.push(format!("gate {command}: {outcome}")),
        _ => {}
    }
    lines
}

pub(super) fn retry(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    noted(model, argument, &RETRY)
}

pub(super) fn approve(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    noted(model, argument, &APPROVE)
}

pub(super) fn reject(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    noted(model, argument, &REJECT)
}

pub(super) fn escalate(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    noted(model, argument, &ESCALATE)
}

pub(super) fn skip(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    let Some(key) = model.target().objective else { return Vec::new() };
    let dependents = model.facts.state.dependents(&key).len();
    let lines =
        vec![format!("{} is given up, and what depends on it ({dependents}) goes on without it.", key.id)];
    let title = format!("Skip {}?", key.id);
    let confirmed =
        move |model: &Model| still_open(model, &key).map(|()| vec![order(&key, Order::Skip, "skip")]);
    model.open(Box::new(Confirm::new(title, lines, "Skip", Box::new(confirmed))));
    Vec::new()
}

/// Whether it can still be set aside: it may have landed while the dialog was open.
pub(super) fn still_open(model: &Model, key: &ObjectiveKey) -> Result<(), String> {
    match model.facts.state.objective(key).map(|one| one.status) {
        None => Err(format!("{} is gone", key.id)),
        Some(Status::Done) => Err(format!("{} has landed meanwhile", key.id)),
        Some(_) => Ok(()),
    }
}
