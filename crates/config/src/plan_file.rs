//! Reads plans in the planner's format, from a planner's output or a person's file.

use std::collections::HashMap;

use super::agents::{id_of, report_twice};
use super::error::{ConfigError, Place};
use super::plan_keys as keys;
use super::plan_text::{self, Found};
use super::reader::{Section, Sink, glob_fault, meant};
use super::yaml;
use paddock_model::ids::{ObjectiveId, WorkerId};
use paddock_model::plan::{
    CheckType, DEFAULT_WORKER, PhaseCheck, PlanDocument, PlannedBudget, PlannedObjective, find_cycle,
};

/// The project's objectives and workers, which a plan may refer to.
#[derive(Debug, Clone, Copy)]
pub struct PlanContext<'a> {
    /// Ids of the project's existing objectives.
    pub existing: &'a [ObjectiveId],
    /// Ids of the project's workers.
    pub workers: &'a [WorkerId],
}

/// A plan without faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPlan {
    /// The plan.
    pub document: PlanDocument,
    /// Line in which each objective begins, in order.
    pub lines: Vec<u64>,
}

/// Reads and checks a plan that a person wrote. `shown` is the file's name in faults. If several blocks
/// contain `objectives`, the last one counts, and the others must not differ from it.
///
/// # Errors
/// Fails with every fault. A plan with a fault is refused as a whole.
pub fn read(text: &str, shown: &str, context: &PlanContext<'_>) -> Result<ReadPlan, Vec<ConfigError>> {
    let found = plan_text::find(text);
    if found.is_empty()
        && let Some(block) = plan_text::meant(text)
    {
        // A person may give only the checks of a phase; a planner may not (`read_answer`).
        let plan = read_block(&block, shown, context)?;
        return match plan.document.phase_checks.is_empty() {
            true => Err(without_objectives(shown, block.lines_before)),
            false => Ok(plan),
        };
    }
    read_last(found, shown, context)
}

/// Reads and checks a planner's answer, without its prompt. In addition to the checks of [`read`], the answer
/// must give `objectives`: a missing list must not be read as "nothing is left to do". The unchanged form of
/// the prompt does not count as a plan.
///
/// # Errors
/// Fails with every fault. A plan with a fault is refused as a whole.
pub fn read_answer(
    said: &str,
    prompt: &str,
    context: &PlanContext<'_>,
) -> Result<ReadPlan, Vec<ConfigError>> {
    let mut found = plan_text::find(said);
    // Remembered before forms are dropped, for the fault about an answer that has nothing else.
    let first = found.first().map(|block| block.lines_before);
    if let Some(form) = plan_text::form(prompt) {
        found.retain(|block| !plan_text::is_same(block, &form));
    }
    if let (Some(lines_before), true) = (first, found.is_empty()) {
        let problem = "repeats the form of the prompt unchanged and contains no plan".to_owned();
        return Err(fault(PLAN, lines_before, problem, "fill the form in"));
    }
    if let (true, Some(block)) = (found.is_empty(), plan_text::meant(said)) {
        return Err(without_objectives(PLAN, block.lines_before));
    }
    read_last(found, PLAN, context)
}

fn without_objectives(shown: &str, lines_before: u64) -> Vec<ConfigError> {
    let right = "`objectives: []` says that nothing is left to do";
    fault(shown, lines_before, "has no `objectives`".to_owned(), right)
}

/// Returns whether the text contains a plan, with or without faults.
#[must_use]
pub fn holds_plan(text: &str) -> bool {
    !plan_text::find(text).is_empty()
}

/// Name of a planner's plan in faults.
const PLAN: &str = "plan";

fn fault(shown: &str, lines_before: u64, problem: String, right: &str) -> Vec<ConfigError> {
    let sink = Sink::new(shown);
    let place = if lines_before == 0 { Place::default() } else { Place { line: lines_before, column: 1 } };
    sink.add(place, "", problem, Some(right.to_owned()));
    sink.finish(None::<()>).err().unwrap_or_default()
}

