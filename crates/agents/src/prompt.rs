//! Prompts: templates of a real engine, built in or overridden by the workspace, that can't be rendered with
//! a hole in them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};

use super::planner;

/// The longest template file, in bytes.
const TEMPLATE_MAX_BYTES: u64 = 256 << 10;

/// The templates that come with Paddock: file name and text.
pub const EMBEDDED: [(&str, &str); 6] = [
    ("session-worker.md", include_str!("../../../templates/session-worker.md")),
    ("session-integrator.md", include_str!("../../../templates/session-integrator.md")),
    ("session-researcher.md", include_str!("../../../templates/session-researcher.md")),
    ("session-correction.md", include_str!("../../../templates/session-correction.md")),
    ("session-conflict.md", include_str!("../../../templates/session-conflict.md")),
    (planner::TEMPLATE, include_str!("../../../templates/planner.md")),
];

/// Every variable that a session's template may use.
pub(crate) const VARIABLES: [&str; 23] = [
    "project",
    "goal",
    "milestone",
    "phase",
    "objective",
    "objective.id",
    "objective.title",
    "objective.description",
    "objective.acceptance_criteria",
    "objective.path_scope",
    "objective.context_refs",
    "budget",
    "budget.max_commits",
    "budget.max_minutes",
    "attempt",
    "feedback",
    "human_note",
    "previous",
    "integration_ref",
    "protected",
    "shared",
    "copied",
    "kind",
];

/// The engine's own functions, which it lists among the variables.
const FUNCTIONS: [&str; 4] = ["range", "dict", "namespace", "debug"];

/// Why a prompt can't be made.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// Neither the workspace nor Paddock has it.
    #[error("there is no prompt template {name:?}: put it into the workspace's templates folder")]
    Missing {
        /// The file name.
        name: String,
    },
    /// A name that leaves the templates folder.
    #[error("{name:?} is no template: give a file name without folders")]
    Name {
        /// What was given.
        name: String,
    },
    /// The file can't be read.
    #[error("can't read the template {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The template's syntax is wrong.
    #[error("template {name}, line {line}: {problem}")]
    Syntax {
        /// The file name.
        name: String,
        /// The line, from 1; 0 when not known.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The template uses what does not exist.
    #[error("template {name} uses unknown variables: {}; known are {}", unknown.join(", "), known.join(", "))]
    Unknown {
        /// The file name.
        name: String,
        /// The variables, in order.
        unknown: Vec<String>,
        /// Those that it may use.
        known: &'static [&'static str],
    },
}

/// The objective, as a prompt tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromptObjective {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What to do.
    pub description: String,
    /// When it is reached.
    pub acceptance_criteria: Vec<String>,
    /// What may be changed; empty = everything.
    pub path_scope: Vec<String>,
    /// What to read first.
    pub context_refs: Vec<String>,
}

/// The session's budget, as a prompt tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromptBudget {
    /// Commits it may make.
    pub max_commits: u32,
    /// Minutes it may run.
    pub max_minutes: u32,
}

/// A name with what it stands for, as prompts tell it.
#[must_use]
pub fn titled(name: &str, description: &str) -> String {
    match description.trim() {
        "" => name.to_owned(),
        text => format!("{name}: {text}"),
    }
}

/// Everything a session's prompt may tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromptContext {
    /// The project's name, and what it is.
    pub project: String,
    /// The active goal.
    pub goal: Option<String>,
    /// The active milestone.
    pub milestone: Option<String>,
    /// The active phase.
    pub phase: Option<String>,
    /// What to reach.
    pub objective: PromptObjective,
    /// What it may use.
    pub budget: PromptBudget,
    /// The how-manieth session of the objective this is, from 1.
    pub attempt: u32,
    /// Review notes, gate output, conflicting files.
    pub feedback: Option<String>,
    /// What a person wrote for this session.
    pub human_note: Option<String>,
    /// What earlier sessions did, one text each.
    pub previous: Vec<String>,
    /// Where the work lands.
    pub integration_ref: String,
    /// Protected paths.
    pub protected: Vec<String>,
    /// Paths that every objective may change.
    pub shared: Vec<String>,
    /// Files that Paddock copied into the worktree: a commit that adds one is rejected.
    pub copied: Vec<String>,
    /// The session's kind: `work`, `follow-up`, `correction`, `conflict`.
    pub kind: String,
}

