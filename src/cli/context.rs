//! What every command works with: the workspace, the environment, and which project is meant.

use std::path::{Path, PathBuf};

use super::exit::Failure;
use super::output;
use paddock_config::{Environment, Workspace};
use paddock_git::is_tracked;
use paddock_model::command::{Answer, Command};
use paddock_model::ids::{ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::state::State;
use paddock_store::Reader;
use paddock_store::codec;

/// The workspace that is meant, and what was named on the command line.
#[derive(Debug)]
pub(super) struct Context {
    pub workspace: Workspace,
    pub environment: Environment,
    /// `--project`, else PADDOCK_PROJECT.
    pub project: Option<ProjectSlug>,
}

impl Context {
    /// Finds the workspace and reads its `.env`.
    pub(super) fn find(root: Option<&Path>, project: Option<&str>) -> Result<Self, Failure> {
        let process = Environment::of_process();
        let cwd = std::env::current_dir()
            .map_err(|error| Failure::error(format!("the current folder cannot be read: {error}")))?;
        let workspace = Workspace::find(root, &process, &cwd, is_tracked)?;
        Self::in_workspace(workspace, project)
    }

    /// The same in a workspace that is known.
    pub(super) fn in_workspace(workspace: Workspace, project: Option<&str>) -> Result<Self, Failure> {
        let environment = Environment::of_process()
            .with_file_of(workspace.root())
            .map_err(|faults| Failure::faults(&faults, "nothing was done; correct this and try again"))?;
        let workspace = workspace.with_environment(&environment);
        let project = match project {
            Some(slug) => Some(ProjectSlug::new(slug)?),
            None => environment.project()?,
        };
        Ok(Self { workspace, environment, project })
    }

    /// The state as it stands on disk; empty when nothing was ever recorded.
    pub(super) fn state(&self) -> Result<State, Failure> {
        match self.reader()? {
            Some(reader) => Ok(codec::load_snapshot(&reader)?),
            None => Ok(State::default()),
        }
    }

    /// The database; none when there is none yet.
    pub(super) fn reader(&self) -> Result<Option<Reader>, Failure> {
        Ok(Reader::find(self.workspace.db())?)
    }

    /// Has a command carried out, by the running supervisor or here.
    pub(super) fn ask(&self, command: Command) -> Result<Answer, Failure> {
        Ok(paddock_supervisor::ask(&self.workspace, &self.environment, command)??)
    }

    /// Has a command carried out and says what was done.
    pub(super) fn ask_and_say(&self, command: Command) -> Result<(), Failure> {
        let answer = self.ask(command)?;
        output::line(&answer.text)
    }

    /// The project that is meant: the one named here, else with `--project`, else the only one.
    pub(super) fn project(&self, state: &State, named: Option<&str>) -> Result<ProjectSlug, Failure> {
        let slugs: Vec<&str> = state.projects().map(|project| project.slug.as_str()).collect();
        let named = named.map(ProjectSlug::new).transpose()?;
        match named.or_else(|| self.project.clone()) {
            Some(slug) if state.project(&slug).is_some() => Ok(slug),
            Some(slug) if slugs.is_empty() => Err(Failure::error(format!(
                "there is no project {slug}; `paddock project add PATH` registers one"
            ))),
            Some(slug) => {
                Err(Failure::error(format!("there is no project {slug}; there is: {}", slugs.join(", "))))
            }
            None => match slugs[..] {
                [] => Err(Failure::error(
                    "there is no project in this workspace yet; `paddock project add PATH` registers one",
                )),
                [only] => Ok(ProjectSlug::new(only)?),
                _ => Err(Failure::usage(format!(
                    "which project is meant? say --project SLUG with one of: {}",
                    slugs.join(", ")
                ))),
            },
        }
    }

    /// The objective that is meant: `project/objective`, or an id that is unique where it is looked for.
    pub(super) fn objective(&self, state: &State, text: &str) -> Result<ObjectiveKey, Failure> {
        let unknown = |place: &str| {
            let advice = "`paddock objective list` shows them";
            Failure::error(format!("there is no objective {text:?}{place}; {advice}"))
        };
        if let Some((project, id)) = text.split_once('/') {
            let key = ObjectiveKey { project: ProjectSlug::new(project)?, id: ObjectiveId::new(id)? };
            return state.objective(&key).map(|found| found.key.clone()).ok_or_else(|| unknown(""));
        }
        let id = ObjectiveId::new(text)?;
        let mut found: Vec<&ObjectiveKey> =
            state.objectives().filter(|objective| objective.key.id == id).map(|found| &found.key).collect();
        if let Some(project) = &self.project {
            found.retain(|key| key.project == *project);
        }
        match found[..] {
            [] => Err(unknown(&self.project.iter().map(|slug| format!(" in {slug}")).collect::<String>())),
            [only] => Ok(only.clone()),
            _ => {
                let names: Vec<String> = found.iter().map(ToString::to_string).collect();
                Err(Failure::usage(format!("{text:?} names several objectives: {}", names.join(", "))))
            }
        }
    }

    /// A path as it is meant from the current folder, absolute.
    pub(super) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
        std::path::absolute(path).map_err(|error| Failure::error(format!("{}: {error}", path.display())))
    }
}
