//! A card: one thing that waits for a human, with what was tried, what speaks against it, and what can be done.

use crate::Model;
use crate::data::evidence;
use crate::data::{Need, NeedKind};
use paddock_model::finding::FindingCode;
use paddock_model::objective::{Objective, Status};
use paddock_model::reason::ReasonCode;

/// Lines of evidence on a card.
const EVIDENCE_MAX: usize = 3;

/// What a card says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Card {
    /// What it is about: an id, or what stands still.
    pub name: String,
    /// What happened.
    pub what: String,
    /// What Paddock has tried.
    pub tried: Option<String>,
    /// The lines that matter.
    pub evidence: Vec<String>,
    /// What would clear it, where no key does.
    pub clears: Option<String>,
    /// Actions, and what they would do here.
    pub keys: Vec<(&'static str, &'static str)>,
}

/// Makes the card of a need.
#[must_use]
pub(crate) fn card(model: &Model, need: &Need) -> Card {
    let what = need.reason.text.clone();
    let clears = Some(need.reason.clears.clone());
    let named = |name: &str| Card { name: name.to_owned(), what: what.clone(), ..Card::default() };
    match &need.kind {
        NeedKind::Objective(key) => match model.facts.state.objective(key) {
            Some(one) => Card { what: without_id(&what, key.id.as_str()), ..objective(model, one) },
            None => named(key.id.as_str()),
        },
        NeedKind::Project => {
            let keys = of_project(need.reason.code);
            Card { clears, keys, ..named("project") }
        }
        NeedKind::Queue => {
            let gate = evidence_of_queue(model);
            let keys = vec![("hold", "release the queue"), ("pane-3", "look at it")];
            Card { clears, keys, evidence: gate, ..named("merge queue") }
        }
        NeedKind::Publication => {
            let keys = vec![("publish", "try again now"), ("pane-3", "the queue")];
            Card { clears, keys, evidence: in_the_way(model), ..named("publishing") }
        }
        NeedKind::Plan if need.reason.code == ReasonCode::PlanWaits => {
            let is_belief = model
                .shown_project()
                .and_then(|project| project.planning.waiting.as_ref())
                .is_some_and(|waiting| waiting.plan.objectives.is_empty());
            let approve = if is_belief { "take the phase as done" } else { "approve" };
            let keys = vec![("in", "look at it"), ("approve", approve), ("reject", "send it back")];
            Card { keys, evidence: planned(model), ..named("plan") }
        }
        NeedKind::Plan => Card { clears, keys: vec![("plan", "plan now")], ..named("planner") },
        NeedKind::Notice if need.reason.code == ReasonCode::QueueBypassed => {
            Card { clears, keys: of_project(need.reason.code), ..named("target branch") }
        }
        NeedKind::Notice => {
            let name = if need.reason.code == ReasonCode::PushWaits { "push" } else { "gate" };
            Card { clears, keys: vec![("pane-3", "the queue")], ..named(name) }
        }
        NeedKind::Worker(id) => Card { clears, ..named(&format!("worker {id}")) },
        NeedKind::Agent(id) => {
            let what = without_id(what.strip_prefix("agent ").unwrap_or(&what), id.as_str());
            Card { what, clears, ..named(id.as_str()) }
        }
    }
}

/// The reason often begins with the id that the card has as its name.
fn without_id(what: &str, id: &str) -> String {
    what.strip_prefix(id).map_or(what, |rest| rest.trim_start_matches([':', ' '])).to_owned()
}

fn objective(model: &Model, one: &Objective) -> Card {
    let state = &model.facts.state;
    let mut lines = evidence::evidence(state, one);
    if let Some(reported) = evidence::failed_gate(one).and_then(|gate| model.panes.needs.reported.get(&gate))
    {
        // What the gate printed tells more than that it was red.
        lines.splice(lines.len().min(1).., reported.iter().cloned());
    }
    lines.truncate(EVIDENCE_MAX);
    let findings = evidence::findings(state, one);
    let is_outside = findings.iter().any(|finding| finding.code == FindingCode::OutOfScope);
    let has_work =
        one.ready_worktree().is_some_and(|made| one.head.as_ref().is_some_and(|at| *at != made.base));
    if one.status == Status::Paused {
        let keys = vec![("pause", "let it go on"), ("in", "open")];
        let (name, tried) = (one.key.id.to_string(), evidence::tried(state, one));
        return Card { name, tried, evidence: lines, keys, ..Card::default() };
    }
    let mut keys = vec![("retry", "retry with a note")];
    if has_work {
        keys.push(("approve", "take it as it is"));
    }
    if is_outside {
        keys.push(("widen", "let it change more"));
    }
    keys.extend([("reject", "send back"), ("skip", "skip")]);
    if has_work {
        keys.push(("diff", "diff"));
    }
    keys.push(("in", "open"));
    Card {
        name: one.key.id.to_string(),
        tried: evidence::tried(state, one),
        evidence: lines,
        keys,
        ..Card::default()
    }
}

fn of_project(code: ReasonCode) -> Vec<(&'static str, &'static str)> {
    match code {
        ReasonCode::TargetRewritten => {
            vec![("adopt", "take the branch as it is"), ("republish", "bring landed work back")]
        }
        ReasonCode::QueueBypassed => vec![("adopt", "it is meant"), ("pane-6", "what happened")],
        ReasonCode::ProjectPaused => vec![("pause-project", "let it go on")],
        ReasonCode::TargetMissing => vec![("republish", "bring the branch back")],
        _ => Vec::new(),
    }
}

fn evidence_of_queue(model: &Model) -> Vec<String> {
    super::red_gate(model).and_then(|gate| model.panes.needs.reported.get(&gate)).cloned().unwrap_or_default()
}

fn in_the_way(model: &Model) -> Vec<String> {
    let wait = model.shown_project().and_then(|project| project.integration.waits.as_ref());
    let files = wait.map_or(&[][..], |wait| wait.files.as_slice());
    files.iter().take(EVIDENCE_MAX).map(ToString::to_string).collect()
}

fn planned(model: &Model) -> Vec<String> {
    let plan = model.shown_project().and_then(|project| project.planning.waiting.as_ref());
    let Some(plan) = plan else { return Vec::new() };
    let new = plan.plan.objectives.iter().map(|one| format!("+ {}  {}", one.id, one.title));
    plan.warnings.iter().map(|warning| format!("warning: {warning}")).chain(new).take(EVIDENCE_MAX).collect()
}
