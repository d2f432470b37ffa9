//! Prompts: templates that are built in or overridden by the workspace. A template is checked when it is
//! loaded, so that no prompt is ever rendered with a variable missing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};

use super::planner;
use paddock_os::plain;

/// Limit on a template file, in bytes.
const TEMPLATE_MAX_BYTES: u64 = 256 << 10;

/// The built-in templates: file name and text.
pub const EMBEDDED: [(&str, &str); 6] = [
    ("session-worker.md", include_str!("../../../templates/session-worker.md")),
    ("session-integrator.md", include_str!("../../../templates/session-integrator.md")),
    ("session-researcher.md", include_str!("../../../templates/session-researcher.md")),
    ("session-correction.md", include_str!("../../../templates/session-correction.md")),
    ("session-conflict.md", include_str!("../../../templates/session-conflict.md")),
    (planner::TEMPLATE, include_str!("../../../templates/planner.md")),
];

/// Every variable that the template of a session may use.
pub(crate) const VARIABLES: [&str; 24] = [
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
    "set_up",
    "kind",
];

/// Functions of the template engine, which it lists among the variables that a template uses.
const FUNCTIONS: [&str; 4] = ["range", "dict", "namespace", "debug"];

/// Why a prompt cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// Neither the workspace nor Paddock has the template.
    #[error("there is no prompt template {name:?}: put it into the workspace's templates folder")]
    Missing {
        /// File name of the template.
        name: String,
    },
    /// The name is not a plain file name, so it could lead out of the templates folder.
    #[error("{name:?} is no template: give a file name without folders")]
    Name {
        /// The wrong name.
        name: String,
    },
    /// The template file cannot be read.
    #[error("can't read the template {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The template has a syntax error, or fails to render.
    #[error("template {name}, line {line}: {problem}")]
    Syntax {
        /// File name of the template.
        name: String,
        /// Line of the error, from 1; 0 if unknown.
        line: usize,
        /// Words of the error.
        problem: String,
    },
    /// The template uses variables that do not exist.
    #[error("template {name} uses unknown variables: {}; known are {}", unknown.join(", "), known.join(", "))]
    Unknown {
        /// File name of the template.
        name: String,
        /// The unknown variables, sorted.
        unknown: Vec<String>,
        /// The variables that the template may use.
        known: &'static [&'static str],
    },
}

/// The objective in a session's prompt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromptObjective {
    /// Id of the objective.
    pub id: String,
    /// Title of the objective.
    pub title: String,
    /// Work to do.
    pub description: String,
    /// Acceptance criteria of the objective.
    pub acceptance_criteria: Vec<String>,
    /// Globs of the files that the objective may change; empty for all files.
    pub path_scope: Vec<String>,
    /// Files and places to read first.
    pub context_refs: Vec<String>,
}

/// The budget in a session's prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromptBudget {
    /// Limit on commits.
    pub max_commits: u32,
    /// Limit on running time, in minutes.
    pub max_minutes: u32,
}

/// Returns a name with its description, or the name alone if the description is empty.
#[must_use]
pub fn titled(name: &str, description: &str) -> String {
    match description.trim() {
        "" => name.to_owned(),
        text => format!("{name}: {text}"),
    }
}

/// The variables of a session's template.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromptContext {
    /// The project's name and description.
    pub project: String,
    /// The active goal's title and description.
    pub goal: Option<String>,
    /// The active milestone's title and description.
    pub milestone: Option<String>,
    /// The active phase's title and description.
    pub phase: Option<String>,
    /// The objective to work on.
    pub objective: PromptObjective,
    /// Budget of the session.
    pub budget: PromptBudget,
    /// Number of this session of the objective, from 1.
    pub attempt: u32,
    /// Review findings, gate output, files in conflict.
    pub feedback: Option<String>,
    /// A person's note for this session.
    pub human_note: Option<String>,
    /// Reports of earlier sessions, one text each.
    pub previous: Vec<String>,
    /// Ref on which the work lands.
    pub integration_ref: String,
    /// Protected paths.
    pub protected: Vec<String>,
    /// Paths that every objective may change.
    pub shared: Vec<String>,
    /// Files that Paddock copied into the worktree; the review rejects a commit that adds one.
    pub copied: Vec<String>,
    /// Files that the set-up of the worktree made or changed, as far as an earlier session showed them; the
    /// review rejects a commit that contains them.
    pub set_up: Vec<String>,
    /// Kind of the session: `work`, `follow-up`, `correction`, `conflict`.
    pub kind: String,
}

/// Renders the prompt of a session with the workspace's template of that name, or with the built-in one if
/// the workspace has none.
///
/// # Errors
/// Fails if the template is missing, cannot be read, or is wrong.
pub fn render(
    templates_dir: Option<&Path>,
    template: &str,
    context: &PromptContext,
) -> Result<String, PromptError> {
    let source = load(templates_dir, template)?;
    check(template, &source)?;
    render_source(template, &source, context)
}

/// Loads the text of a template, from the workspace's folder or else the built-in one. Does not check the
/// text.
///
/// # Errors
/// Fails if the template is missing or cannot be read, or if its name is not a plain file name.
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
        // Opening a named pipe would wait for a writer for ever.
        Ok(found) if !found.is_file() => return Err(fault(io::Error::other("it is no file"))),
        Ok(found) if found.len() > TEMPLATE_MAX_BYTES => {
            return Err(fault(io::Error::other("it has more than 256 KiB")));
        }
        Ok(_) => {}
    }
    plain::read_to_string(path).map(Some).map_err(fault)
}

/// Checks the text of a template: its syntax, that it uses only known variables, and that it renders both
/// with every variable set and with every optional variable absent.
///
/// # Errors
/// Fails with [`PromptError::Syntax`] or [`PromptError::Unknown`].
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
    // Unknown variables inside loops are found only by rendering, so each loop must run once.
    if name == planner::TEMPLATE {
        render_source(name, source, &planner::PlannerContext::default())?;
        return render_source(name, source, &planner::sample()).map(drop);
    }
    render_source(name, source, &PromptContext::default())?;
    render_source(name, source, &sample()).map(drop)
}

fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    // An undefined variable is an error instead of an empty text: a prompt with a hole misleads an agent.
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_keep_trailing_newline(true);
    // Prompts are not HTML, even if the file's name ends in `.html`.
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

/// Returns a context with a value for every variable.
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
        set_up: vec![text()],
        kind: "work".to_owned(),
    }
}

#[cfg(test)]
#[path = "prompt_tests.rs"]
mod tests;
