//! The workspace, environment and project that a command works with.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::exit_codes::Failure;
use super::output;
use super::project_files::{self, take_up_written};
use paddock_config::validate::is_sample;
use paddock_config::{Environment, Workspace, index};
use paddock_git::{Repository, is_tracked};
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
    /// Where [`Self::project`] comes from, in words.
    project_from: String,
    /// Whether the faults of project files that are not taken up were said; once per command is enough.
    pub are_faults_said: Cell<bool>,
}

impl Context {
    /// Finds the workspace and reads its `.env`. Fails if there is no workspace or `.env` has faults.
    pub(super) fn find(root: Option<&Path>, project: Option<&str>) -> Result<Self, Failure> {
        let process = Environment::from_process();
        let workspace = match Self::locate(root, &process)? {
            Some(workspace) => workspace,
            None => Workspace::init(&Workspace::own(&process)?, is_tracked)?,
        };
        Self::in_workspace(workspace, project)
    }

    /// Finds the workspace: that of `--root` or PADDOCK_ROOT, the nearest one around the current folder, the
    /// one that has the repository around the current folder as a project, or the user's own. Returns `None`
    /// if that does not exist yet.
    ///
    /// Fails if the named folder is no workspace, or if several workspaces have the repository.
    pub(super) fn locate(root: Option<&Path>, process: &Environment) -> Result<Option<Workspace>, Failure> {
        let cwd = std::env::current_dir()
            .map_err(|error| Failure::error(format!("the current folder cannot be read: {error}")))?;
        if let Some(workspace) = Workspace::find_around(root, process, &cwd, is_tracked)? {
            return Ok(Some(workspace));
        }
        let Some(repository) = around(&cwd) else { return Ok(Workspace::find_own(process, is_tracked)?) };
        let common_dir_of = |root: &Path| Some(Repository::open(root).ok()?.common_dir().to_owned());
        let found = index::find(process, repository.common_dir(), is_tracked, &common_dir_of);
        match &found[..] {
            [] => Ok(Workspace::find_own(process, is_tracked)?),
            [only] => Ok(Some(only.workspace.clone())),
            several => {
                let named = several.iter().map(|one| {
                    format!("  --root '{}'   (project {})", one.workspace.root().display(), one.project)
                });
                Err(Failure::usage(format!(
                    "several workspaces have the repository {}; name one:\n{}",
                    repository.repo_root().display(),
                    named.collect::<Vec<_>>().join("\n")
                )))
            }
        }
    }

    /// Reads the `.env` of a workspace. Fails if it has faults.
    pub(super) fn in_workspace(workspace: Workspace, project: Option<&str>) -> Result<Self, Failure> {
        let environment = Environment::from_process()
            .with_file_of(workspace.root())
            .map_err(|faults| Failure::faults(&faults, "nothing was done; correct this and try again"))?;
        // `.env` may move the database, so the paths are known only after it was read.
        let workspace = workspace.with_environment(&environment);
        let (project, project_from) = match project {
            Some(slug) => (Some(ProjectSlug::new(slug)?), "from --project".to_owned()),
            None => (environment.project()?, format!("from {}", environment.source_of("PADDOCK_PROJECT"))),
        };
        Ok(Self { workspace, environment, project, project_from, are_faults_said: Cell::new(false) })
    }

    /// Takes up project files that are not known yet, and loads the state from the database.
    pub(super) fn state(&self) -> Result<State, Failure> {
        let state = self.load()?;
        match take_up_written(self, &state)? {
            true => self.load(),
            false => Ok(state),
        }
    }

    /// Loads the state from the database as it is. Returns an empty state when there is no database yet.
    pub(super) fn load(&self) -> Result<State, Failure> {
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
        if let Some(slug) = named.map(ProjectSlug::new).transpose()? {
            return self.existing(state, slug, "");
        }
        if let Some(slug) = self.named_project(state)? {
            return Ok(slug);
        }
        let slugs: Vec<&str> = state.projects().map(|project| project.slug.as_str()).collect();
        match slugs[..] {
            [] => Err(Failure::error(
                "there is no project in this workspace yet; `paddock project add PATH` registers one",
            )),
            [only] => Ok(ProjectSlug::new(only)?),
            _ => Err(Failure::usage(format!(
                "this workspace has several projects; name one with --project SLUG: {}",
                slugs.join(", ")
            ))),
        }
    }

    /// Returns the project of `--project` or PADDOCK_PROJECT, if one is named there. Fails if that does not
    /// exist.
    pub(super) fn named_project(&self, state: &State) -> Result<Option<ProjectSlug>, Failure> {
        let Some(slug) = self.project.clone() else { return Ok(None) };
        self.existing(state, slug, &format!(" ({})", self.project_from)).map(Some)
    }

    fn existing(&self, state: &State, slug: ProjectSlug, from: &str) -> Result<ProjectSlug, Failure> {
        if state.project(&slug).is_some() {
            return Ok(slug);
        }
        let file = self.workspace.project_file(&slug);
        // A file of that name is no project while it has faults, or while its repository cannot be used.
        if file.exists()
            && !is_sample(&file)
            && let Err(why) = project_files::check(self, state, &file)
        {
            let file = file.strip_prefix(self.workspace.root()).unwrap_or(&file).display().to_string();
            return Err(Failure::error(format!(
                "project {slug}{from} cannot be used, because of {file}: {why}"
            )));
        }
        let slugs: Vec<&str> = state.projects().map(|project| project.slug.as_str()).collect();
        let there = match slugs.is_empty() {
            true => "`paddock project add PATH` registers one".to_owned(),
            false => format!("there is: {}", slugs.join(", ")),
        };
        Err(Failure::error(format!("there is no project {slug}{from}; {there}")))
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

/// Returns the repository around a folder, if there is one that Paddock can work on.
pub(super) fn around(folder: &Path) -> Option<Repository> {
    folder.ancestors().find_map(|folder| Repository::open(folder).ok())
}
