//! The form that adds an objective, with every field that `paddock objective add` has.

use super::Dialog;
use super::form::{Fault, Field, Form, Values};
use super::scope::{globs_fault, globs_of};
use crate::Model;
use crate::error::Refused;
use crate::msg::Effect;
use paddock_model::command::Command;
use paddock_model::hierarchy::{Level, Stage};
use paddock_model::ids::{ObjectiveId, ObjectiveKey, ProjectSlug, WorkerId, free_id};
use paddock_model::objective::{ObjectiveSpec, Status};
use paddock_model::plan::DEFAULT_WORKER;

const TITLE: &str = "Title";
const DESCRIPTION: &str = "Description";
const CRITERIA: &str = "Criteria";
const SCOPE: &str = "Scope";
const DEPENDS_ON: &str = "Depends on";
const WORKER: &str = "Worker";
const PRIORITY: &str = "Priority";
const MAX_COMMITS: &str = "Max commits";
const MAX_MINUTES: &str = "Max minutes";
const REFS: &str = "Refs";
const PHASE: &str = "Phase";

fn key(project: &ProjectSlug, id: &str) -> Option<ObjectiveKey> {
    Some(ObjectiveKey { project: project.clone(), id: ObjectiveId::new(id).ok()? })
}

/// Returns a fault that names the ids in a text that are not objectives of the project.
fn unknown(model: &Model, text: &str) -> Option<String> {
    let project = model.project.clone()?;
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    let is_known =
        |id: &str| key(&project, id).is_some_and(|key| model.facts.state.objective(&key).is_some());
    // Ids of other projects do not count: a dependency names an objective of the same project.
    let missing: Vec<&str> = words.filter(|id| !is_known(id)).collect();
    (!missing.is_empty()).then(|| format!("there is no objective {}", missing.join(", ")))
}

fn spec(values: &Values) -> Result<ObjectiveSpec, Fault> {
    let title = values.get(TITLE).to_owned();
    if title.is_empty() {
        return Err(Fault::new(TITLE, "an objective needs a title"));
    }
    let ids = values.words(DEPENDS_ON).into_iter().map(ObjectiveId::new);
    let depends_on =
        ids.collect::<Result<_, _>>().map_err(|error| Fault::new(DEPENDS_ON, error.to_string()))?;
    Ok(ObjectiveSpec {
        title,
        description: values.get(DESCRIPTION).to_owned(),
        acceptance_criteria: values.lines(CRITERIA),
        path_scope: globs_of(values.get(SCOPE)),
        depends_on,
        context_refs: globs_of(values.get(REFS)),
        worker: values.some(WORKER).map_or_else(|| DEFAULT_WORKER.into(), WorkerId::from),
        priority: values.number(PRIORITY, i32::MIN)?.unwrap_or(0),
        max_commits: values.number(MAX_COMMITS, 1)?,
        max_minutes: values.number(MAX_MINUTES, 1)?,
        phase: values.some(PHASE),
    })
}

fn send(model: &Model, project: &ProjectSlug, values: &Values) -> Result<Vec<Effect>, Fault> {
    let spec = spec(values)?;
    // The id is chosen on sending: another objective may have taken it while the form was open.
    let is_taken = |id: &str| key(project, id).is_some_and(|key| model.facts.state.objective(&key).is_some());
    let id = free_id(&spec.title, "objective", is_taken);
    let id = ObjectiveId::new(id)?;
    let doing = format!("add {id}");
    let command = Command::ObjectivesAdd { project: project.clone(), objectives: vec![(id, spec)] };
    Ok(vec![Effect::ask(command, doing)])
}

/// Returns the ids that a dependency may name, for completion: unfinished objectives first, then the newest.
fn candidates(model: &Model, project: &ProjectSlug) -> Vec<String> {
    let mut all: Vec<_> = model.facts.state.objectives_of(project).collect();
    all.sort_by_key(|one| (one.status == Status::Done, std::cmp::Reverse(one.added_seq)));
    all.into_iter().map(|one| one.key.id.to_string()).collect()
}

/// Returns the open phases, after an empty option for none, and the index of the active one.
fn phases(model: &Model, project: &ProjectSlug) -> (Vec<String>, usize) {
    let state = &model.facts.state;
    let open = |node: &&paddock_model::hierarchy::HierarchyNode| {
        node.key.level == Level::Phase && node.stage != Stage::Completed
    };
    let ids = state.nodes_of(project).filter(open).map(|node| node.key.id.to_string());
    let options: Vec<String> = std::iter::once(String::new()).chain(ids).collect();
    let active = state.active_line(project).phase.map(|phase| phase.key.id.to_string());
    let at = active.and_then(|id| options.iter().position(|one| *one == id)).unwrap_or(0);
    (options, at)
}

fn fields(model: &Model, project: &ProjectSlug) -> Vec<Field> {
    let found = model.facts.state.project(project);
    // Shown as placeholders: an empty field takes the project's default.
    let (commits, minutes) = found.map_or((5, 30), |found| {
        (found.settings.session_defaults.max_commits, found.settings.session_defaults.max_minutes)
    });
    let workers = found.map(|found| found.settings.workers.iter().map(|worker| worker.id.to_string()));
    let workers: Vec<String> = workers.into_iter().flatten().collect();
    let at = workers.iter().position(|id| id == DEFAULT_WORKER).unwrap_or(0);
    let (phases, active) = phases(model, project);
    let mut fields = vec![
        Field::line(TITLE, "one line; any text"),
        Field::area(DESCRIPTION, "what to do", 3, 10),
        Field::area(CRITERIA, "acceptance criteria, one per line", 2, 8),
        Field::line(SCOPE, "globs it may change, separated by commas; empty: all files")
            .checked(|_, text| globs_fault(text)),
        Field::line(DEPENDS_ON, "ids that must land first; Tab completes")
            .completing(candidates(model, project))
            .checked(unknown),
        Field::choice(WORKER, workers, at),
        Field::line(PRIORITY, "0; higher goes first").checked(|_, text| whole(text, i64::from(i32::MIN))),
        Field::line(MAX_COMMITS, &commits.to_string()).checked(|_, text| whole(text, 1)),
        Field::line(MAX_MINUTES, &minutes.to_string()).checked(|_, text| whole(text, 1)),
        Field::line(REFS, "files to read first, separated by commas"),
    ];
    // The empty option alone is no choice.
    if phases.len() > 1 {
        fields.push(Field::choice(PHASE, phases, active));
    }
    fields
}

/// Returns a fault unless the text is a whole number of `least` or more.
fn whole(text: &str, least: i64) -> Option<String> {
    match text.trim().parse::<i64>() {
        Ok(number) if number >= least => None,
        Ok(_) => Some(format!("must be at least {least}")),
        Err(_) => Some("must be a whole number".to_owned()),
    }
}

/// Returns the form.
///
/// # Errors
/// Fails if there is no project.
pub(crate) fn open(model: &Model) -> Result<Box<dyn Dialog>, Refused> {
    let project = model.project.clone().ok_or("there is no project yet")?;
    let fields = fields(model, &project);
    let title = format!("Add an objective to {project}");
    let draft = format!("objective {project}");
    let send = move |model: &Model, values: &Values, _: usize| send(model, &project, values);
    Ok(Form::new(model, title, draft, fields, vec!["Add"], send).boxed())
}
