//! `paddock config`: checks project files, and prints their schema, an example and the settings in force.

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::{output, project_target, repository, validate};
use paddock_config::error::display_all;
use paddock_config::project_file::{self, ProjectFile};
use paddock_config::resolve::{Project, Surroundings};
use paddock_config::validate::{on_path, project_files};
use paddock_config::{ConfigError, Place, Severity};
use paddock_config::{example, schema, show};
use paddock_model::ids::ProjectSlug;
use paddock_model::state::State;
use paddock_report::event_types::public_types;
use paddock_report::text::counted;

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Check every project file, .env, keys.yaml, theme.yaml and Paddock's environment variables
    #[command(after_help = "Examples:\n  paddock config validate\n  paddock config validate --json")]
    Validate(Validate),
    /// Print the JSON Schema of project files, for editors
    #[command(after_help = "Examples:
  paddock config schema > project.schema.json
  # and as the first line of a project file:
  # yaml-language-server: $schema=project.schema.json")]
    Schema,
    /// Print a project file with every key, its meaning and its default
    #[command(after_help = "Examples:
  paddock config example
  paddock config example > projects/my-project.yaml   # then change its first four keys")]
    Example,
    /// Show the settings in force, including defaults
    #[command(after_help = "Examples:\n  paddock config show\n  paddock --project web config show --json")]
    Show(Show),
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Validate {
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

impl Config {
    /// Returns whether the command prints what is the same in every workspace, and needs none.
    pub(super) fn is_reference(&self) -> bool {
        matches!(self, Self::Schema | Self::Example)
    }

    /// Prints the schema, or else the example.
    pub(super) fn print(&self) -> Outcome {
        match self {
            Self::Schema => output::json(&schema::project_file(&public_types()))?,
            _ => output::print(&example::text())?,
        }
        Ok(Exit::Good)
    }

    pub(super) fn execute(self, context: &Context) -> Outcome {
        match self {
            Self::Validate(validate) => validate.execute(context),
            Self::Schema | Self::Example => self.print(),
            Self::Show(show) => show.execute(context),
        }
    }
}

impl Validate {
    fn execute(self, context: &Context) -> Outcome {
        let found = validate::faults(context, &context.load()?);
        // Warnings are printed, but only errors fail the command: a file with warnings is used.
        let is_bad = found.iter().any(|fault| fault.severity == Severity::Error);
        let exit = if is_bad { Exit::Error } else { Exit::Good };
        if self.json {
            output::json(&found)?;
            return Ok(exit);
        }
        if !found.is_empty() {
            output::note(&display_all(&found));
        }
        let files = project_files(&context.workspace).map_or(0, |files| files.len());
        if !is_bad {
            output::line(&format!("{} without errors", counted(files, "project file")))?;
        }
        Ok::<Exit, Failure>(exit)
    }
}

impl Show {
    /// Shows the settings of the project files as they are now; for a file with faults, the settings that are
    /// recorded.
    fn execute(self, context: &Context) -> Outcome {
        let state = context.load()?;
        let mut shown = Vec::new();
        let is_meant = |slug: &ProjectSlug| context.project.as_ref().is_none_or(|only| only == slug);
        for path in project_files(&context.workspace)? {
            let file = match project_file::read(&context.workspace, &path, Some(&public_types())) {
                Ok(file) => file,
                Err(faults) => {
                    output::note(&display_all(&faults));
                    continue;
                }
            };
            match resolve(&state, &file) {
                Ok(project) if is_meant(&project.slug) => shown.push((project.slug, project.settings)),
                Ok(_) => {}
                Err(faults) => output::note(&display_all(&faults)),
            }
        }
        // Registered projects whose file is missing or has faults.
        for project in state.projects().filter(|project| is_meant(&project.slug)) {
            if !shown.iter().any(|(slug, _)| *slug == project.slug) {
                output::note(&format!("{}: the settings that were read last", project.slug));
                shown.push((project.slug.clone(), project.settings.clone()));
            }
        }
        let documents: Vec<_> = shown.iter().map(|(slug, settings)| show::document(slug, settings)).collect();
        if self.json {
            // A script that names a project gets an object, not a list of one.
            match (&documents[..], &context.project) {
                ([only], Some(_)) => output::json(only)?,
                _ => output::json(&documents)?,
            }
            return Ok(Exit::Good);
        }
        for (document, (slug, _)) in documents.iter().zip(&shown) {
            let text = serde_yaml::to_string(document).map_err(|error| Failure::error(error.to_string()))?;
            // Where the target branch comes from is a comment, so that the output can be used as a project
            // file.
            let source = state.project(slug).map(|project| project_target::source(context, project).1);
            let source = source.map(|words| format!("# target_branch: {words}\n")).unwrap_or_default();
            output::print(&format!("---\n{source}{text}"))?;
        }
        Ok(Exit::Good)
    }
}

/// Resolves a project file to settings, as a supervisor would, but with the repository's own commands
/// included.
///
/// The target branch of a registered project is the recorded one, whatever its file names.
pub(super) fn resolve(state: &State, file: &ProjectFile) -> Result<Project, Vec<ConfigError>> {
    let recorded = state.project(&file.slug).map(|project| project.settings.target_branch.clone());
    let recorded = recorded.filter(|branch| !branch.is_empty());
    let branch = recorded.as_ref().or(file.target_branch.as_ref());
    let found = repository::inspect_any(&file.repo_root, branch.map(String::as_str))
        .map_err(|problem| vec![fault(file, "repo_root", &format!("`repo_root`: {problem}"), None)])?;
    let path = std::env::var_os("PATH");
    let with = |agreed: Option<&str>| {
        file.resolve(&Surroundings {
            head_branch: &found.target_branch,
            repository_file: found.own_file.as_deref(),
            agreed,
            on_path: &|program| on_path(program, path.as_deref()),
        })
    };
    let mut project = with(None)?;
    // `project add` and `project trust` ask for agreement. Here the repository's commands are only checked
    // and shown, so they count as agreed to.
    if project.needs_agreement() {
        project = with(project.agreement.as_deref())?;
    }
    project.warnings.extend(target_warning(file, &found.target_branch));
    project.settings.target_branch = found.target_branch;
    Ok(project)
}

/// Warns if the file names a target branch that is not the one in force, or if there is none at all.
fn target_warning(file: &ProjectFile, branch: &str) -> Option<ConfigError> {
    let problem = match &file.target_branch {
        Some(named) if named != branch => {
            format!("`target_branch` names {named}, but work lands on {branch}")
        }
        None if branch.is_empty() => "HEAD is on no branch, and `target_branch` names none".to_owned(),
        _ => return None,
    };
    let right = match branch {
        "" => "write `target_branch: BRANCH`".to_owned(),
        _ => format!(
            "`paddock project trust {}` agrees to the change; or write {branch} in the file",
            file.slug
        ),
    };
    let warning = fault(file, "target_branch", &problem, Some(right));
    Some(ConfigError { severity: Severity::Warning, ..warning })
}

fn fault(file: &ProjectFile, key: &str, problem: &str, right: Option<String>) -> ConfigError {
    let line = if key == "target_branch" { file.target_line } else { 0 };
    fault_at(file, Place { line, column: line.min(1) }, key, problem, right)
}

/// Makes a fault of a project file.
pub(super) fn fault_at(
    file: &ProjectFile,
    place: Place,
    key: &str,
    problem: &str,
    right: Option<String>,
) -> ConfigError {
    ConfigError {
        file: format!("projects/{}.yaml", file.slug),
        place,
        key: key.to_owned(),
        problem: problem.to_owned(),
        right,
        severity: Severity::Error,
    }
}