/// Reads the last candidate. Fails if an earlier one is a different plan: Paddock cannot know which of them
/// is meant.
///
/// An earlier candidate with faults, or without any objective or check, is a draft or a form and does not
/// count.
fn read_last(
    mut found: Vec<Found>,
    shown: &str,
    context: &PlanContext<'_>,
) -> Result<ReadPlan, Vec<ConfigError>> {
    let Some(last) = found.pop() else {
        let right = "write it as a document, or in a ```yaml block, with the key `objectives`";
        return Err(fault(shown, 0, "contains no plan".to_owned(), right));
    };
    let plan = read_block(&last, shown, context)?;
    let is_other = |block: &&Found| {
        read_block(block, shown, context).is_ok_and(|other| {
            let (other, plan) = (&other.document, &plan.document);
            // The reasoning may differ; it changes nothing.
            let is_draft = other.asks_nothing() && !plan.asks_nothing();
            !is_draft && (&other.objectives, &other.phase_checks) != (&plan.objectives, &plan.phase_checks)
        })
    };
    let mut lines: Vec<u64> = found.iter().filter(is_other).map(|block| block.lines_before).collect();
    if lines.is_empty() {
        return Ok(plan);
    }
    lines.push(last.lines_before);
    let named: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let problem =
        format!("{} blocks contain different `objectives`, in lines {}", lines.len(), named.join(", "));
    Err(fault(shown, last.lines_before, problem, "give the whole plan once, in one block"))
}

fn read_block(block: &Found, shown: &str, context: &PlanContext<'_>) -> Result<ReadPlan, Vec<ConfigError>> {
    let sink = Sink::new(shown);
    let plan = read_found(block, &sink, context);
    sink.finish(plan).map(|(plan, _)| plan).map_err(|errors| shift(errors, block))
}

/// Reads a list of checks. The line numbers of faults are one too high, because a line for the key is put
/// before the text.
pub(super) fn read_checks(text: &str, shown: &str) -> Result<Vec<PhaseCheck>, Vec<ConfigError>> {
    let sink = Sink::new(shown);
    let text = format!("phase_checks:\n{text}\n");
    let node = match yaml::parse(&text) {
        Ok(node) => node,
        Err(error) => {
            sink.add(error.place, "", format!("is not valid YAML: {}", error.message), None);
            return sink.finish(None::<Vec<PhaseCheck>>).map(|(checks, _)| checks);
        }
    };
    let section = Section::new(&node, "", &sink);
    let checks = section.sections(&keys::PHASE_CHECKS).unwrap_or_default();
    let read: Vec<PhaseCheck> = checks.iter().filter_map(read_check).collect();
    section.finish();
    sink.finish(Some(read)).map(|(checks, _)| checks)
}

/// Moves places within a block to places in the whole text.
fn shift(mut errors: Vec<ConfigError>, found: &Found) -> Vec<ConfigError> {
    for error in errors.iter_mut().filter(|error| error.place.line > 0) {
        error.place.line += found.lines_before;
        error.place.column += found.columns_before;
    }
    errors
}

