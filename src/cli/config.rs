//! `paddock config`.

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit::{Exit, Failure, Outcome};
use super::{output, repository};
use crate::config::error::display_all;
use crate::config::project_file::ProjectFile;
use crate::config::resolve::{Project, Surroundings};
use crate::config::validate::{on_path, project_files, validate};
use crate::config::{ConfigError, Place, Severity};
use crate::report::events::public_types;
use crate::report::text::counted;

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Check every project file and .env
    #[command(after_help = "Examples:\n  paddock config validate\n  paddock config validate --json")]
    Validate(Validate),
}

#[derive(Debug, Args)]
pub(super) struct Validate {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Config {
    pub fn carry_out(self, context: &Context) -> Outcome {
        match self {
            Self::Validate(validate) => validate.carry_out(context),
        }
    }
}

impl Validate {
    fn carry_out(self, context: &Context) -> Outcome {
        let types = public_types();
        let found = validate(&context.workspace, Some(&types), &resolve);
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

fn resolve(file: &ProjectFile) -> Result<Project, Vec<ConfigError>> {
    let found = repository::inspect(&file.repo_root, file.target_branch.as_deref())
        .map_err(|problem| vec![repository_fault(file, &problem)])?;
    let path = std::env::var_os("PATH");
    let with = |agreed: Option<&str>| {
        file.resolve(&Surroundings {
            head_branch: &found.target_branch,
            repository_file: found.own_file.as_deref(),
            agreed,
            on_path: &|program| on_path(program, path.as_deref()),
        })
    };
    let project = with(None)?;
    // Whether they were agreed to is asked when the project is added; here the commands themselves are checked.
    match project.needs_agreement() {
        true => with(project.agreement.as_deref()),
        false => Ok(project),
    }
}

fn repository_fault(file: &ProjectFile, problem: &str) -> ConfigError {
    ConfigError {
        file: format!("projects/{}.yaml", file.slug),
        place: Place::default(),
        key: "repo_root".to_owned(),
        problem: format!("`repo_root`: {problem}"),
        right: None,
        severity: Severity::Error,
    }
}
