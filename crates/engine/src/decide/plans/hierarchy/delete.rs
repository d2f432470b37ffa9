//! Deleting goals, milestones and phases, and removing checks of a phase.
//!
//! History keeps what was deleted: its events, the sessions and the landings. Nothing is deleted while work of
//! it is in progress, since that work could then neither be planned further nor checked.

use super::{begin_next, children};
use crate::decide::scribe::Scribe;
use crate::decide::wording::counted;
use crate::listing::a_few_of;
use paddock_model::command::Refusal;
use paddock_model::event::Fact;
use paddock_model::hierarchy::{HierarchyNode, Level, Stage};
use paddock_model::ids::ObjectiveId;
use paddock_model::objective::{Objective, Status};
use paddock_model::plan::PhaseCheck;

/// Objectives that a refusal names; the others are counted.
const NAMED_MAX: usize = 5;

/// Deletes a node and everything below it. If it was active, the next planned one of its level begins.
///
/// # Errors
/// Refuses while a session, a landing, a planner run, a waiting plan or a run of checks belongs to it.
pub(super) fn delete(scribe: &mut Scribe<'_>, node: &HierarchyNode) -> Result<String, Refusal> {
    let all = subtree(scribe, node);
    for phase in all.iter().filter(|one| one.key.level == Level::Phase) {
        check_idle(scribe, node, phase)?;
    }
    let stay: usize = all.iter().map(|phase| objectives(scribe, phase).count()).sum();
    // The deepest first, so that no node is ever without its parent.
    for one in all.iter().rev() {
        let (project, key, title) = (one.key.project.clone(), one.key.clone(), one.title.clone());
        scribe.record(Fact::NodeDeleted { project, node: key, title });
    }
    if node.stage == Stage::Active {
        begin_next(scribe, node);
    }
    let (level, id) = (node.key.level, &node.key.id);
    let mut text = format!("{level} {id} is deleted");
    if all.len() > 1 {
        let below: Vec<String> =
            all[1..].iter().map(|one| format!("{} {}", one.key.level, one.key.id)).collect();
        let below: Vec<&str> = below.iter().map(String::as_str).collect();
        text.push_str(&format!(", with {}", a_few_of(&below, NAMED_MAX)));
    }
    if stay > 0 {
        text.push_str(&format!(
            "; {} stay{}, without a phase",
            counted(stay),
            if stay == 1 { "s" } else { "" }
        ));
    }
    text.push_str(&super::begun_next(scribe, node));
    Ok(text)
}

/// Returns the node and everything below it, each parent before its children.
fn subtree(scribe: &Scribe<'_>, node: &HierarchyNode) -> Vec<HierarchyNode> {
    let mut all = vec![node.clone()];
    let mut at = 0;
    while at < all.len() {
        let below = children(scribe, &all[at].key);
        all.extend(below);
        at += 1;
    }
    all
}

/// Returns the objectives of a phase; none for another level.
fn objectives<'s>(scribe: &'s Scribe<'_>, phase: &'s HierarchyNode) -> impl Iterator<Item = &'s Objective> {
    let id = (phase.key.level == Level::Phase).then(|| phase.key.id.as_str());
    let is_in = move |one: &&Objective| id.is_some() && one.spec.phase.as_deref() == id;
    scribe.state.objectives_of(&phase.key.project).filter(is_in)
}

/// Fails if work of the phase is in progress.
fn check_idle(scribe: &Scribe<'_>, node: &HierarchyNode, phase: &HierarchyNode) -> Result<(), Refusal> {
    let (level, id, phase_id) = (node.key.level, &node.key.id, &phase.key.id);
    let refuse = |why: String| Err(Refusal::new(format!("{level} {id} is not deleted: {why}")));
    let is_live = |one: &&Objective| matches!(one.status, Status::Active | Status::Review | Status::Queued);
    let live: Vec<&str> =
        objectives(scribe, phase).filter(is_live).map(|one| ObjectiveId::as_str(&one.key.id)).collect();
    if !live.is_empty() {
        let named = a_few_of(&live, NAMED_MAX);
        return refuse(format!(
            "{named} of the phase {phase_id} {} in progress; wait for that, or `paddock objective cancel {}` first",
            if live.len() == 1 { "is" } else { "are" },
            live[0]
        ));
    }
    let planning = scribe.state.project(&phase.key.project).map(|project| &project.planning);
    let run = planning.and_then(|planning| planning.run.as_ref());
    if let Some(run) = run.filter(|run| run.phase.as_ref() == Some(phase_id)) {
        let session = run.session;
        return refuse(format!(
            "session {session} plans the phase {phase_id}; `paddock session kill {session}` ends it"
        ));
    }
    let waiting = planning.and_then(|planning| planning.waiting.as_ref());
    if waiting.is_some_and(|waiting| waiting.phase.as_ref() == Some(phase_id)) {
        return refuse(format!(
            "a plan for the phase {phase_id} waits; `paddock plan reject --note TEXT` or `plan approve` first"
        ));
    }
    checks_idle(phase).or_else(refuse)
}

/// Fails, with the reason, if the checks of the phase run.
fn checks_idle(phase: &HierarchyNode) -> Result<(), String> {
    match phase.progress.checking {
        Some(gate) => {
            Err(format!("gate run {gate} runs the checks of the phase {}; wait for it", phase.key.id))
        }
        None => Ok(()),
    }
}

/// Removes a check of a phase, whether a person or the planner wrote it.
///
/// # Errors
/// Refuses if the node has no such check, or while its checks run.
pub(super) fn remove_check(
    scribe: &mut Scribe<'_>,
    node: &HierarchyNode,
    check: &PhaseCheck,
) -> Result<String, Refusal> {
    let (level, id) = (node.key.level, &node.key.id);
    if !node.progress.all_checks().iter().any(|known| known.is_same(check)) {
        let text = format!("{level} {id} has no such check; `paddock {level} show {id}` lists its checks");
        return Err(Refusal::new(text));
    }
    checks_idle(node).map_err(|why| Refusal::new(format!("the check is not removed: {why}")))?;
    let (project, key) = (node.key.project.clone(), node.key.clone());
    scribe.record(Fact::PhaseCheckRemoved { project, node: key.clone(), check: check.clone() });
    let left = scribe.state.node(&key).map_or(0, |node| node.progress.all_checks().len());
    let named = if check.description.trim().is_empty() { &check.check_command } else { &check.description };
    let rest = match left {
        0 => "without checks, it is done once its planner or a person says so".to_owned(),
        1 => "1 check is left".to_owned(),
        n => format!("{n} checks are left"),
    };
    Ok(format!("the check \"{}\" of {level} {id} is removed; {rest}", named.trim()))
}
