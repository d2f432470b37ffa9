//! Judging an objective: retry, approve, reject, escalate. What went before is quoted above the note.

use super::Dialog;
use super::form::{Fault, Field, Form, Values};
use crate::Model;
use crate::actions::order;
use crate::data::evidence;
use crate::msg::Effect;
use paddock_model::command::Command;
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_model::objective::Objective;
use paddock_model::operate::Order;

const NOTE: &str = "Note";

/// Lines that are quoted of what went before.
const LINES_MAX: usize = 6;

/// Why it stands where it stands, what the last session left, and what people said before.
fn before(model: &Model, one: &Objective) -> Vec<String> {
    let mut lines: Vec<String> = one.reason.iter().map(|reason| reason.text.clone()).collect();
    for line in evidence::evidence(&model.facts.state, one) {
        // The reason says it already where it was made of the feedback.
        if !lines.iter().any(|had| had.contains(&line)) {
            lines.push(line);
        }
    }
    lines.extend(one.operated.note.as_ref().map(|note| format!("your note before: {}", note.text)));
    lines.truncate(LINES_MAX);
    lines
}

fn note(hint: &str) -> Vec<Field> {
    vec![Field::area(NOTE, hint, 4, 14)]
}

/// What [`order`] is made of, by the button.
type Make = fn(Option<String>, usize) -> Result<Order, Fault>;

#[derive(Clone, Copy)]
struct Ask {
    verb: &'static str,
    buttons: &'static [&'static str],
    hint: &'static str,
    make: Make,
}

fn form(model: &Model, key: ObjectiveKey, ask: Ask, title: String, quoted: Vec<String>) -> Box<dyn Dialog> {
    let draft = format!("{} {key}", ask.verb);
    let send = move |_: &Model, values: &Values, button: usize| {
        Ok(vec![order(&key, (ask.make)(values.some(NOTE), button)?, ask.verb)])
    };
    let fields = note(ask.hint);
    Form::new(model, title, draft, fields, ask.buttons.to_vec(), send).quoting(quoted).boxed()
}

/// Another session, with a note.
#[must_use]
pub(crate) fn retry(model: &Model, key: ObjectiveKey) -> Box<dyn Dialog> {
    let quoted = model.facts.state.objective(&key).map(|one| before(model, one)).unwrap_or_default();
    let ask = Ask {
        verb: "retry",
        buttons: &["Retry"],
        hint: "what the next session should know; may be empty",
        make: |note, _| Ok(Order::Retry { note }),
    };
    let title = format!("Retry {}", key.id);
    form(model, key, ask, title, quoted)
}

/// Into the merge queue; what is overridden is said.
#[must_use]
pub(crate) fn approve(model: &Model, key: ObjectiveKey) -> Box<dyn Dialog> {
    let found = model.facts.state.objective(&key);
    let quoted = found.map(|one| overridden(model, one)).unwrap_or_default();
    let ask = Ask {
        verb: "approve",
        buttons: &["Approve"],
        hint: "why, for the proof of the landing; may be empty",
        make: |note, _| Ok(Order::Approve { note, head: None }),
    };
    let title = format!("Approve {}", key.id);
    form(model, key, ask, title, quoted)
}

fn overridden(model: &Model, one: &Objective) -> Vec<String> {
    let state = &model.facts.state;
    let findings = evidence::findings(state, one);
    let never = findings.iter().filter(|finding| !finding.code.may_be_approved());
    let mut lines: Vec<String> =
        never.map(|finding| format!("Cannot be approved: {}", evidence::finding_line(finding))).collect();
    let may = findings.iter().filter(|finding| finding.code.may_be_approved());
    lines.extend(may.map(|finding| format!("You let pass: {}", evidence::finding_line(finding))));
    let salvage = evidence::last_session(state, one).and_then(|session| session.harvest.as_ref());
    lines.extend(
        salvage.and_then(|harvest| harvest.salvage.as_ref()).map(|salvage| {
            format!("What was not committed does not land; it is kept as {}", salvage.reference)
        }),
    );
    if lines.is_empty() {
        lines.extend(one.reason.iter().map(|reason| reason.text.clone()));
        lines.push("Review found nothing that you would override.".to_owned());
    }
    lines.push("The gate still holds: it lands only if every command passes.".to_owned());
    lines
}

/// Back to work, or given up.
#[must_use]
pub(crate) fn reject(model: &Model, key: ObjectiveKey) -> Box<dyn Dialog> {
    let quoted = model.facts.state.objective(&key).map(|one| before(model, one)).unwrap_or_default();
    let ask = Ask {
        verb: "reject",
        buttons: &["Send back", "Give up for good"],
        hint: "what is wrong: the next session is told",
        make: |note, button| match note {
            Some(note) => Ok(Order::Reject { note, is_final: button == 1 }),
            None => Err(Fault::new(NOTE, "say what is wrong: the next session is told")),
        },
    };
    let title = format!("Reject {}", key.id);
    form(model, key, ask, title, quoted)
}

/// A plan goes back to the planner.
#[must_use]
pub(crate) fn reject_plan(model: &Model, project: ProjectSlug) -> Box<dyn Dialog> {
    let plan = model.facts.state.project(&project).and_then(|found| found.planning.waiting.as_ref());
    let quoted = plan.map(|plan| {
        let ids: Vec<&str> = plan.plan.objectives.iter().map(|one| one.id.as_str()).collect();
        format!("It proposes {}", ids.join(", "))
    });
    let draft = format!("reject plan {project}");
    let send = move |_: &Model, values: &Values, _: usize| {
        let note =
            values.some(NOTE).ok_or_else(|| Fault::new(NOTE, "say what is wrong: the planner is told"))?;
        Ok(vec![Effect::ask(Command::PlanReject { project: project.clone(), note }, "reject the plan")])
    };
    let fields = note("what is wrong: the planner is told");
    Form::new(model, "Reject the plan", draft, fields, vec!["Send back"], send)
        .quoting(quoted.into_iter().collect())
        .boxed()
}

/// A person is to decide.
#[must_use]
pub(crate) fn escalate(model: &Model, key: ObjectiveKey) -> Box<dyn Dialog> {
    let open = evidence_of_session(model, &key);
    let mut quoted = vec!["It is taken out of work and waits for you.".to_owned()];
    quoted.extend(open);
    let ask = Ask {
        verb: "escalate",
        buttons: &["Escalate"],
        hint: "why; may be empty",
        make: |note, _| Ok(Order::Escalate { note }),
    };
    let title = format!("Escalate {}", key.id);
    form(model, key, ask, title, quoted)
}

fn evidence_of_session(model: &Model, key: &ObjectiveKey) -> Option<String> {
    let one = model.facts.state.objective(key)?;
    let session =
        evidence::last_session(&model.facts.state, one).filter(|session| session.status.is_open())?;
    Some(format!("Session {} by {} is stopped; what it left is kept.", session.id, session.agent))
}
