//! `verify --rerun`: runs the gate again on trees that have landed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};

use super::check::{Kind, Row};
use crate::cli::context::Context;
use crate::cli::exit_codes::Failure;
use crate::cli::output;
use paddock_git::{GatePlace, HoldOrder, LookOrder, Repository, StatTrust, Worktree};
use paddock_git::{gate_paths, hold, remove_gate};
use paddock_ipc::workspace_lock::WorkspaceLock;
use paddock_model::evidence::{Source, Tests};
use paddock_model::gate::{CommandResult, Verdict, verdict_of};
use paddock_model::ids::{GateId, ObjectId, ProjectSlug};
use paddock_model::project::Project;
use paddock_model::proof::ProvenCommand;
use paddock_model::session::Exit;
use paddock_model::state::State;
use paddock_model::tamper::patterns;
use paddock_os::files::make_private_dir;
use paddock_runner::{
    ExitRecord, JobKey, JobKind, JobReport, JobSpec, Limits, LocalRunner, Resources, Runner, SET_UP_STAGE,
    SecretValues, SlotOrder, Stage, StopSignal,
};
use paddock_supervisor::gate_job::GateJob;
use paddock_supervisor::test_reports::{TestOrder, clear};
use paddock_supervisor::{command_results, slot_places};

/// Number of the first rerun. Job keys must be unique, and recorded gate runs never reach this number.
const FIRST_NUMBER: u64 = 1 << 48;

/// Prefix of the names of folders in which gates run again; a process id and a number follow.
pub(in crate::cli) const FOLDER: &str = "_verify-";

/// A landed commit that passed the gate of today and is not green from nothing. A landing under another gate
/// says nothing about the caches: today's commands may ask for more.
pub(super) struct Differing {
    pub(super) project: ProjectSlug,
    pub(super) commit: ObjectId,
    pub(super) fault: String,
}

