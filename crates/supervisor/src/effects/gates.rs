//! Gate runs: the `verify` commands, under a keeper, in a worktree that is kept between runs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::super::error::EffectError;
use super::super::executor::ExecutorKey;
use super::super::world::{Site, World};
use super::attempts::patiently;
use super::gate_output::{SETUP_STAGE, command_results};
use paddock_engine::input::{Input, Problem};
use paddock_git::{must_set_up, prepare_anew, prepare_gate, record_set_up, remove_gate, set_up_key};
use paddock_model::gate::{CommandResult, GateRun, slot_folder};
use paddock_model::ids::{GateId, ObjectId, ProjectSlug};
use paddock_model::session::Exit;
use paddock_model::settings::{GateCommand, ProjectSettings};
use paddock_model::state::State;
use paddock_os::fail_points::{fail_point, trouble_point};
use paddock_runner::{Adoption, ExitRecord, JobKey, JobKind, JobSpec, JobState, Limits, Resources, Runner};
use paddock_runner::{SecretValues, Stage, StopReason, StopSignal};

/// Time between the gentle signal and the kill of an outdated gate run, in milliseconds. Short, since nobody
/// needs its verdict any more.
const GRACE_MS: u64 = 2_000;

/// A gate run to start.
pub(in super::super) struct Order {
    pub(in super::super) site: Site,
    gate: GateId,
    commit: ObjectId,
    commands: Vec<GateCommand>,
    worktree: PathBuf,
    /// The command of `worktree.setup`, and its time limit in milliseconds.
    setup: Option<(String, u64)>,
    /// Whether files that git ignores are removed before the run (`queue.clean`).
    is_clean: bool,
    /// Whether the run evaluates the base, to compare it with a branch that failed. The comparison includes
    /// the set-up.
    is_compared: bool,
    is_cancelled: bool,
}

impl Order {
    pub(in super::super) fn from_state(state: &State, gate: GateId) -> Option<Self> {
        let gate = state.gate(gate)?;
        let settings = &state.project(&gate.project)?.settings;
        let worktree = worktree_of(settings, gate);
        let setup = settings.worktree.setup.clone();
        // A run of a phase's checks has commands of its own.
        let commands = if gate.commands.is_empty() { &settings.verify } else { &gate.commands };
        Some(Self {
            site: Site::find(state, &gate.project)?,
            gate: gate.id,
            commit: gate.commit.clone(),
            commands: commands.clone(),
            worktree,
            setup: setup
                .map(|command| (command, u64::from(settings.worktree.setup_timeout_minutes) * 60_000)),
            is_clean: settings.queue.clean,
            is_compared: gate.purpose.is_on_base(),
            is_cancelled: gate.cancelled,
        })
    }
}

fn gate_key(gate: GateId) -> JobKey {
    JobKey { kind: JobKind::Gate, id: gate.0, attempt: 1 }
}

/// Starts a gate run, or adopts it if an earlier supervisor started it.
///
/// Reconciled by the run's folder: a job that left its submission there was started, and its keeper is found
/// again.
pub(in super::super) fn start(world: &World, order: &Order) {
    let (key, dir) = (gate_key(order.gate), world.workspace.gate_dir(order.gate));
    // An error counts as known: a run may be submitted only if it certainly has not been.
    let known = !matches!(world.runner.poll(&key, &dir), Ok(JobState::Unknown));
    let begun = match known {
        true => adopt(world, order),
        // Cancelled before it started. Its end has to be reported all the same, or its slot would stay taken.
        false if order.is_cancelled => {
            return world.report(Input::GateExited { gate: order.gate, results: None, from_nothing: false });
        }
        false => patiently(|| submit(world, order)),
    };
    if let Err(problem) = begun {
        tracing::warn!(gate = %order.gate, %problem, "a gate run did not start");
        let results = Some(vec![not_started(order, &problem)]);
        world.report(Input::GateExited { gate: order.gate, results, from_nothing: false });
    }
}

/// Returns the result of a run that could not be started. The queue is held for it, and `explain` shows it as
/// the cause.
fn not_started(order: &Order, problem: &EffectError) -> CommandResult {
    let name = order.commands.first().map_or_else(|| "verify".to_owned(), |command| command.name.clone());
    let exit = match problem.is_disk_full() {
        true => Exit::DiskFull(1),
        false => Exit::NotStarted(problem.to_string()),
    };
    CommandResult {
        name,
        exit,
        timed_out: false,
        took_ms: 0,
        no_tests: None,
        says_full: false,
        changed: None,
    }
}

/// Reports how the job of an earlier supervisor is now.
fn adopt(world: &World, order: &Order) -> Result<(), EffectError> {
    let dir = world.workspace.gate_dir(order.gate);
    match world.runner.adopt(&gate_key(order.gate), &dir)? {
        Adoption::Running { .. } => {}
        Adoption::Ended(record) => {
            let results = Some(command_results(&record, &dir, &order.worktree));
            world.report(Input::GateExited { gate: order.gate, results, from_nothing: false });
        }
        Adoption::Lost(_) => {
            world.report(Input::GateExited { gate: order.gate, results: None, from_nothing: false });
        }
    }
    Ok(())
}

