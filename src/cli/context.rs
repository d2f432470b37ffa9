//! The workspace, environment and project that a command works with.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::exit_codes::Failure;
use super::output;
use paddock_config::{Environment, Workspace};
use paddock_git::is_tracked;
use paddock_ipc::workspace_lock::is_running;
use paddock_model::command::{Answer, Command};
use paddock_model::ids::{ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::state::State;
use paddock_store::Reader;
use paddock_store::codec;

/// Longest wait for a supervisor that puts its deleted database back, or makes its first one.
const PUT_BACK_PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// The workspace, its environment, and the project named on the command line.
#[derive(Debug)]
pub(super) struct Context {
    pub workspace: Workspace,
    pub environment: Environment,
    /// Project from `--project`, else from PADDOCK_PROJECT.
    pub project: Option<ProjectSlug>,
}

impl Context {
    /// Finds the workspace and reads its `.env`. Fails if there is no workspace or `.env` has faults.
    pub(super) fn find(root: Option<&Path>, project: Option<&str>) -> Result<Self, Failure> {
        let process = Environment::from_process();
        let cwd = std::env::current_dir()
            .map_err(|error| Failure::error(format!("the current folder cannot be read: {error}")))?;
        let workspace = Workspace::find(root, &process, &cwd, is_tracked)?;
        Self::in_workspace(workspace, project)
    }

    /// Reads the `.env` of a workspace. Fails if it has faults.
    pub(super) fn in_workspace(workspace: Workspace, project: Option<&str>) -> Result<Self, Failure> {
        let environment = Environment::from_process()
            .with_file_of(workspace.root())
            .map_err(|faults| Failure::faults(&faults, "nothing was done; correct this and try again"))?;
        // `.env` may move the database, so the paths are known only after it was read.
        let workspace = workspace.with_environment(&environment);
        let project = match project {
            Some(slug) => Some(ProjectSlug::new(slug)?),
            None => environment.project()?,
        };
        Ok(Self { workspace, environment, project })
    }

    /// Loads the state from the database. Returns an empty state when there is no database yet.
    pub(super) fn state(&self) -> Result<State, Failure> {
        match self.reader()? {
            Some(reader) => Ok(codec::load_snapshot(&reader)?),
            None => Ok(State::default()),
        }
    }

    /// Opens the database for reading. Returns `None` when there is no database yet.
    ///
    /// Fails if a supervisor works and its database stays missing: an empty answer would be wrong.
    pub(super) fn reader(&self) -> Result<Option<Reader>, Failure> {
        let give_up_at = Instant::now() + PUT_BACK_PATIENCE;
        loop {
            if let Some(reader) = Reader::find(self.workspace.db())? {
                return Ok(Some(reader));
            }
            // A supervisor that just starts has not made it yet; one that works puts it back.
            if is_running(&self.workspace.runtime()).is_none() {
                return Ok(None);
            }
            if Instant::now() >= give_up_at {
                return Err(Failure::error(format!(
                    "{} is missing although a supervisor works with it, which has not put it back yet; see its \
                     newest file in runtime/logs, and try again",
                    self.workspace.db().display()
                )));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Executes a command: in the running supervisor, else in this process.
    pub(super) fn ask(&self, command: Command) -> Result<Answer, Failure> {
        Ok(paddock_supervisor::ask(&self.workspace, &self.environment, command)??)
    }

    /// Executes a command and prints its answer.
    pub(super) fn ask_and_say(&self, command: Command) -> Result<(), Failure> {
        let answer = self.ask(command)?;
        output::line(&answer.text)
    }

    /// Returns the slug of the project in question: `named`, else that of `--project`, else that of the only
    /// project.
    ///
    /// Fails if that project does not exist, or if there are several and none is named.
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
                    "this workspace has several projects; name one with --project SLUG: {}",
                    slugs.join(", ")
                ))),
            },
        }
    }

    /// Finds an objective by `PROJECT/ID`, or by an id that is unique in the project or workspace.
    ///
    /// Fails if no objective matches, or with wrong usage if several do.
    pub(super) fn objective(&self, state: &State, text: &str) -> Result<ObjectiveKey, Failure> {
        let unknown = |place: &str| {
            let advice = "`paddock objective list` shows them";
            Failure::error(format!("there is no objective {text:?}{place}; {advice}"))
        };
        if let Some((project, id)) = text.split_once('/') {
            let key = ObjectiveKey { project: ProjectSlug::new(project)?, id: ObjectiveId::new(id)? };
            // A full name overrides `--project`.
            return state.objective(&key).map(|found| found.key.clone()).ok_or_else(|| unknown(""));
        }
        let id = ObjectiveId::new(text)?;
        // Ids are unique within a project only. Without a project named, an ambiguous id is refused rather
        // than resolved by some order: the order could be about deleting work.
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

    /// Makes a path absolute, from the current folder.
    pub(super) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
        std::path::absolute(path).map_err(|error| Failure::error(format!("{}: {error}", path.display())))
    }
}
