//! Reads project files, together with what the repository's own `.paddock/project.yaml` adds to them.

use std::path::Path;

use super::agreement::Known;
use super::error::EffectError;
use super::trust::agreed;
use super::world::World;
use paddock_config::resolve::{Project, Surroundings};
use paddock_config::{Environment, Workspace, project_file, templates, validate};
use paddock_engine::input::{Input, Problem};
use paddock_git::{Repository, observe};
use paddock_model::facts::{Carried, TargetKey};
use paddock_model::ids::ProjectSlug;

/// A project file without faults, and the project's repository.
#[derive(Debug)]
pub struct ProjectRead {
    /// The settings, with the repository's additions.
    pub project: Project,
    /// The repository that the file names.
    pub repository: Repository,
    /// Target branch that the file names, if any. The settings hold the recorded branch instead.
    pub target: Option<TargetKey>,
}

/// Reads a project file and its repository's additions.
///
/// `recorded` is the project's recorded target branch, or empty if none is recorded yet. Neither HEAD nor the
/// file changes the recorded branch. `agreed` is the hash of the repository's own commands that a person
/// agreed to.
///
/// # Errors
/// Fails with every fault of the file, each with file, line and key, or if the repository cannot be read.
pub fn read_project(
    workspace: &Workspace,
    environment: &Environment,
    file: &Path,
    agreed: Option<&str>,
    recorded: &str,
) -> Result<ProjectRead, EffectError> {
    let read = project_file::read(workspace, file, None).map_err(EffectError::Config)?;
    let repository = Repository::open(&read.repo_root)?;
    // From the committed target branch and not from the checkout: only what landed there can change a
    // project's commands.
    let own = match recorded.is_empty() {
        true => None,
        false => repository.file_of(&format!("refs/heads/{recorded}"), ".paddock/project.yaml")?,
    };
    let on_path = |program: &str| validate::on_path(program, environment.path("PATH").map(Path::as_os_str));
    let around =
        Surroundings { head_branch: recorded, repository_file: own.as_deref(), agreed, on_path: &on_path };
    let mut project = read.resolve(&around).map_err(EffectError::Config)?;
    recorded.clone_into(&mut project.settings.target_branch);
    let target = target_key(workspace, file, &read, &repository)?;
    Ok(ProjectRead { project, repository, target })
}

/// Returns the target branch that the file names, with its line and the branch's current commit.
fn target_key(
    workspace: &Workspace,
    file: &Path,
    read: &project_file::ProjectFile,
    repository: &Repository,
) -> Result<Option<TargetKey>, EffectError> {
    let Some(branch) = read.target_branch.clone() else { return Ok(None) };
    let at = observe(repository, &branch)?;
    let shown = file.strip_prefix(workspace.root()).unwrap_or(file).display();
    Ok(Some(TargetKey { branch, place: format!("{shown}:{}", read.target_line), at }))
}

/// Reads the file of a managed project again and reports its settings to the kernel.
///
/// While the file or the target branch is gone, the settings that were read last stay in force.
pub(super) fn read_again(world: &World, slug: &ProjectSlug, known: &Known) {
    let file = world.workspace.project_file(slug);
    if !file.exists() {
        return;
    }
    let read = |agreed: Option<&str>| {
        read_project(&world.workspace, &world.environment, &file, agreed, &known.target)
    };
    let mut found = read(known.agreed());
    let carried = found.as_ref().ok().filter(|read| read.project.needs_agreement());
    let carried = carried.and_then(|read| known.carried(&read.repository, &known.target));
    // Read a second time with the carried agreement. Its report comes before that of the settings, which
    // depend on it.
    if let Some((landing, trust)) = carried {
        found = read(agreed(&trust));
        let carried = Carried { before: known.trust.clone(), trust, landing };
        world.report(Input::AgreementCarried { project: slug.clone(), carried });
    }
    if let Ok(read) = &found {
        exclude_worktrees(read);
        world.report(Input::TargetKeyRead { project: slug.clone(), key: read.target.clone() });
        // The repository's additions are on that branch. Without the branch they would be missing, and the
        // settings read now would silently lose them.
        if !known.target.is_empty() && !matches!(observe(&read.repository, &known.target), Ok(Some(_))) {
            return;
        }
    }
    let settings = match found {
        Ok(read) if read.project.needs_agreement() => Err(format!(
            "the repository's own .paddock/project.yaml gives commands that you have not agreed to; look at them and \
             run `paddock project trust {slug}` (a landing carries your agreement over only if its objective's scope \
             names that file)"
        )),
        Ok(read) => match templates::faults(&world.workspace.templates(), &read.project.settings) {
            faults if faults.is_empty() => Ok(Box::new(read.project.settings)),
            faults => Err(EffectError::Config(faults).to_string()),
        },
        Err(error) => Err(error.to_string()),
    };
    world.report(Input::ConfigRead { project: slug.clone(), settings: settings.map_err(Problem::new) });
}

/// Keeps worktrees that lie in the user's checkout out of the user's `git status`.
fn exclude_worktrees(read: &ProjectRead) {
    let folder = &read.project.settings.worktrees_root;
    match read.repository.exclude(Path::new(folder)) {
        Ok(true) => {
            tracing::info!(folder, "worktrees_root is inside the repository: excluded in info/exclude");
        }
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(%error, folder, "worktrees_root is inside the repository and not excluded");
        }
    }
}
