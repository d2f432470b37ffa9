//! Gate runs: the `verify` commands in a worktree kept for it, under a keeper.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::super::world::{Site, World};
use crate::domain::gate::{CommandResult, GateRun, slot_folder};
use crate::domain::ids::{GateId, ObjectId};
use crate::domain::input::Input;
use crate::domain::session::Exit;
use crate::domain::settings::{GateCommand, ProjectSettings};
use crate::domain::state::State;
use crate::git::prepare_gate;
use crate::runner::{Adoption, ExitRecord, JobKey, JobKind, JobSpec, JobState, Limits, Resources, Runner};
use crate::runner::{SecretValues, Stage, StageOutcome, StopReason, StopSignal};

/// Between the gentle signal and the kill of an outdated gate run, in milliseconds. Nobody waits for what it
/// would say.
const GRACE_MS: u64 = 2_000;

pub(in super::super) struct Order {
    pub(in super::super) site: Site,
    gate: GateId,
    commit: ObjectId,
    commands: Vec<GateCommand>,
    worktree: PathBuf,
    is_cancelled: bool,
}

impl Order {
    pub(in super::super) fn of(state: &State, gate: GateId) -> Option<Self> {
        let gate = state.gate(gate)?;
        let settings = &state.project(&gate.project)?.settings;
        let worktree = worktree_of(settings, gate);
        let commands = if gate.commands.is_empty() { &settings.verify } else { &gate.commands };
        Some(Self {
            site: Site::find(state, &gate.project)?,
            gate: gate.id,
            commit: gate.commit.clone(),
            commands: commands.clone(),
            worktree,
            is_cancelled: gate.cancelled,
        })
    }
}

fn gate_key(gate: GateId) -> JobKey {
    JobKey { kind: JobKind::Gate, id: gate.0, attempt: 1 }
}

/// Reconciled by the run's folder: what is in it was started, and is found again.
pub(in super::super) fn start(world: &World, order: &Order) {
    let (key, dir) = (gate_key(order.gate), world.workspace.gate_dir(order.gate));
    let known = !matches!(world.runner.poll(&key, &dir), Ok(JobState::Unknown));
    let begun = match known {
        true => adopt(world, order),
        false if order.is_cancelled => Err("it was cancelled before it started".to_owned()),
        false => submit(world, order),
    };
    if let Err(problem) = begun {
        tracing::warn!(gate = %order.gate, problem, "a gate run did not start");
        world.tell(Input::GateExited { gate: order.gate, results: None });
    }
}

fn adopt(world: &World, order: &Order) -> Result<(), String> {
    let dir = world.workspace.gate_dir(order.gate);
    match world.runner.adopt(&gate_key(order.gate), &dir).map_err(|error| error.to_string())? {
        Adoption::Running { .. } => {}
        Adoption::Ended(record) => {
            let results = Some(command_results(&record, &order.worktree));
            world.tell(Input::GateExited { gate: order.gate, results });
        }
        Adoption::Lost(_) => world.tell(Input::GateExited { gate: order.gate, results: None }),
    }
    Ok(())
}

fn submit(world: &World, order: &Order) -> Result<(), String> {
    let repository = world.trusted(&order.site)?;
    if let Some(parent) = order.worktree.parent() {
        std::fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
    }
    let worktree =
        prepare_gate(&repository, &order.worktree, &order.commit).map_err(|error| error.to_string())?;
    let stages = order.commands.iter().map(|command| Stage {
        name: command.name.clone(),
        argv: vec![OsString::from(&command.run)],
        shell: true,
        timeout_ms: Some(u64::from(command.timeout_minutes) * 60_000),
        counted: true,
        prompted: false,
    });
    let spec = JobSpec {
        key: gate_key(order.gate),
        dir: world.workspace.gate_dir(order.gate),
        worktree: worktree.path,
        stages: stages.collect(),
        stdin: None,
        env_set: BTreeMap::from([("PADDOCK_GATE".to_owned(), order.gate.to_string())]),
        env_names: Vec::new(),
        env_values: SecretValues::default(),
        env_unset: super::sessions::git_variables(),
        limits: Limits { grace_ms: GRACE_MS, ..Limits::default() },
        stop_signal: StopSignal::Term,
        resources: Resources { oom_score_adj: Some(500), ..Resources::default() },
    };
    world.runner.submit(&spec).map_err(|error| error.to_string())
}

/// Stopping what has ended already does nothing.
pub(in super::super) fn stop(world: &World, gate: GateId) {
    if let Err(error) = world.runner.cancel(&gate_key(gate), StopReason::Superseded, false) {
        tracing::debug!(%gate, %error, "a gate run that is to be stopped is not running");
    }
}

/// The gate worktree of the run's slot.
fn worktree_of(settings: &ProjectSettings, gate: &GateRun) -> PathBuf {
    PathBuf::from(&settings.worktrees_root).join(gate.project.as_str()).join(slot_folder(gate.slot))
}

/// How each command of a run ended, in the domain's words.
pub(in super::super) fn gate_results(state: &State, gate: GateId, record: &ExitRecord) -> Vec<CommandResult> {
    let worktree =
        state.gate(gate).and_then(|gate| Some(worktree_of(&state.project(&gate.project)?.settings, gate)));
    command_results(record, &worktree.unwrap_or_default())
}

/// Below this, in bytes, what fails fails for want of space.
const FULL_BYTES: u64 = 1 << 20;

fn is_disk_full(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|stat| stat.f_bavail.saturating_mul(stat.f_frsize) < FULL_BYTES)
}

fn command_results(record: &ExitRecord, worktree: &Path) -> Vec<CommandResult> {
    let is_full = is_disk_full(worktree) || is_disk_full(&std::env::temp_dir());
    let results = record.stages.iter().map(|stage| CommandResult {
        name: stage.name.clone(),
        exit: match &stage.outcome {
            StageOutcome::Exited { code } if *code != 0 && is_full => Exit::DiskFull(*code),
            StageOutcome::Exited { code } => Exit::Code(*code),
            StageOutcome::Signaled { signal } => Exit::Signal(*signal),
            StageOutcome::NotStarted { text, .. } => Exit::NotStarted(text.clone()),
            StageOutcome::TimedOut | StageOutcome::Stopped => Exit::Signal(15),
        },
        timed_out: stage.outcome == StageOutcome::TimedOut,
        took_ms: stage.awake_ms,
    });
    results.collect()
}
