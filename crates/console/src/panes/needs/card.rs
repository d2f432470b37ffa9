//! Cards: each describes one need with what Paddock has tried, the evidence, and the keys that resolve it.

use crate::Model;
use crate::data::evidence;
use crate::data::{Need, NeedKind};
use paddock_model::finding::FindingCode;
use paddock_model::objective::{Objective, Status};
use paddock_model::reason::ReasonCode;

/// Lines of evidence on a card.
const EVIDENCE_MAX: usize = 3;

/// The content of a card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Card {
    /// Subject of the card: an objective's id, or the part of Paddock that waits.
    pub name: String,
    /// What happened.
    pub what: String,
    /// What Paddock has tried.
    pub tried: Option<String>,
    /// Lines of evidence.
    pub evidence: Vec<String>,
    /// What would resolve the need, if it is not one of the keys.
    pub clears: Option<String>,
    /// Actions by name, with what each would do here.
    pub keys: Vec<(&'static str, &'static str)>,
}

/// Returns the card of a need.
#[must_use]
pub(crate) fn card(model: &Model, need: &Need) -> Card {
    let what = need.reason.text.clone();
    let clears = Some(need.reason.clears.clone());
    let named = |name: &str| Card { name: name.to_owned(), what: what.clone(), ..Card::default() };
    match &need.kind {
        NeedKind::Objective(key) => match model.facts.state.objective(key) {
            Some(one) => Card { what: without_id(&what, key.id.as_str()), ..objective(model, one) },
            // The objective is not in the state: the reason is all that is known.
            None => named(key.id.as_str()),
        },
        NeedKind::Project => {
            let keys = project_keys(need.reason.code);
            Card { clears, keys, ..named("project") }
        }
        NeedKind::Queue => {
            let keys = vec![("hold", "release the queue"), ("pane-3", "show the queue")];
            Card { clears, keys, evidence: queue_evidence(model), ..named("merge queue") }
        }
        NeedKind::Publication => {
            let keys = vec![("publish", "try again now"), ("pane-3", "show the queue")];
            Card { clears, keys, evidence: blocking_files(model), ..named("publishing") }
        }
        NeedKind::Plan if need.reason.code == ReasonCode::PlanWaits => {
            // A plan without objectives is the planner's belief that the phase is done.
            let is_belief = model
                .shown_project()
                .and_then(|project| project.planning.waiting.as_ref())
                .is_some_and(|waiting| waiting.plan.objectives.is_empty());
            let approve = if is_belief { "mark the phase as done" } else { "approve" };
            let keys = vec![("in", "show the plan"), ("approve", approve), ("reject", "send it back")];
            Card { keys, evidence: plan_evidence(model), ..named("plan") }
        }
        NeedKind::Plan if need.reason.code == ReasonCode::MayPlan => {
            let keys = vec![("approve", "let it plan"), ("reject", "plan by hand")];
            Card { clears, keys, ..named("planner") }
        }
        NeedKind::Plan => Card { clears, keys: vec![("plan", "plan now")], ..named("planner") },
        NeedKind::Notice if need.reason.code == ReasonCode::QueueBypassed => {
            Card { clears, keys: project_keys(need.reason.code), ..named("target branch") }
        }
        NeedKind::Notice => {
            let name = match need.reason.code {
                ReasonCode::PushWaits => "push",
                ReasonCode::PullFailed => "pull",
                _ => "gate",
            };
            Card { clears, keys: vec![("pane-3", "show the queue")], ..named(name) }
        }
        NeedKind::Worker(id) => Card { clears, ..named(&format!("worker {id}")) },
        NeedKind::Agent(id) => {
            // The reason begins with "agent codex", the card with "codex".
            let what = without_id(what.strip_prefix("agent ").unwrap_or(&what), id.as_str());
            Card { what, clears, ..named(id.as_str()) }
        }
    }
}

/// Removes the id from the front of a reason: the card already shows it as its name.
fn without_id(what: &str, id: &str) -> String {
    what.strip_prefix(id).map_or(what, |rest| rest.trim_start_matches([':', ' '])).to_owned()
}

fn objective(model: &Model, one: &Objective) -> Card {
    let state = &model.facts.state;
    let mut lines = evidence::evidence(state, one);
    if let Some(failures) = evidence::failed_gate(one).and_then(|gate| model.panes.needs.failures.get(&gate))
    {
        // The output of the gate goes right after the first line, before the bound cuts the evidence: it says
        // more than the verdict.
        lines.splice(lines.len().min(1).., failures.iter().cloned());
    }
    lines.truncate(EVIDENCE_MAX);
    let findings = evidence::findings(state, one);
    let is_outside = findings.iter().any(|finding| finding.code == FindingCode::OutOfScope);
    // Approving lands the branch: offered only if it has a commit of its own.
    let has_work =
        one.ready_worktree().is_some_and(|made| one.head.as_ref().is_some_and(|at| *at != made.base));
    if one.status == Status::Paused {
        let keys = vec![("pause", "resume"), ("in", "open")];
        let (name, tried) = (one.key.id.to_string(), evidence::tried(state, one));
        return Card { name, tried, evidence: lines, keys, ..Card::default() };
    }
    let mut keys = vec![("retry", "retry with a note")];
    if has_work {
        keys.push(("approve", "accept as it is"));
    }
    // Only a scope that was exceeded can be the reason to widen it.
    if is_outside {
        keys.push(("widen", "widen its scope"));
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

/// Returns the keys that resolve a hold of the project.
fn project_keys(code: ReasonCode) -> Vec<(&'static str, &'static str)> {
    match code {
        ReasonCode::TargetRewritten => {
            vec![("adopt", "accept the branch as it is"), ("republish", "restore landed work")]
        }
        ReasonCode::QueueBypassed => vec![("adopt", "accept the commits"), ("pane-6", "show events")],
        ReasonCode::ProjectPaused => vec![("pause-project", "resume")],
        ReasonCode::TargetMissing => vec![("republish", "restore the branch")],
        _ => Vec::new(),
    }
}

/// Returns the failure lines of the gate run that holds the queue.
fn queue_evidence(model: &Model) -> Vec<String> {
    super::red_gate(model).and_then(|gate| model.panes.needs.failures.get(&gate)).cloned().unwrap_or_default()
}

/// Returns the user's files that keep landed work from being published.
fn blocking_files(model: &Model) -> Vec<String> {
    let wait = model.shown_project().and_then(|project| project.integration.waits.as_ref());
    let files = wait.map_or(&[][..], |wait| wait.files.as_slice());
    files.iter().take(EVIDENCE_MAX).map(ToString::to_string).collect()
}

/// Returns the warnings and the new objectives of the waiting plan, warnings first.
fn plan_evidence(model: &Model) -> Vec<String> {
    let plan = model.shown_project().and_then(|project| project.planning.waiting.as_ref());
    let Some(plan) = plan else { return Vec::new() };
    let new = plan.plan.objectives.iter().map(|one| format!("+ {}  {}", one.id, one.title));
    plan.warnings.iter().map(|warning| format!("warning: {warning}")).chain(new).take(EVIDENCE_MAX).collect()
}