fn read_found(found: &Found, sink: &Sink, context: &PlanContext<'_>) -> Option<ReadPlan> {
    let node = match plan_text::parse(&found.text) {
        Ok(node) => node,
        Err(error) => {
            sink.add(error.place, "", format!("is not valid YAML: {}", error.message), None);
            return None;
        }
    };
    let plan = Section::new(&node, "", sink);
    check_list(&node, &plan);
    let reasoning = plan.given(&keys::REASONING).unwrap_or_default();
    let checks = plan.sections(&keys::PHASE_CHECKS).unwrap_or_default();
    let phase_checks = checks.iter().filter_map(read_check).collect();
    let sections = plan.sections(&keys::OBJECTIVES).unwrap_or_default();
    let read: Vec<Option<Draft>> = sections.iter().map(|section| read_objective(section, context)).collect();
    // Planners add keys of their own, such as a title.
    plan.finish_with_others();
    // Dependencies are checked only if every objective was read: one that was dropped would be an unknown
    // dependency.
    let drafts: Vec<Draft> = read.into_iter().collect::<Option<Vec<_>>>()?;
    report_twice(sink, "objective", drafts.iter().map(|draft| (draft.objective.id.as_str(), draft.id_place)));
    check_dependencies(&drafts, context, sink);
    let lines = drafts.iter().map(|draft| draft.place.line + found.lines_before).collect();
    let objectives = drafts.into_iter().map(|draft| draft.objective).collect();
    Some(ReadPlan { document: PlanDocument { reasoning, phase_checks, objectives }, lines })
}

/// Adds a fault if `objectives` is null. An answer that was cut off after the key ends like this, and must
/// not be read as "nothing is left to do".
fn check_list(node: &yaml::Node, plan: &Section<'_>) {
    let yaml::Value::Map(pairs) = &node.value else { return };
    let is_nothing =
        |(key, node): &&(yaml::Key, yaml::Node)| key.text == "objectives" && node.value == yaml::Value::Null;
    if let Some((key, _)) = pairs.iter().find(is_nothing) {
        let right = "`objectives: []` says that nothing is left to do".to_owned();
        plan.fault("objectives", key.place, "`objectives` has no value".to_owned(), Some(right));
    }
}

fn read_check(section: &Section<'_>) -> Option<PhaseCheck> {
    let check_type = section.given(&keys::CHECK_TYPE);
    let command = section.required(&keys::CHECK_COMMAND);
    let description = section.given(&keys::CHECK_DESCRIPTION).unwrap_or_default();
    let expected = section.given(&keys::CHECK_EXPECTED).unwrap_or_default();
    section.finish();
    let check_type = check_type.unwrap_or(CheckType::Shell);
    Some(PhaseCheck { description, check_type, check_command: command?, expected })
}

/// An objective, with the places of its parts for faults that are found later.
struct Draft {
    objective: PlannedObjective,
    place: Place,
    id_place: Place,
    depends_on: Vec<(ObjectiveId, Place)>,
    path: String,
}

fn read_objective(section: &Section<'_>, context: &PlanContext<'_>) -> Option<Draft> {
    let id = id_of(section, &keys::ID, "objective");
    let id_place = section.place_of(&keys::ID);
    if let Some(id) = id.as_ref().filter(|id| context.existing.iter().any(|old| old.as_str() == *id)) {
        let problem = format!("the project already has an objective `{id}`");
        section.fault("id", id_place, problem, Some("choose a new id".to_owned()));
    }
    let title = section.required(&keys::TITLE);
    let worker_id = section.given(&keys::WORKER_ID).map_or_else(|| DEFAULT_WORKER.into(), WorkerId::from);
    // Refused here, where the planner or the person can still correct it.
    if !context.workers.contains(&worker_id) {
        let place = section.place_of(&keys::WORKER_ID);
        let known: Vec<&str> = context.workers.iter().map(WorkerId::as_str).collect();
        let right = Some(meant(worker_id.as_str(), &known));
        section.fault("worker_id", place, format!("unknown worker {worker_id:?}"), right);
    }
    let budget = section.section(&keys::SESSION_BUDGET);
    let session_budget = PlannedBudget {
        max_commits: budget.given(&keys::MAX_COMMITS),
        max_minutes: budget.given(&keys::MAX_MINUTES),
    };
    budget.finish();
    let depends_on = dependencies(section);
    let description = section.given(&keys::DESCRIPTION).unwrap_or_default();
    let acceptance_criteria = section.given(&keys::ACCEPTANCE_CRITERIA).unwrap_or_default();
    let path_scope = section.given(&keys::PATH_SCOPE).unwrap_or_default();
    let context_refs = section.given(&keys::CONTEXT_REFS).unwrap_or_default();
    // Read by hand: a priority may be negative, and the row's range would be shown as the smallest 32-bit
    // number.
    let priority = section.get(&keys::PRIORITY).map_or(0, |node| match node.value {
        yaml::Value::Int(number) if i32::try_from(number).is_ok() => i32::try_from(number).unwrap_or(0),
        _ => {
            section.wrong("priority", node, "a whole number");
            0
        }
    });
    section.finish();
    let objective = PlannedObjective {
        id: ObjectiveId::new(id?).ok()?,
        title: title?,
        description,
        acceptance_criteria,
        path_scope,
        depends_on: depends_on.iter().map(|(id, _)| id.clone()).collect(),
        context_refs,
        worker_id,
        priority,
        session_budget,
    };
    Some(Draft { objective, place: section.place, id_place, depends_on, path: section.path.clone() })
}

