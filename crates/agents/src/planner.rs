//! The planner's prompt.

use paddock_model::ids::WorkerId;
use std::path::Path;

use serde::Serialize;

use super::prompt::{self, PromptBudget, PromptError};
use paddock_model::plan::PhaseCheck;
use paddock_model::planning::FailedCheck;

/// File name of the planner's template.
pub(crate) const TEMPLATE: &str = "planner.md";

/// Every variable that the planner's template may use.
pub(crate) const VARIABLES: [&str; 27] = [
    "project",
    "goal",
    "milestone",
    "phase",
    "phase.title",
    "phase.description",
    "checks",
    "failed_checks",
    "done",
    "running",
    "failed",
    "taken",
    "notes",
    "faults",
    "context_files",
    "scope_level",
    "scope_commits",
    "budget",
    "budget.max_commits",
    "budget.max_minutes",
    "slots",
    "workers",
    "protected",
    "shared",
    "integration_ref",
    "attempt",
    "kind",
];

/// The phase that the planner plans.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PlannedPhase {
    /// Title of the phase.
    pub title: String,
    /// What the phase is about.
    pub description: String,
}

/// An existing objective, as the planner's prompt shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct KnownObjective {
    /// Id of the objective.
    pub id: String,
    /// Title of the objective.
    pub title: String,
    /// State of the objective, in one word.
    pub status: String,
    /// Result of the objective, or why it does not proceed.
    pub note: String,
    /// Globs of the files that the objective may change.
    pub path_scope: Vec<String>,
}

/// A worker that a plan may name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownWorker {
    /// Id of the worker.
    pub id: WorkerId,
    /// Role of the worker.
    pub role: String,
}

/// The beginning of a file of the project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ContextFile {
    /// Path in the repository.
    pub path: String,
    /// Beginning of the file.
    pub text: String,
}

/// The variables of the planner's template.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct PlannerContext {
    /// The project's name and description.
    pub project: String,
    /// The active goal's title and description.
    pub goal: Option<String>,
    /// The active milestone's title and description.
    pub milestone: Option<String>,
    /// The active phase.
    pub phase: PlannedPhase,
    /// Checks of the phase.
    pub checks: Vec<PhaseCheck>,
    /// Checks that failed when the phase was last checked.
    pub failed_checks: Vec<FailedCheck>,
    /// Objectives that are done.
    pub done: Vec<KnownObjective>,
    /// Objectives in progress, and objectives that wait for them.
    pub running: Vec<KnownObjective>,
    /// Objectives that failed or wait for a person.
    pub failed: Vec<KnownObjective>,
    /// Ids that no new objective may have.
    pub taken: Vec<String>,
    /// Notes of people who rejected plans.
    pub notes: Vec<String>,
    /// Faults of the last plan.
    pub faults: Vec<String>,
    /// Files that the project's settings name as context.
    pub context_files: Vec<ContextFile>,
    /// Intended size of an objective: `small`, `medium`, `large`.
    pub scope_level: String,
    /// Intended size of an objective, in commits.
    pub scope_commits: String,
    /// Default budget of a session.
    pub budget: PromptBudget,
    /// Number of sessions that run in parallel.
    pub slots: u32,
    /// Workers that a plan may name as `worker_id`.
    pub workers: Vec<KnownWorker>,
    /// Paths that only integrators may change.
    pub protected: Vec<String>,
    /// Paths that every objective may change.
    pub shared: Vec<String>,
    /// Ref on which work lands.
    pub integration_ref: String,
    /// Number of this planner session for the phase, from 1.
    pub attempt: u32,
    /// Kind of the session: `planner`.
    pub kind: String,
}

/// Renders the planner's prompt with the workspace's template, or with the built-in one if the workspace has
/// none.
///
/// # Errors
/// Fails if the template cannot be read or is wrong.
pub fn render(templates_dir: Option<&Path>, context: &PlannerContext) -> Result<String, PromptError> {
    let source = prompt::load(templates_dir, TEMPLATE)?;
    prompt::check(TEMPLATE, &source)?;
    prompt::render_source(TEMPLATE, &source, context)
}

/// Returns the planner's output without the prompt, which some agents repeat before they begin: the form in
/// the prompt must not be read as a plan.
#[must_use]
pub fn without_echo(said: &str, prompt: &str) -> String {
    let prompt = prompt.trim();
    // An empty pattern matches between all characters.
    if prompt.is_empty() { said.to_owned() } else { said.replace(prompt, "") }
}

/// Returns a context with a value for every variable, with which a template is tried when it is loaded.
pub(super) fn sample() -> PlannerContext {
    let text = || "text".to_owned();
    let one = || KnownObjective {
        id: text(),
        title: text(),
        status: text(),
        note: text(),
        path_scope: vec![text()],
    };
    PlannerContext {
        project: text(),
        goal: Some(text()),
        milestone: Some(text()),
        phase: PlannedPhase { title: text(), description: text() },
        checks: vec![PhaseCheck {
            description: text(),
            check_type: paddock_model::plan::CheckType::Shell,
            check_command: text(),
            expected: text(),
        }],
        failed_checks: vec![FailedCheck {
            description: text(),
            command: text(),
            problem: text(),
            output: text(),
        }],
        done: vec![one()],
        running: vec![one()],
        failed: vec![one()],
        taken: vec![text()],
        notes: vec![text()],
        faults: vec![text()],
        context_files: vec![ContextFile { path: text(), text: text() }],
        scope_level: text(),
        scope_commits: text(),
        budget: PromptBudget { max_commits: 5, max_minutes: 30 },
        slots: 2,
        workers: vec![KnownWorker { id: text().into(), role: text() }],
        protected: vec![text()],
        shared: vec![text()],
        integration_ref: text(),
        attempt: 1,
        kind: "planner".to_owned(),
    }
}

#[cfg(test)]
#[path = "planner_tests.rs"]
mod tests;