/// The prompt of a session, from the workspace's template of that name, else the built-in one.
///
/// # Errors
/// [`PromptError`] says which template is missing or wrong, and where.
pub fn render(
    templates_dir: Option<&Path>,
    template: &str,
    context: &PromptContext,
) -> Result<String, PromptError> {
    let source = load(templates_dir, template)?;
    check(template, &source)?;
    render_source(template, &source, context)
}

/// Loads a template and checks it, as is done when a workspace is opened or a file changes.
///
/// # Errors
/// [`PromptError`] says what is missing or wrong, and where.
pub fn load(templates_dir: Option<&Path>, name: &str) -> Result<String, PromptError> {
    let is_plain = !name.is_empty() && !name.contains(['/', '\\', '\0']) && name != "." && name != "..";
    if !is_plain {
        return Err(PromptError::Name { name: name.to_owned() });
    }
    if let Some(folder) = templates_dir
        && let Some(source) = read_file(&folder.join(name))?
    {
        return Ok(source);
    }
    let built_in = EMBEDDED.iter().find(|(known, _)| *known == name);
    built_in
        .map(|(_, source)| (*source).to_owned())
        .ok_or_else(|| PromptError::Missing { name: name.to_owned() })
}

fn read_file(path: &Path) -> Result<Option<String>, PromptError> {
    let fault = |error| PromptError::Read { path: path.to_owned(), error };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error)),
        Ok(found) if !found.is_file() => return Err(fault(io::Error::other("it is no file"))),
        Ok(found) if found.len() > TEMPLATE_MAX_BYTES => {
            return Err(fault(io::Error::other("it has more than 256 KiB")));
        }
        Ok(_) => {}
    }
    fs::read_to_string(path).map(Some).map_err(fault)
}

/// Checks a template's text: its syntax, that it uses known variables only, and that it renders both with
/// everything present and with everything optional absent.
///
/// # Errors
/// [`PromptError::Syntax`] or [`PromptError::Unknown`].
pub fn check(name: &str, source: &str) -> Result<(), PromptError> {
    let engine = engine();
    let template = engine.template_from_named_str(name, source).map_err(|error| syntax(name, &error))?;
    let known: &[&str] = if name == planner::TEMPLATE { &planner::VARIABLES } else { &VARIABLES };
    let is_known = |variable: &str| known.contains(&variable) || FUNCTIONS.contains(&variable);
    let used = template.undeclared_variables(true);
    let mut unknown: Vec<String> = used.into_iter().filter(|variable| !is_known(variable)).collect();
    unknown.sort();
    if !unknown.is_empty() {
        return Err(PromptError::Unknown { name: name.to_owned(), unknown, known });
    }
    if name == planner::TEMPLATE {
        render_source(name, source, &planner::PlannerContext::default())?;
        return render_source(name, source, &planner::sample()).map(drop);
    }
    render_source(name, source, &PromptContext::default())?;
    render_source(name, source, &sample()).map(drop)
}

fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_keep_trailing_newline(true);
    // Prompts are no HTML, whatever a template's file is called.
    engine.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    engine
}

pub(super) fn render_source(
    name: &str,
    source: &str,
    context: &impl Serialize,
) -> Result<String, PromptError> {
    engine().render_named_str(name, source, context).map_err(|error| syntax(name, &error))
}

fn syntax(name: &str, error: &minijinja::Error) -> PromptError {
    let problem = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    PromptError::Syntax { name: name.to_owned(), line: error.line().unwrap_or(0), problem }
}

/// A context with everything in it.
fn sample() -> PromptContext {
    let text = || "text".to_owned();
    PromptContext {
        project: text(),
        goal: Some(text()),
        milestone: Some(text()),
        phase: Some(text()),
        objective: PromptObjective {
            id: text(),
            title: text(),
            description: text(),
            acceptance_criteria: vec![text(), text()],
            path_scope: vec![text(), text()],
            context_refs: vec![text()],
        },
        budget: PromptBudget { max_commits: 5, max_minutes: 30 },
        attempt: 2,
        feedback: Some(text()),
        human_note: Some(text()),
        previous: vec![text()],
        integration_ref: text(),
        protected: vec![text()],
        shared: vec![text()],
        copied: vec![text()],
        kind: "work".to_owned(),
    }
}

#[cfg(test)]
#[path = "prompt_tests.rs"]
mod tests;