fn dependencies(section: &Section<'_>) -> Vec<(ObjectiveId, Place)> {
    let mut read: Vec<(ObjectiveId, Place)> = Vec::new();
    for (at, (text, place)) in section.texts(&keys::DEPENDS_ON).unwrap_or_default().into_iter().enumerate() {
        match ObjectiveId::new(text) {
            // A dependency that is named twice is harmless.
            Ok(id) if read.iter().any(|(known, _)| *known == id) => {}
            Ok(id) => read.push((id, place)),
            Err(error) => section.fault(&format!("depends_on[{at}]"), place, error.to_string(), None),
        }
    }
    read
}

/// Adds a fault for every dependency on itself or on an unknown objective, and for one cycle.
fn check_dependencies(drafts: &[Draft], context: &PlanContext<'_>, sink: &Sink) {
    let own: HashMap<&str, usize> =
        drafts.iter().enumerate().map(|(at, draft)| (draft.objective.id.as_str(), at)).collect();
    let existing = context.existing.iter().map(ObjectiveId::as_str);
    let all: Vec<&str> = own.keys().copied().chain(existing).collect();
    let mut edges = vec![Vec::new(); drafts.len()];
    for (at, draft) in drafts.iter().enumerate() {
        let key = format!("{}.depends_on", draft.path);
        for (id, place) in &draft.depends_on {
            // A dependency on an existing objective gives no edge: existing ones cannot depend on new ones,
            // so no cycle leads through them.
            if *id == draft.objective.id {
                sink.add(*place, &key, format!("`{id}` depends on itself: {id} -> {id}"), None);
            } else if let Some(&on) = own.get(id.as_str()) {
                edges[at].push(on);
            } else if !all.contains(&id.as_str()) {
                let problem = format!("`{}` depends on the unknown objective `{id}`", draft.objective.id);
                sink.add(*place, &key, problem, Some(meant(id.as_str(), &all)));
            }
        }
    }
    // One cycle is reported: after its repair others may be gone, too.
    if let Some(cycle) = find_cycle(&edges) {
        let names: Vec<&str> = cycle.iter().map(|&at| drafts[at].objective.id.as_str()).collect();
        let first = &drafts[cycle[0]];
        let second = &drafts[cycle[1]].objective.id;
        let place = first.depends_on.iter().find(|(id, _)| id == second).map_or(first.place, |found| found.1);
        let problem = format!("the dependencies form a cycle: {}", names.join(" -> "));
        sink.add(
            place,
            &format!("{}.depends_on", first.path),
            problem,
            Some("remove one of these dependencies".to_owned()),
        );
    }
}

/// Returns what is wrong with a scope's glob, and a correction; `None` if the glob is valid.
#[must_use]
pub fn scope_fault(glob: &str) -> Option<String> {
    glob_fault(glob).map(|(problem, right)| match right {
        Some(right) => format!("{problem}; {right}"),
        None => problem,
    })
}