/// Brings the gate worktree to the commit and submits the job to the runner.
fn submit(world: &World, order: &Order) -> Result<(), EffectError> {
    fail_point!("gate.before");
    let repository = world.trusted(&order.site)?;
    if let Some(parent) = order.worktree.parent() {
        std::fs::create_dir_all(parent).map_err(EffectError::at(parent))?;
    }
    let prepare = if order.is_clean { prepare_anew } else { prepare_gate };
    let worktree = prepare(&repository, &order.worktree, &order.commit)?;
    fail_point!("gate.prepared");
    let setup = match &order.setup {
        Some((command, limit_ms)) => {
            // The set-up runs again only when its inputs changed; a comparison with the base always repeats
            // it, since it may be the set-up that fails.
            let key = set_up_key(&repository, &order.commit, command)?;
            let is_due = must_set_up(&worktree, &key, order.is_clean || order.is_compared)?;
            is_due.then(|| setup_stage(command, *limit_ms))
        }
        None => None,
    };
    let commands = order.commands.iter().map(|command| Stage {
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
        stages: setup.into_iter().chain(commands).collect(),
        stdin: None,
        env_set: BTreeMap::from([("PADDOCK_GATE".to_owned(), order.gate.to_string())]),
        // No secrets: the commands run code that agents wrote.
        env_names: Vec::new(),
        env_values: SecretValues::default(),
        env_unset: super::environment::git_variables(),
        limits: Limits { grace_ms: GRACE_MS, ..Limits::default() },
        stop_signal: StopSignal::Term,
        resources: Resources::for_job(),
    };
    world.runner.submit(&spec)?;
    fail_point!("gate.after");
    Ok(())
}

fn setup_stage(command: &str, limit_ms: u64) -> Stage {
    Stage {
        name: SETUP_STAGE.to_owned(),
        argv: vec![OsString::from(command)],
        shell: true,
        timeout_ms: Some(limit_ms),
        counted: false,
        prompted: false,
    }
}

/// A gate worktree to remove.
pub(in super::super) struct Folder {
    site: Site,
    slot: u32,
    worktree: PathBuf,
}

impl Folder {
    pub(in super::super) fn from_state(state: &State, project: &ProjectSlug, slot: u32) -> Option<Self> {
        let settings = &state.project(project)?.settings;
        let worktree = PathBuf::from(&settings.worktrees_root).join(project.as_str()).join(slot_folder(slot));
        Some(Self { site: Site::find(state, project)?, slot, worktree })
    }
}

/// Removes a gate worktree, unless a job runs in it.
///
/// Reconciled by the folder: removing one that is gone succeeds.
pub(in super::super) fn remove_folder(world: &World, order: &Folder) {
    let result = try_remove(world, order).map_err(|error| error.to_string());
    if let Err(problem) = &result {
        tracing::warn!(folder = %order.worktree.display(), problem, "a gate worktree stays");
    }
    let (project, slot) = (order.site.slug.clone(), order.slot);
    world.report(Input::GateFolderRemoved { project, slot, result: result.map_err(Problem::new) });
}

fn try_remove(world: &World, order: &Folder) -> Result<(), EffectError> {
    let repository = world.repository(&order.site.repo_root)?;
    // A keeper holds this lock for as long as its job runs. Holding it here keeps a new run out until the
    // folder is gone.
    let lock = world.runner.take_worktree(&order.worktree)?;
    let _nobody_starts_here = lock.ok_or(EffectError::Busy)?;
    Ok(remove_gate(&repository, &order.worktree).map(drop)?)
}

/// Keeps the caches that a landed run left in its folder, for later runs there to start from.
pub(in super::super) fn keep_caches(_world: &World, gate: GateId) {
    tracing::debug!(%gate, "the caches of a landed run are to be kept");
}

/// Stops a gate run. Does nothing if the run has ended.
pub(in super::super) fn stop(world: &World, gate: GateId) {
    if let Err(error) = world.runner.cancel(&gate_key(gate), StopReason::Superseded, false) {
        tracing::debug!(%gate, %error, "a gate run that is to be stopped is not running");
    }
}

/// Returns the key of the run's slot: work in one gate worktree happens one after the other.
pub(in super::super) fn slot_key(gate: &GateRun) -> ExecutorKey {
    ExecutorKey::GateWorktree(gate.project.clone(), gate.slot)
}

/// Returns the gate worktree of the run's slot.
fn worktree_of(settings: &ProjectSettings, gate: &GateRun) -> PathBuf {
    PathBuf::from(&settings.worktrees_root).join(gate.project.as_str()).join(slot_folder(gate.slot))
}

/// A gate run that is over, as its keeper reported it.
pub(in super::super) struct Ended {
    gate: GateId,
    repo_root: PathBuf,
    worktree: PathBuf,
    record: Box<ExitRecord>,
}

impl Ended {
    pub(in super::super) fn from_state(
        state: &State,
        gate: GateId,
        record: Box<ExitRecord>,
    ) -> Option<(ExecutorKey, Self)> {
        let run = state.gate(gate)?;
        let settings = &state.project(&run.project)?.settings;
        let (worktree, repo_root) = (worktree_of(settings, run), PathBuf::from(&settings.repo_root));
        Some((slot_key(run), Self { gate, repo_root, worktree, record }))
    }
}

/// Reads the output of a run that is over, and reports how its commands ended.
pub(in super::super) fn ended(world: &World, order: &Ended) {
    let dir = world.workspace.gate_dir(order.gate);
    fail_point!("gate.output");
    trouble_point!("gate.output");
    let results = Some(command_results(&order.record, &dir, &order.worktree));
    let has_set_up =
        order.record.stages.first().is_some_and(|stage| stage.name == SETUP_STAGE && stage.succeeded());
    // Before the report: the next run in this slot may start as soon as the engine knows of the end.
    if let (true, Ok(repository)) = (has_set_up, world.repository(&order.repo_root)) {
        record_set_up(&repository, &order.worktree);
    }
    fail_point!("gate.told");
    world.gauges.forget_gate(order.gate.0);
    world.report(Input::GateExited { gate: order.gate, results, from_nothing: false });
}
