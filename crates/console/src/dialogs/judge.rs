//! Forms that decide about an objective: retry, approve, reject, escalate; and the one that rejects a plan.
//!
//! Each quotes the evidence above a field for a note.

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

/// Number of lines of evidence that a form quotes.
const LINES_MAX: usize = 6;

/// Returns the history of an objective: why it has its status, the evidence, and the person's earlier note.
fn history(model: &Model, one: &Objective) -> Vec<String> {
    let mut lines: Vec<String> = one.reason.iter().map(|reason| reason.text.clone()).collect();
    for line in evidence::evidence(&model.facts.state, one) {
        // A reason that was made from the feedback contains the same line.
        if !lines.iter().any(|had| had.contains(&line)) {
            lines.push(line);
        }
    }
    lines.extend(one.operated.note.as_ref().map(|note| format!("your earlier note: {}", note.text)));
    // The reason and the review's findings come first, so they survive the cut.
    lines.truncate(LINES_MAX);
    lines
}

fn note(hint: &str) -> Vec<Field> {
    vec![Field::area(NOTE, hint, 4, 14)]
}

/// Builds the order from the note and the index of the button.
type Make = fn(Option<String>, usize) -> Result<Order, Fault>;

/// The parts in which the forms differ.
#[derive(Clone, Copy)]
struct Decision {
    /// Verb that describes the command, such as `retry`.
    verb: &'static str,
    buttons: &'static [&'static str],
    /// Placeholder of the note.
    hint: &'static str,
    make: Make,
}

fn form(
    model: &Model,
    key: ObjectiveKey,
    decision: Decision,
    title: String,
    quoted: Vec<String>,
) -> Box<dyn Dialog> {
    let draft = format!("{} {key}", decision.verb);
    let send = move |_: &Model, values: &Values, button: usize| {
        Ok(vec![order(&key, (decision.make)(values.some(NOTE), button)?, decision.verb)])
    };
    let fields = note(decision.hint);
    Form::new(model, title, draft, fields, decision.buttons.to_vec(), send).quoting(quoted).boxed()
}

/// Returns the form that starts another session, with a note for it.
#[must_use]
pub(crate) fn retry(model: &Model, key: ObjectiveKey) -> Box<dyn Dialog> {
    let quoted = model.facts.state.objective(&key).map(|one| history(model, one)).unwrap_or_default();
    let decision = Decision {
        verb: "retry",
        buttons: &["Retry"],
        hint: "optional: what the next session should know",
        make: |note, _| Ok(Order::Retry { note }),
    };
    let title = format!("Retry {}", key.id);
    form(model, key, decision, title, quoted)
}

/// Returns the form that approves an objective. It lists the findings that the approval overrides.
#[must_use]
pub(crate) fn approve(model: &Model, key: ObjectiveKey) -> Box<dyn Dialog> {
    let found = model.facts.state.objective(&key);
    let quoted = found.map(|one| overridden(model, one)).unwrap_or_default();
    let decision = Decision {
        verb: "approve",
        buttons: &["Approve"],
        hint: "optional: the reason, recorded in the landing's proof",
        // The thread that sends the order fills in the head: it reads the repository, which may block.
        make: |note, _| Ok(Order::Approve { note, head: None }),
    };
    let title = format!("Approve {}", key.id);
    form(model, key, decision, title, quoted)
}

/// Returns what an approval overrides, and what it cannot override: secrets and copied files never pass.
fn overridden(model: &Model, one: &Objective) -> Vec<String> {
    let state = &model.facts.state;
    let findings = evidence::findings(state, one);
    let fatal = findings.iter().filter(|finding| !finding.code.may_be_approved());
    let mut lines: Vec<String> =
        fatal.map(|finding| format!("Cannot be approved: {}", evidence::finding_line(finding))).collect();
    let overridable = findings.iter().filter(|finding| finding.code.may_be_approved());
    lines.extend(overridable.map(|finding| format!("You override: {}", evidence::finding_line(finding))));
    let salvage = evidence::last_session(state, one).and_then(|session| session.harvest.as_ref());
    lines.extend(
        salvage
            .and_then(|harvest| harvest.salvage.as_ref())
            .map(|salvage| format!("Uncommitted work does not land; it is kept as {}", salvage.reference)),
    );
    // Nothing is overridden: show why the objective waits, so that the person still sees what they approve.
    if lines.is_empty() {
        lines.extend(one.reason.iter().map(|reason| reason.text.clone()));
        lines.push("The review has no finding to override.".to_owned());
    }
    lines.push("The objective still lands only if every gate command passes.".to_owned());
    lines
}

/// Returns the form that sends an objective back to work, or gives it up for good.
#[must_use]
pub(crate) fn reject(model: &Model, key: ObjectiveKey) -> Box<dyn Dialog> {
    let quoted = model.facts.state.objective(&key).map(|one| history(model, one)).unwrap_or_default();
    let decision = Decision {
        verb: "reject",
        buttons: &["Send back", "Give up for good"],
        hint: "what is wrong; the next session reads this",
        // A rejection without a reason would make the next session repeat the same work.
        make: |note, button| match note {
            // The second button is "Give up for good".
            Some(note) => Ok(Order::Reject { note, is_final: button == 1 }),
            None => Err(Fault::new(NOTE, "say what is wrong; the next session reads it")),
        },
    };
    let title = format!("Reject {}", key.id);
    form(model, key, decision, title, quoted)
}

/// Returns the form that sends a plan back to the planner.
#[must_use]
pub(crate) fn reject_plan(model: &Model, project: ProjectSlug) -> Box<dyn Dialog> {
    let plan = model.facts.state.project(&project).and_then(|found| found.planning.waiting.as_ref());
    let quoted = plan.map(|plan| {
        let ids: Vec<&str> = plan.plan.objectives.iter().map(|one| one.id.as_str()).collect();
        format!("The plan proposes {}", ids.join(", "))
    });
    let draft = format!("reject plan {project}");
    let send = move |_: &Model, values: &Values, _: usize| {
        let note =
            values.some(NOTE).ok_or_else(|| Fault::new(NOTE, "say what is wrong; the planner reads it"))?;
        Ok(vec![Effect::ask(Command::PlanReject { project: project.clone(), note }, "reject the plan")])
    };
    let fields = note("what is wrong; the planner reads this");
    Form::new(model, "Reject the plan", draft, fields, vec!["Send back"], send)
        .quoting(quoted.into_iter().collect())
        .boxed()
}

/// Returns the form that stops work on an objective until a person decides.
#[must_use]
pub(crate) fn escalate(model: &Model, key: ObjectiveKey) -> Box<dyn Dialog> {
    let stopped = stopped_session(model, &key);
    let mut quoted = vec!["Work on the objective stops, and it waits for you.".to_owned()];
    quoted.extend(stopped);
    let decision = Decision {
        verb: "escalate",
        buttons: &["Escalate"],
        hint: "optional: the reason",
        make: |note, _| Ok(Order::Escalate { note }),
    };
    let title = format!("Escalate {}", key.id);
    form(model, key, decision, title, quoted)
}

/// Returns a sentence about the running session that an escalation stops, if there is one.
fn stopped_session(model: &Model, key: &ObjectiveKey) -> Option<String> {
    let one = model.facts.state.objective(key)?;
    let session =
        evidence::last_session(&model.facts.state, one).filter(|session| session.status.is_open())?;
    Some(format!("Session {} by {} is stopped; its commits and files are kept.", session.id, session.agent))
}
