//! The planner's prompt, and the plan in what it ends with.

use paddock_model::ids::WorkerId;
use std::path::Path;

use serde::Serialize;

use super::prompt::{self, PromptBudget, PromptError};
use paddock_model::plan::PhaseCheck;
use paddock_model::planning::FailedCheck;

/// The planner's template.
pub(crate) const TEMPLATE: &str = "planner.md";

/// Every variable that it may use.
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

/// The phase that is planned.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PlannedPhase {
    /// Its title.
    pub title: String,
    /// What it is about.
    pub description: String,
}

/// An objective, as the planner is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct KnownObjective {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its state.
    pub status: String,
    /// How it came out, or why it stands still.
    pub note: String,
    /// What it may change.
    pub path_scope: Vec<String>,
}

/// A worker that may be named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownWorker {
    /// Its id.
    pub id: WorkerId,
    /// Its role.
    pub role: String,
}

/// A file of the project, as far as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ContextFile {
    /// Its path in the repository.
    pub path: String,
    /// Its beginning.
    pub text: String,
}

/// Everything that the planner may be told.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct PlannerContext {
    /// The project's name, and what it is.
    pub project: String,
    /// The active goal.
    pub goal: Option<String>,
    /// The active milestone.
    pub milestone: Option<String>,
    /// The active phase.
    pub phase: PlannedPhase,
    /// Its checks.
    pub checks: Vec<PhaseCheck>,
    /// Those that failed.
    pub failed_checks: Vec<FailedCheck>,
    /// Objectives that are done.
    pub done: Vec<KnownObjective>,
    /// Objectives that are under way, or wait for those.
    pub running: Vec<KnownObjective>,
    /// Objectives that stand still.
    pub failed: Vec<KnownObjective>,
    /// Ids that no new objective may have.
    pub taken: Vec<String>,
    /// What people wrote when they rejected plans.
    pub notes: Vec<String>,
    /// Faults of the last plan.
    pub faults: Vec<String>,
    /// The configured files.
    pub context_files: Vec<ContextFile>,
    /// How large an objective is meant to be: `small`, `medium`, `large`.
    pub scope_level: String,
    /// The same in commits.
    pub scope_commits: String,
    /// What a session may use.
    pub budget: PromptBudget,
    /// Sessions at once.
    pub slots: u32,
    /// Who may be named as `worker_id`.
    pub workers: Vec<KnownWorker>,
    /// Paths that only integrators may change.
    pub protected: Vec<String>,
    /// Paths that every objective may change.
    pub shared: Vec<String>,
    /// Where the work lands.
    pub integration_ref: String,
    /// The how-manieth run for this phase, from 1.
    pub attempt: u32,
    /// `planner`.
    pub kind: String,
}

/// The planner's prompt, from the workspace's template, else the built-in one.
///
/// # Errors
/// [`PromptError`] says what is wrong with the template, and where.
pub fn render(templates_dir: Option<&Path>, context: &PlannerContext) -> Result<String, PromptError> {
    let source = prompt::load(templates_dir, TEMPLATE)?;
    prompt::check(TEMPLATE, &source)?;
    prompt::render_source(TEMPLATE, &source, context)
}

/// What the planner said, without the prompt, which some agents repeat before they begin.
#[must_use]
pub fn without_echo(said: &str, prompt: &str) -> String {
    let prompt = prompt.trim();
    if prompt.is_empty() { said.to_owned() } else { said.replace(prompt, "") }
}

/// A context with everything in it.
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
