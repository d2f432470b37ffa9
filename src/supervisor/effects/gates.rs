//! Gate runs: the `verify` commands in a worktree kept for it, under a keeper.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::super::lanes::Lane;
use super::super::world::{Site, World};
use super::gate_output::command_results;
use super::patiently;
use crate::domain::gate::{GateRun, slot_folder};
use crate::domain::ids::{GateId, ObjectId};
use crate::domain::input::Input;
use crate::domain::settings::{GateCommand, ProjectSettings};
use crate::domain::state::State;
use crate::git::prepare_gate;
use crate::runner::{Adoption, ExitRecord, JobKey, JobKind, JobSpec, JobState, Limits, Resources, Runner};
use crate::runner::{SecretValues, Stage, StopReason, StopSignal};

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
        false => patiently(|| submit(world, order)),
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
            let results = Some(command_results(&record, &dir, &order.worktree));
            world.tell(Input::GateExited { gate: order.gate, results });
        }
        Adoption::Lost(_) => world.tell(Input::GateExited { gate: order.gate, results: None }),
    }
    Ok(())
}

fn submit(world: &World, order: &Order) -> Result<(), String> {
    fail_point!("gate.before");
    let repository = world.trusted(&order.site)?;
    if let Some(parent) = order.worktree.parent() {
        std::fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
    }
    let worktree =
        prepare_gate(&repository, &order.worktree, &order.commit).map_err(|error| error.to_string())?;
    fail_point!("gate.prepared");
    let stages = order.commands.iter().map(|command| Stage {
        name: command.name.clone(),
        argv: vec![OsString::from(&command.run)],
        shell: true,
        timeout_ms: Some(command.timeout_ms()),
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
    world.runner.submit(&spec).map_err(|error| error.to_string())?;
    fail_point!("gate.after");
    Ok(())
}

/// Stopping what has ended already does nothing.
pub(in super::super) fn stop(world: &World, gate: GateId) {
    if let Err(error) = world.runner.cancel(&gate_key(gate), StopReason::Superseded, false) {
        tracing::debug!(%gate, %error, "a gate run that is to be stopped is not running");
    }
}

/// What is done in the gate worktree of the run's slot is done one after the other.
pub(in super::super) fn lane_of(gate: &GateRun) -> Lane {
    Lane::GateWorktree(gate.project.clone(), gate.slot)
}

/// The gate worktree of the run's slot.
fn worktree_of(settings: &ProjectSettings, gate: &GateRun) -> PathBuf {
    PathBuf::from(&settings.worktrees_root).join(gate.project.as_str()).join(slot_folder(gate.slot))
}

/// A run that is over, as its keeper reported it.
pub(in super::super) struct Ended {
    gate: GateId,
    worktree: PathBuf,
    record: Box<ExitRecord>,
}

impl Ended {
    pub(in super::super) fn of(state: &State, gate: GateId, record: Box<ExitRecord>) -> Option<(Lane, Self)> {
        let run = state.gate(gate)?;
        let worktree = worktree_of(&state.project(&run.project)?.settings, run);
        Some((lane_of(run), Self { gate, worktree, record }))
    }
}

/// Reads what a run that is over printed, and tells how its commands ended.
pub(in super::super) fn ended(world: &World, order: &Ended) {
    let dir = world.workspace.gate_dir(order.gate);
    fail_point!("gate.output");
    let results = Some(command_results(&order.record, &dir, &order.worktree));
    fail_point!("gate.told");
    world.gauges.forget_gate(order.gate.0);
    world.tell(Input::GateExited { gate: order.gate, results });
}