/// Runs gates again, each in a new folder without caches, while no supervisor runs.
pub(super) struct Rerun<'c> {
    context: &'c Context,
    runner: LocalRunner,
    reports: Receiver<JobReport>,
    next: u64,
    differing: Vec<Differing>,
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
            .map_err(|error| Failure::error(error.to_string()))?
            .with_slots(slot_places(&context.environment));
        Ok(Self { context, runner, reports, next: FIRST_NUMBER, differing: Vec::new(), _lock: lock })
    }

    /// Runs the gate on the commit of every verified row. Adds a fault to the row if the gate is not green, and
    /// remembers the commit for [`Self::end`].
    ///
    /// Fails if the gate could not be run at all.
    pub(super) fn run(
        &mut self,
        state: &State,
        project: &Project,
        repository: &Repository,
        rows: &mut [Row],
    ) -> Result<(), Failure> {
        // Interrupted reruns left folders behind, which only a rerun removes.
        remove_leftovers(project, repository);
        for row in rows.iter_mut().filter(|row| row.kind == Kind::Verified) {
            let name = row.objective.clone().unwrap_or_else(|| row.summary.clone());
            output::note(&format!("running the gate on {} ({name})", row.commit.short()));
            // Another gate may ask for other tests.
            let is_same = is_same_gate(state, project, row.gate);
            let proven = row.proof.as_ref().filter(|_| is_same).map(|proof| proof.commands.as_slice());
            let wanted = (&row.commit, proven.unwrap_or_default());
            if let Some(fault) = self.run_repeatedly(project, repository, wanted)? {
                if is_same {
                    let (project, commit) = (project.slug.clone(), row.commit.clone());
                    self.differing.push(Differing { project, commit, fault: fault.clone() });
                }
                row.faults.push(fault);
            }
        }
        Ok(())
    }

    /// Gives the workspace's lock back. Returns the commits that differ.
    pub(super) fn end(self) -> Vec<Differing> {
        self.differing
    }

    /// Runs the gate on a commit until it is green once, at most as often as the queue would. Returns the
    /// last fault.
    fn run_repeatedly(
        &mut self,
        project: &Project,
        repository: &Repository,
        wanted: (&ObjectId, &[ProvenCommand]),
    ) -> Result<Option<String>, Failure> {
        let mut fault = self.run_one(project, repository, wanted)?;
        for _ in 0..project.settings.queue.flaky_retries.max(1) {
            if fault.is_none() {
                break;
            }
            fault = self.run_one(project, repository, wanted)?;
        }
        Ok(fault)
    }

    fn run_one(
        &mut self,
        project: &Project,
        repository: &Repository,
        (commit, proven): (&ObjectId, &[ProvenCommand]),
    ) -> Result<Option<String>, Failure> {
        let folder = folder_of(project);
        std::fs::create_dir_all(&folder)?;
        self.next += 1;
        let number = format!("{}-{}", std::process::id(), self.next - FIRST_NUMBER);
        let made = folder.join(format!("{FOLDER}{number}"));
        let dir = self.context.workspace.trash_dir().join(format!("verify-{number}"));
        let place = GatePlace { folder: made.clone(), private: dir.join("folder") };
        let order =
            HoldOrder { commit, kept: &[], start_from_nothing: true, trust: StatTrust::of_this_process() };
        let result = make_private_dir(&place.private)
            .map_err(error)
            .and_then(|()| hold(repository, &place, &order).map_err(error))
            .and_then(|held| self.run_in(project, (commit, proven), (held.worktree, place), dir));
        if let Err(problem) = remove_gate(repository, &made) {
            output::note(&format!("cannot remove {}: {problem}", made.display()));
        }
        // Fails if worktrees of sessions are in the folder, which stay.
        drop(std::fs::remove_dir(&folder));
        result
    }

    fn run_in(
        &self,
        project: &Project,
        (commit, proven): (&ObjectId, &[ProvenCommand]),
        (worktree, place): (Worktree, GatePlace),
        dir: PathBuf,
    ) -> Result<Option<String>, Failure> {
        let settings = &project.settings;
        let runs: Vec<String> = settings.verify.iter().map(|command| command.run.clone()).collect();
        let minutes = u64::from(settings.worktree.setup_timeout_minutes);
        let mut tests = TestOrder::from_commands(&settings.verify);
        clear(&mut tests, &worktree.path, &[]).map_err(error)?;
        let job = GateJob {
            tests,
            commands: &settings.verify,
            setup: settings.worktree.setup.as_deref().map(|command| (command, minutes * 60_000)),
            look: LookOrder {
                place,
                repo_root: PathBuf::from(&settings.repo_root),
                git_dir: worktree.git_dir.clone(),
                commit: commit.clone(),
                kept: Vec::new(),
                gate_patterns: patterns(settings.test_patterns.as_ref()),
                gate_paths: gate_paths(&runs),
                is_set_up: false,
                must_mend: false,
                agreed: project.trust.entries.iter().cloned().collect(),
            },
        };
        let stages = job.stages(&dir).map_err(error)?;
        let key = JobKey { kind: JobKind::Gate, id: self.next, attempt: 1 };
        let slot = SlotOrder::new(&project.slug, &settings.ports);
        let spec = JobSpec { slot: Some(slot), ..job_of(key, dir, worktree.path, stages) };
        self.runner.submit(&spec).map_err(error)?;
        let record = self.wait(&spec.key).ok_or_else(|| error("the gate's keeper vanished"))?;
        let results = command_results(&record, &spec.dir, &spec.worktree);
        let fault = fault_of(&results, settings.verify.len(), proven);
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

/// Returns whether a landing passed the gate of today.
fn is_same_gate(state: &State, project: &Project, gate: Option<u64>) -> bool {
    let run = gate.and_then(|gate| state.gate(GateId(gate)));
    run.is_some_and(|run| run.terms == project.settings.gate_terms())
}

/// Returns why a run is not green, or which command reports fewer tests than the proof has; `None` if all is as
/// it was.
fn fault_of(results: &[CommandResult], expected: usize, proven: &[ProvenCommand]) -> Option<String> {
    if let Some(result) = results.iter().find(|result| result.verdict() != Verdict::Green) {
        let outcome = result.outcome();
        return Some(match result.exit {
            Exit::SetupFailed(_) => format!("`{SET_UP_STAGE}` failed in the rerun: {outcome}"),
            _ => format!("the gate command {} is not green in the rerun: {outcome}", result.name),
        });
    }
    if verdict_of(results, expected) != Verdict::Green {
        return Some("not every command of the gate ran in the rerun".to_owned());
    }
    let mut pairs = results.iter().zip(proven).filter(|(result, proven)| result.name == proven.name);
    pairs.find_map(|(result, proven)| {
        let (now, then) = (result.tests.as_ref(), proven.tests.as_ref()?);
        has_fewer(now, then).then(|| {
            let now = now.map_or_else(|| Tests::untold().to_string(), ToString::to_string);
            format!(
                "the gate command {} ended with 0 in the rerun, but its tests are others: {now}; in the proof: {then}",
                result.name
            )
        })
    })
}

/// Returns whether tests that passed at the landing are missing or fail now.
fn has_fewer(now: Option<&Tests>, then: &Tests) -> bool {
    let is_known = then.source != Source::Exit;
    is_known && now.is_none_or(|now| now.passed < then.passed || now.failed > then.failed)
}

fn error(text: impl std::fmt::Display) -> Failure {
    Failure::error(format!("the gate could not be run again: {text}"))
}

fn job_of(key: JobKey, dir: PathBuf, worktree: PathBuf, stages: Vec<Stage>) -> JobSpec {
    JobSpec {
        key,
        dir,
        worktree,
        stages,
        stdin: None,
        env_set: BTreeMap::new(),
        env_names: Vec::new(),
        env_values: SecretValues::default(),
        // Git sets these for hooks; the gate must work on its own folder even if Paddock was started by one.
        env_unset: ["DIR", "WORK_TREE", "INDEX_FILE"].map(|name| format!("GIT_{name}")).to_vec(),
        limits: Limits::default(),
        stop_signal: StopSignal::Term,
        resources: Resources::default(),
        slot: None,
    }
}
