//! Reading project files: what they settle, with what the repository itself adds.

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

/// A project file that was read without a fault, and its repository.
#[derive(Debug)]
pub struct ProjectRead {
    /// What it settles.
    pub project: Project,
    /// The repository.
    pub repository: Repository,
    /// The target branch that the file names, if any; the settings have the recorded one.
    pub target: Option<TargetKey>,
}

/// Reads a project file and what its repository adds to it. `recorded` is the target branch that is recorded of the
/// project: neither HEAD nor the file changes it; empty: there is none yet.
///
/// # Errors
/// Every fault, with file, line and key, in one text.
pub fn read_project(
    workspace: &Workspace,
    environment: &Environment,
    file: &Path,
    agreed: Option<&str>,
    recorded: &str,
) -> Result<ProjectRead, EffectError> {
    let read = project_file::read(workspace, file, None).map_err(EffectError::Config)?;
    let repository = Repository::open(&read.repo_root)?;
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

/// Reads the file of a project that is managed already, and tells what it says now. A file that is gone leaves
/// the settings as they were read last, and so does a target branch that is gone.
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
    if let Some((landing, trust)) = carried {
        found = read(agreed(&trust));
        let carried = Carried { before: known.trust.clone(), trust, landing };
        world.report(Input::AgreementCarried { project: slug.clone(), carried });
    }
    if let Ok(read) = &found {
        world.report(Input::TargetKeyRead { project: slug.clone(), key: read.target.clone() });
        // What the repository adds is on that branch: while it is gone, the settings that were read last hold.
        if !known.target.is_empty() && !matches!(observe(&read.repository, &known.target), Ok(Some(_))) {
            return;
        }
    }
    let settings = match found {
        Ok(read) if read.project.needs_agreement() => Err(format!(
            "the repository's own .paddock/project.yaml gives commands that you have not agreed to (of landings only \
             those carry your agreement on whose objective's scope names that file); look at them and say `paddock \
             project trust {slug}`"
        )),
        Ok(read) => match templates::faults(&world.workspace.templates(), &read.project.settings) {
            faults if faults.is_empty() => Ok(Box::new(read.project.settings)),
            faults => Err(EffectError::Config(faults).to_string()),
        },
        Err(error) => Err(error.to_string()),
    };
    world.report(Input::ConfigRead { project: slug.clone(), settings: settings.map_err(Problem::new) });
}
