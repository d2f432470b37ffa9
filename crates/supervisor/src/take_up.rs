//! Makes projects of files in `projects/` that no project exists for yet: a file there is a project, however
//! it came there.
//!
//! Commands of the repository's own file stay out until a person agrees to them: such a project is taken up
//! and held, and the hold names `project trust`.

use std::path::{Path, PathBuf};

use super::inspect::{InspectError, ProjectFacts, inspect_any};
use super::trust::without_programs;
use paddock_config::resolve::Surroundings;
use paddock_config::validate::{on_path, project_files};
use paddock_config::{ConfigError, Environment, Workspace, index, project_file};
use paddock_model::command::Command;
use paddock_model::ids::ProjectSlug;
use paddock_model::state::State;

/// Why a project file is not taken up.
#[derive(Debug, thiserror::Error)]
pub enum TakeUpError {
    /// The file has faults.
    #[error("{}", joined(.0))]
    Config(Vec<ConfigError>),
    /// The repository cannot be used.
    #[error(transparent)]
    Repository(#[from] InspectError),
    /// A project has the repository already.
    #[error(
        "it names {root}, the repository of project {other}; two projects never share one: remove one of the two files"
    )]
    Shared {
        /// Folder of the repository.
        root: String,
        /// The project that has it.
        other: ProjectSlug,
    },
}

fn joined(faults: &[ConfigError]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A project file that can be taken up.
#[derive(Debug)]
pub struct Written {
    /// Slug of the project.
    pub slug: ProjectSlug,
    /// The command that adds the project.
    pub command: Command,
    /// Whether the repository's own file gives commands that a person has to agree to.
    pub needs_agreement: bool,
    /// Whether HEAD is detached and the file names no branch, so that the project has no target branch yet.
    pub is_detached: bool,
}

/// Returns the project files that no project of the state belongs to, by the file's name: one with faults has
/// no slug to go by. An unreadable folder counts as empty; `config validate` reports it.
#[must_use]
pub fn unknown_files(workspace: &Workspace, state: &State) -> Vec<PathBuf> {
    let is_known = |file: &Path| {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        ProjectSlug::new(&*stem).is_ok_and(|slug| state.project(&slug).is_some())
    };
    project_files(workspace).unwrap_or_default().into_iter().filter(|file| !is_known(file)).collect()
}

/// Reads a project file and its repository, and makes the command that takes the project up. `known` are the
/// projects that exist, by the git directory of their repositories.
///
/// # Errors
/// Fails if the file has faults, or if the repository cannot be used or belongs to a project already.
pub fn written(
    workspace: &Workspace,
    environment: &Environment,
    file: &Path,
    known: &[(String, ProjectSlug)],
) -> Result<Written, TakeUpError> {
    let read = project_file::read(workspace, file, None).map_err(TakeUpError::Config)?;
    let ProjectFacts { facts, target_branch, own_file, configured, agrees_to_programs: _ } =
        inspect_any(&read.repo_root, read.target_branch.as_deref())?;
    if let Some((_, other)) = known.iter().find(|(common_dir, _)| *common_dir == facts.common_dir) {
        return Err(TakeUpError::Shared { root: facts.root, other: other.clone() });
    }
    let path = environment.path("PATH").map(Path::as_os_str);
    let around = Surroundings {
        head_branch: &target_branch,
        repository_file: own_file.as_deref(),
        agreed: None,
        on_path: &|program| on_path(program, path),
    };
    let project = read.resolve(&around).map_err(TakeUpError::Config)?;
    let mut repository = facts;
    repository.trust = without_programs(repository.trust, &configured);
    let needs_agreement = project.needs_agreement();
    let settings = Box::new(project.settings);
    let command = Command::ProjectAdd { project: read.slug.clone(), settings, repository };
    Ok(Written { slug: read.slug, command, needs_agreement, is_detached: target_branch.is_empty() })
}

/// Returns the projects of a state by the git directories of their repositories.
#[must_use]
pub fn known_repositories(state: &State) -> Vec<(String, ProjectSlug)> {
    state.projects().map(|project| (project.common_dir.clone(), project.slug.clone())).collect()
}

/// Notes in the user's index that this workspace has these projects. A failure is logged: without an entry
/// `paddock` only does not find the workspace by itself.
pub fn note_in_index(workspace: &Workspace, environment: &Environment, state: &State) {
    for project in state.projects() {
        index::note(environment, workspace, Path::new(&project.common_dir), &project.slug);
    }
}
