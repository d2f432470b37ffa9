//! Orders that change an objective's specification: scope, priority, everything else, and deleting it.

use crate::decide::plans::objectives::check_spec;
use crate::decide::refusals::{Done, check_not_done, check_not_landing, refuse};
use crate::decide::scribe::Scribe;
use crate::graph::Graph;
use paddock_model::command::Refusal;
use paddock_model::event::Fact;
use paddock_model::ids::ObjectiveId;
use paddock_model::objective::{Objective, ObjectiveSpec, Status};
use paddock_model::operate::{By, SpecEdit};

/// Globs that one order may add to a scope.
const GLOBS_MAX: usize = 100;

pub(super) fn expand(scribe: &mut Scribe<'_>, objective: &Objective, globs: Vec<String>) -> Done {
    let (key, id) = (&objective.key, &objective.key.id);
    check_may_be_reshaped(objective)?;
    let scope = &objective.spec.path_scope;
    if scope.is_empty() {
        return refuse(format!("{id} has no path scope: it may already change everything"));
    }
    // Globs that are in the scope already are left out; a second order of the same kind is refused.
    let new: Vec<String> = globs.into_iter().filter(|glob| !scope.contains(glob)).collect();
    if new.is_empty() {
        return refuse(format!("the scope of {id} contains these globs already: {}", scope.join(", ")));
    }
    if new.len() > GLOBS_MAX {
        return refuse(format!(
            "one order may add {GLOBS_MAX} globs at most, and these are {}; name folders with `folder/**`",
            new.len()
        ));
    }
    let mut spec = objective.spec.clone();
    spec.path_scope.extend(new.iter().cloned());
    check(scribe, objective, &spec)?;
    let shown = new.join(", ");
    scribe.record(Fact::ScopeWidened { objective: key.clone(), globs: new, by: By::Human });
    let then = match objective.status == Status::NeedsReview {
        true => format!("; now `paddock objective approve {id}` or `retry {id}`"),
        false => String::new(),
    };
    Ok(format!("{id} may now change {shown}, too{then}"))
}

pub(super) fn prioritize(scribe: &mut Scribe<'_>, objective: &Objective, priority: i32) -> Done {
    check_not_done(objective)?;
    let id = &objective.key.id;
    if objective.spec.priority == priority {
        return refuse(format!("the priority of {id} is {priority} already"));
    }
    let spec = Box::new(ObjectiveSpec { priority, ..objective.spec.clone() });
    scribe.record(Fact::ObjectiveEdited { objective: objective.key.clone(), spec });
    Ok(format!("{id} has priority {priority}"))
}

pub(super) fn edit(scribe: &mut Scribe<'_>, objective: &Objective, edit: &SpecEdit) -> Done {
    check_not_done(objective)?;
    check_not_landing(scribe, objective)?;
    let (key, id) = (&objective.key, &objective.key.id);
    let spec = edit.applied(&objective.spec);
    if spec == objective.spec {
        return refuse(format!(
            "nothing of {id} would change; `paddock objective edit --help` lists the flags"
        ));
    }
    let before = &objective.spec;
    // Title, description and the like may change at any time: they only matter to the next session.
    if spec.path_scope != before.path_scope || spec.depends_on != before.depends_on {
        check_may_be_reshaped(objective)?;
    }
    if spec.title.trim().is_empty() {
        return refuse("the title is empty: say in one line what is to be done");
    }
    check(scribe, objective, &spec)?;
    let is_rewired = spec.depends_on != before.depends_on;
    scribe.record(Fact::ObjectiveEdited { objective: key.clone(), spec: Box::new(spec) });
    // The cache of critical paths notices only added objectives by itself.
    if is_rewired {
        scribe.memo.critical.remove(&key.project);
    }
    let when = match objective.status == Status::Active {
        true => "; the running session does not see the change, the next one does",
        false => "",
    };
    Ok(format!("{id} is changed{when}"))
}

/// Fails while anything relies on the objective's scope and dependencies: a running session has them in its
/// prompt, and the review and the queue have judged by them.
fn check_may_be_reshaped(objective: &Objective) -> Result<(), Refusal> {
    let (id, status) = (&objective.key.id, objective.status);
    check_not_done(objective)?;
    match status {
        Status::Todo | Status::Ready | Status::Paused | Status::NeedsReview => Ok(()),
        Status::Active | Status::Review | Status::Queued | Status::Done => refuse(format!(
            "scope and dependencies of {id} cannot change while it is {status}; `paddock objective pause \
             {id}` first"
        )),
        Status::Skipped | Status::Failed | Status::Cancelled => refuse(format!(
            "scope and dependencies of {id} cannot change while it is {status}; `paddock objective retry \
             {id}` first"
        )),
    }
}

fn check(scribe: &Scribe<'_>, objective: &Objective, spec: &ObjectiveSpec) -> Result<(), Refusal> {
    let (key, id) = (&objective.key, &objective.key.id);
    let Some(project) = scribe.state.project(&key.project) else { return Ok(()) };
    check_spec(scribe, project, id, spec)?;
    let others = scribe.state.objectives_of(&key.project).filter(|other| other.key != *key);
    let nodes = others.map(|other| (other.key.id.clone(), other.spec.depends_on.clone()));
    let graph = Graph::from_edges(nodes.chain([(id.clone(), spec.depends_on.clone())]));
    if let Some(unknown) = graph.unknown_dependencies().first() {
        return refuse(format!(
            "{} would depend on {}, which does not exist",
            unknown.node, unknown.dependency
        ));
    }
    match graph.find_cycle() {
        Some(cycle) => refuse(format!("the dependencies would form a cycle: {cycle}")),
        None => Ok(()),
    }
}

pub(super) fn delete(scribe: &mut Scribe<'_>, objective: &Objective) -> Done {
    let (key, id) = (&objective.key, &objective.key.id);
    let dependents: Vec<&str> = scribe.state.dependents(key).iter().map(ObjectiveId::as_str).collect();
    if !dependents.is_empty() {
        return refuse(format!(
            "{} depend on {id}; `paddock objective skip {id}` lets them go on without it",
            dependents.join(", ")
        ));
    }
    // Only an objective that nothing refers to can be forgotten; its sessions and landings name it in the
    // log.
    if objective.worktree.is_some() || !objective.sessions.is_empty() || objective.landed.is_some() {
        return refuse(format!(
            "{id} has, or had, a branch and is part of the history; `paddock objective cancel {id}` cancels \
             it instead"
        ));
    }
    scribe.record(Fact::ObjectiveDeleted { objective: key.clone() });
    scribe.memo.critical.remove(&key.project);
    Ok(format!("{id} is deleted"))
}
