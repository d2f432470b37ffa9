//! `verify --rerun`: runs the gate again on trees that have landed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};

use super::check::{Kind, Row};
use crate::cli::context::Context;
use crate::cli::exit_codes::Failure;
use crate::cli::output;
use paddock_git::{Repository, prepare_gate, remove_gate};
use paddock_ipc::workspace_lock::WorkspaceLock;
use paddock_model::project::Project;
use paddock_runner::{
    ExitRecord, JobKey, JobKind, JobReport, JobSpec, Limits, LocalRunner, Resources, Runner, SecretValues,
    Stage, StopSignal,
};

/// Number of the first rerun. Job keys must be unique, and recorded gate runs never reach this number.
const FIRST_NUMBER: u64 = 1 << 48;

/// Name of the stage that prepares the folder.
const SETUP: &str = "worktree.setup";
/// Prefix of the names of folders in which gates run again; a process id and a number follow.
pub(in crate::cli) const FOLDER: &str = "_verify-";

/// Runs gates again, each in a new folder without caches, while no supervisor runs.
pub(super) struct Rerun<'c> {
    context: &'c Context,
    runner: LocalRunner,
    reports: Receiver<JobReport>,
    next: u64,
    _lock: WorkspaceLock,
}

impl<'c> Rerun<'c> {
    /// Takes the workspace's lock, so that a supervisor's gates and these do not slow each other down. Fails
    /// if it is taken.
    pub(super) fn new(context: &'c Context) -> Result<Self, Failure> {
        let lock = WorkspaceLock::try_take_for_command(&context.workspace.runtime())
            .map_err(|error| Failure::error(error.to_string()))?;
        let (sender, reports) = channel();
        let runner = LocalRunner::new(&context.workspace.runtime(), sender)
            .map_err(|error| Failure::error(error.to_string()))?;
        Ok(Self { context, runner, reports, next: FIRST_NUMBER, _lock: lock })
    }

    /// Runs the gate on the commit of every verified row. Adds a fault to the row if the gate is not green.
    ///
    /// Fails if the gate could not be run at all.
    pub(super) fn run(
        &mut self,
        project: &Project,
        repository: &Repository,
        rows: &mut [Row],
    ) -> Result<(), Failure> {
        // Interrupted reruns left folders behind, which only a rerun removes.
        remove_leftovers(project, repository);
        for row in rows.iter_mut().filter(|row| row.kind == Kind::Verified) {
            let name = row.objective.clone().unwrap_or_else(|| row.summary.clone());
            output::note(&format!("running the gate on {} ({name})", row.commit.short()));
            if let Some(fault) = self.run_one(project, repository, row)? {
                row.faults.push(fault);
            }
        }
        Ok(())
    }

    fn run_one(
        &mut self,
        project: &Project,
        repository: &Repository,
        row: &Row,
    ) -> Result<Option<String>, Failure> {
        let error = |text: String| Failure::error(format!("the gate could not be run again: {text}"));
        let place = folder_of(project);
        std::fs::create_dir_all(&place)?;
        self.next += 1;
        let number = format!("{}-{}", std::process::id(), self.next - FIRST_NUMBER);
        let made = place.join(format!("{FOLDER}{number}"));
        let result = prepare_gate(repository, &made, &row.commit)
            .map_err(|problem| error(problem.to_string()))
            .and_then(|worktree| self.run_in(project, worktree.path, &number));
        if let Err(problem) = remove_gate(repository, &made) {
            output::note(&format!("cannot remove {}: {problem}", made.display()));
        }
        // Fails if worktrees of sessions are in the folder, which stay.
        drop(std::fs::remove_dir(&place));
        result
    }

    fn run_in(&self, project: &Project, worktree: PathBuf, number: &str) -> Result<Option<String>, Failure> {
        let error = |text: String| Failure::error(format!("the gate could not be run again: {text}"));
        let dir = self.context.workspace.trash_dir().join(format!("verify-{number}"));
        let spec = job(project, JobKey { kind: JobKind::Gate, id: self.next, attempt: 1 }, dir, worktree);
        self.runner.submit(&spec).map_err(|problem| error(problem.to_string()))?;
        let record = self.wait(&spec.key).ok_or_else(|| error("the gate's keeper vanished".to_owned()))?;
        let failed = record.stages.iter().find(|stage| !stage.succeeded());
        let fault = failed.map(|stage| match stage.name.as_str() {
            SETUP => format!("`{SETUP}` failed in the rerun: {:?}", stage.outcome),
            name => format!("the gate command {name} is not green in the rerun: {:?}", stage.outcome),
        });
        if fault.is_none() {
            // The output of a green run proves nothing beyond the proof that is there already.
            drop(std::fs::remove_dir_all(&spec.dir));
        }
        Ok(fault.map(|text| format!("{text}; the output is in {}", spec.dir.display())))
    }

    /// Waits until the job has ended. Returns `None` if its keeper vanished without a record.
    fn wait(&self, wanted: &JobKey) -> Option<ExitRecord> {
        loop {
            match self.reports.recv().ok()? {
                JobReport::Ended { key, record } if key == *wanted => return Some(*record),
                JobReport::Lost { key, .. } if key == *wanted => return None,
                _ => {}
            }
        }
    }
}

fn folder_of(project: &Project) -> PathBuf {
    PathBuf::from(&project.settings.worktrees_root).join(project.slug.as_str())
}

/// Removes the folders of interrupted reruns. The workspace's lock is held, so that no other rerun works in
/// them.
fn remove_leftovers(project: &Project, repository: &Repository) {
    let entries = std::fs::read_dir(folder_of(project)).into_iter().flatten().flatten();
    let is_left = |name: &OsString| name.as_encoded_bytes().starts_with(FOLDER.as_bytes());
    for folder in entries.filter(|entry| is_left(&entry.file_name())).map(|entry| entry.path()) {
        if let Err(problem) = remove_gate(repository, &folder) {
            output::note(&format!("cannot remove {}: {problem}", folder.display()));
        }
    }
}

/// Makes the job: the set-up, then the gate's commands, as in a new gate folder of the queue.
fn job(project: &Project, key: JobKey, dir: PathBuf, worktree: PathBuf) -> JobSpec {
    let settings = &project.settings;
    let setup = settings.worktree.setup.iter().map(|command| Stage {
        name: SETUP.to_owned(),
        argv: vec![OsString::from(command)],
        shell: true,
        timeout_ms: Some(u64::from(settings.worktree.setup_timeout_minutes) * 60_000),
        counted: false,
        prompted: false,
    });
    let stages = settings.verify.iter().map(|command| Stage {
        name: command.name.clone(),
        argv: vec![OsString::from(&command.run)],
        shell: true,
        timeout_ms: Some(command.timeout_ms()),
        counted: true,
        prompted: false,
    });
    JobSpec {
        key,
        dir,
        worktree,
        stages: setup.chain(stages).collect(),
        stdin: None,
        env_set: BTreeMap::new(),
        env_names: Vec::new(),
        env_values: SecretValues::default(),
        // Git sets these for hooks; the gate must work on its own folder even if Paddock was started by one.
        env_unset: ["DIR", "WORK_TREE", "INDEX_FILE"].map(|name| format!("GIT_{name}")).to_vec(),
        limits: Limits::default(),
        stop_signal: StopSignal::Term,
        resources: Resources::default(),
    }
}
