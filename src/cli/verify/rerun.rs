//! Running the gate again on trees that have landed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};

use super::check::{Kind, Row};
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output;
use crate::config::lock::WorkspaceLock;
use crate::domain::project::Project;
use crate::git::{Repository, prepare_gate};
use crate::runner::{
    ExitRecord, JobKey, JobKind, JobReport, JobSpec, Limits, LocalRunner, Resources, Runner, SecretValues,
    Stage, StopSignal,
};

/// Numbers of reruns: beyond what gate runs are ever numbered.
const FIRST_NUMBER: u64 = 1 << 48;

/// The gate's worktree of a project, for as long as no supervisor works.
pub(super) struct Rerun<'c> {
    context: &'c Context,
    runner: LocalRunner,
    reports: Receiver<JobReport>,
    next: u64,
    _lock: WorkspaceLock,
}

impl<'c> Rerun<'c> {
    /// Takes the workspace's lock: the gate's worktree is one.
    pub(super) fn new(context: &'c Context) -> Result<Self, Failure> {
        let lock = WorkspaceLock::try_take_for_command(&context.workspace)
            .map_err(|error| Failure::error(error.to_string()))?;
        let (sender, reports) = channel();
        let runner = LocalRunner::new(&context.workspace.runtime(), sender)
            .map_err(|error| Failure::error(error.to_string()))?;
        Ok(Self { context, runner, reports, next: FIRST_NUMBER, _lock: lock })
    }

    /// Runs the gate on every verified row; what is not green is a fault of the row.
    pub(super) fn run(
        &mut self,
        project: &Project,
        repository: &Repository,
        rows: &mut [Row],
    ) -> Result<(), Failure> {
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
        let place = PathBuf::from(&project.settings.worktrees_root).join(project.slug.as_str());
        std::fs::create_dir_all(&place)?;
        let worktree = prepare_gate(repository, &place.join("_gate-1"), &row.commit)
            .map_err(|problem| error(problem.to_string()))?;
        self.next += 1;
        let folder = format!("verify-{}-{}", std::process::id(), self.next);
        let dir = self.context.workspace.trash_dir().join(folder);
        let spec =
            job(project, JobKey { kind: JobKind::Gate, id: self.next, attempt: 1 }, dir, worktree.path);
        self.runner.submit(&spec).map_err(|problem| error(problem.to_string()))?;
        let record = self.wait(&spec.key).ok_or_else(|| error("its keeper vanished".to_owned()))?;
        let failed = record.stages.iter().find(|stage| !stage.succeeded());
        let fault = failed.map(|stage| {
            format!("run again, its gate command {} is not green: {:?}", stage.name, stage.outcome)
        });
        if fault.is_none() {
            // Output of a run that repeats what the proof says is of no use to anybody.
            drop(std::fs::remove_dir_all(&spec.dir));
        }
        Ok(fault.map(|text| format!("{text}; its output is in {}", spec.dir.display())))
    }

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

fn job(project: &Project, key: JobKey, dir: PathBuf, worktree: PathBuf) -> JobSpec {
    let stages = project.settings.verify.iter().map(|command| Stage {
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
        stages: stages.collect(),
        stdin: None,
        env_set: BTreeMap::new(),
        env_names: Vec::new(),
        env_values: SecretValues::default(),
        env_unset: ["DIR", "WORK_TREE", "INDEX_FILE"].map(|name| format!("GIT_{name}")).to_vec(),
        limits: Limits::default(),
        stop_signal: StopSignal::Term,
        resources: Resources::default(),
    }
}
