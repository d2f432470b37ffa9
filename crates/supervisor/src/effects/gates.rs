//! Gate runs: the `verify` commands, under a keeper, in a worktree that is kept between runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::disk_space::SpaceError;
use super::super::error::EffectError;
use super::super::executor::ExecutorKey;
use super::super::gate_job::GateJob;
use super::super::test_reports::{self, TestOrder};
use super::super::world::{Site, World};
use super::attempts::patiently;
use super::gate_output::command_results;
use super::gate_places::{Places, Wanted};
use paddock_engine::input::{Input, Problem};
use paddock_git::{LookOrder, gate_paths};
use paddock_model::gate::{CommandResult, GateRun, Start, Verdict};
use paddock_model::ids::{GateId, ObjectId, ProjectSlug};
use paddock_model::session::Exit;
use paddock_model::settings::{GateCommand, Keep};
use paddock_model::state::State;
use paddock_model::tamper::patterns;
use paddock_os::fail_points::{fail_point, trouble_point};
use paddock_runner::{Adoption, ExitRecord, JobKey, JobKind, JobSpec, JobState, Limits, Resources, Runner};
use paddock_runner::{SecretValues, SlotOrder, StopReason, StopSignal};

/// Time between the gentle signal and the kill of an outdated gate run, in milliseconds. Short, since nobody
/// needs its verdict any more.
const GRACE_MS: u64 = 2_000;

/// A gate run to start.
pub(in super::super) struct Order {
    pub(in super::super) site: Site,
    gate: GateId,
    commit: ObjectId,
    commands: Vec<GateCommand>,
    places: Places,
    /// The command of `worktree.setup`, and its time limit in milliseconds.
    setup: Option<(String, u64)>,
    /// Folders that outlive a run.
    keep: Keep,
    /// Number that voids the caches of before when it goes up.
    cache_epoch: u64,
    /// Globs of tests and of files that configure test runners.
    test_patterns: Vec<String>,
    start: Start,
    /// What the run asks of its slot of the machine, which is none of the queue's.
    slot: SlotOrder,
    is_cancelled: bool,
}

impl Order {
    pub(in super::super) fn from_state(state: &State, gate: GateId) -> Option<Self> {
        let gate = state.gate(gate)?;
        let project = state.project(&gate.project)?;
        let settings = &project.settings;
        let setup = settings.worktree.setup.clone();
        // A run of a phase's checks has commands of its own.
        let commands = if gate.commands.is_empty() { &settings.verify } else { &gate.commands };
        Some(Self {
            site: Site::find(state, &gate.project)?,
            gate: gate.id,
            commit: gate.commit.clone(),
            commands: commands.clone(),
            places: Places::new(settings, &gate.project, gate.slot, gate.start),
            setup: setup
                .map(|command| (command, u64::from(settings.worktree.setup_timeout_minutes) * 60_000)),
            keep: settings.kept(),
            cache_epoch: project.recheck.epoch,
            test_patterns: patterns(settings.test_patterns.as_ref()),
            start: gate.start,
            slot: SlotOrder::new(&gate.project, &settings.ports),
            is_cancelled: gate.cancelled,
        })
    }
}

/// Returns what [`report`] needs of a site.
fn place(site: &Site) -> (&ProjectSlug, &Path) {
    (&site.slug, &site.repo_root)
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
            return report(world, place(&order.site), order.gate, None, false);
        }
        false => {
            let doing = format!("the folder of gate run {} is made", order.gate);
            patiently(|| world.with_disk_space(&order.site, &doing, || submit(world, order)))
        }
    };
    if let Err(problem) = begun {
        tracing::warn!(gate = %order.gate, %problem, "a gate run did not start");
        report(world, place(&order.site), order.gate, Some(vec![not_started(order, &problem)]), false);
    }
}

/// Reports how a run ended. While the repository cannot be used at all, a run that is not green says nothing:
/// the project is held, and the engine runs the gate again later.
fn report(
    world: &World,
    (project, repo_root): (&ProjectSlug, &Path),
    gate: GateId,
    results: Option<Vec<CommandResult>>,
    from_nothing: bool,
) {
    let is_green = results.iter().flatten().all(|result| result.verdict() == Verdict::Green);
    let problem = if is_green && results.is_some() { None } else { world.why_unusable(repo_root) };
    let results = results.filter(|_| problem.is_none());
    if let Some(problem) = problem {
        world.report(Input::RepositoryFailed { project: project.clone(), problem: Problem::new(problem) });
    }
    world.report(Input::GateExited { gate, results, from_nothing });
}

/// Returns the result of a run that could not be started. The queue is held for it, and `explain` shows it as
/// the cause.
fn not_started(order: &Order, problem: &EffectError) -> CommandResult {
    let name = order.commands.first().map_or_else(|| "verify".to_owned(), |command| command.name.clone());
    let exit = match SpaceError::is_disk_full(problem) {
        true => Exit::DiskFull(1),
        false => Exit::NotStarted(problem.to_string()),
    };
    CommandResult::new(name, exit)
}

/// Reports how the job of an earlier supervisor is now.
fn adopt(world: &World, order: &Order) -> Result<(), EffectError> {
    let dir = world.workspace.gate_dir(order.gate);
    match world.runner.adopt(&gate_key(order.gate), &dir)? {
        Adoption::Running { .. } => {}
        Adoption::Ended(record) => {
            let results = Some(command_results(&record, &dir, &order.places.folder));
            let from_nothing = order.places.end(world, order.gate, &record, &dir);
            report(world, place(&order.site), order.gate, results, from_nothing);
        }
        Adoption::Lost(_) => report(world, place(&order.site), order.gate, None, false),
    }
    Ok(())
}

/// Holds the gate folder against the commit and submits the job to the runner.
fn submit(world: &World, order: &Order) -> Result<(), EffectError> {
    fail_point!("gate.before");
    let repository = world.trusted(&order.site)?;
    let folder = &order.places.folder;
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).map_err(EffectError::at(parent))?;
    }
    let wanted = Wanted {
        gate: order.gate,
        commit: &order.commit,
        keep: &order.keep,
        setup: order.setup.as_ref().map(|(command, _)| command.as_str()),
        cache_epoch: order.cache_epoch,
        start: order.start,
    };
    let ready = order.places.prepare(world, &repository, &wanted)?;
    fail_point!("gate.prepared");
    let dir = world.workspace.gate_dir(order.gate);
    let runs: Vec<String> = order.commands.iter().map(|command| command.run.clone()).collect();
    let mut tests = TestOrder::from_commands(&order.commands);
    test_reports::clear(&mut tests, folder, &ready.kept)?;
    let job = GateJob {
        tests,
        commands: &order.commands,
        setup: order
            .setup
            .as_ref()
            .filter(|_| ready.is_set_up_due)
            .map(|(c, limit_ms)| (c.as_str(), *limit_ms)),
        look: LookOrder {
            place: ready.place,
            repo_root: order.site.repo_root.clone(),
            git_dir: ready.worktree.git_dir,
            commit: order.commit.clone(),
            kept: ready.kept,
            gate_patterns: order.test_patterns.clone(),
            gate_paths: gate_paths(&runs),
            is_set_up: false,
            must_mend: false,
            agreed: order.site.trust.entries.iter().cloned().collect(),
        },
    };
    let spec = JobSpec {
        key: gate_key(order.gate),
        stages: job.stages(&dir)?,
        dir,
        worktree: ready.worktree.path,
        stdin: None,
        env_set: BTreeMap::from([("PADDOCK_GATE".to_owned(), order.gate.to_string())]),
        // No secrets: the commands run code that agents wrote.
        env_names: Vec::new(),
        env_values: SecretValues::default(),
        env_unset: super::environment::git_variables(),
        limits: Limits { grace_ms: GRACE_MS, ..Limits::default() },
        stop_signal: StopSignal::Term,
        resources: Resources::for_job(),
        slot: Some(order.slot.clone()),
    };
    world.runner.submit(&spec)?;
    fail_point!("gate.after");
    Ok(())
}

/// A gate worktree to remove.
pub(in super::super) struct Folder {
    site: Site,
    slot: u32,
    /// The slot's folder, and that of a run from nothing which was interrupted.
    places: [Places; 2],
}

impl Folder {
    pub(in super::super) fn from_state(state: &State, project: &ProjectSlug, slot: u32) -> Option<Self> {
        let settings = &state.project(project)?.settings;
        let places = |start| Places::new(settings, project, slot, start);
        let places = [places(Start::FromNothing), places(Start::Kept)];
        Some(Self { site: Site::find(state, project)?, slot, places })
    }
}

/// Removes a gate worktree, unless a job runs in it.
///
/// Reconciled by the folder: removing one that is gone succeeds.
pub(in super::super) fn remove_folder(world: &World, order: &Folder) {
    let result = order.places.iter().try_for_each(|places| places.remove(world));
    let result = result.map_err(|error| error.to_string());
    if let Err(problem) = &result {
        tracing::warn!(project = %order.site.slug, slot = order.slot, problem, "a gate worktree stays");
    }
    let (project, slot) = (order.site.slug.clone(), order.slot);
    world.report(Input::GateFolderRemoved { project, slot, result: result.map_err(Problem::new) });
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

/// A gate run that is over, as its keeper reported it.
pub(in super::super) struct Ended {
    gate: GateId,
    places: Places,
    record: Box<ExitRecord>,
    project: ProjectSlug,
    repo_root: PathBuf,
}

impl Ended {
    pub(in super::super) fn from_state(
        state: &State,
        gate: GateId,
        record: Box<ExitRecord>,
    ) -> Option<(ExecutorKey, Self)> {
        let run = state.gate(gate)?;
        let settings = &state.project(&run.project)?.settings;
        Some((
            slot_key(run),
            Self {
                gate,
                places: Places::new(settings, &run.project, run.slot, run.start),
                record,
                project: run.project.clone(),
                repo_root: PathBuf::from(&settings.repo_root),
            },
        ))
    }
}

/// Reads the output of a run that is over, and reports how its commands ended.
pub(in super::super) fn ended(world: &World, order: &Ended) {
    let dir = world.workspace.gate_dir(order.gate);
    fail_point!("gate.output");
    trouble_point!("gate.output");
    let results = Some(command_results(&order.record, &dir, &order.places.folder));
    // Before the report: the next run in this slot may start as soon as the engine knows of the end.
    let from_nothing = order.places.end(world, order.gate, &order.record, &dir);
    fail_point!("gate.told");
    world.gauges.forget_gate(order.gate.0);
    report(world, (&order.project, &order.repo_root), order.gate, results, from_nothing);
}

/// A landed run whose caches are to be kept.
pub(in super::super) struct Landed {
    gate: GateId,
    places: Places,
}

impl Landed {
    pub(in super::super) fn from_state(state: &State, gate: GateId) -> Option<(ExecutorKey, Self)> {
        let run = state.gate(gate)?;
        let settings = &state.project(&run.project)?.settings;
        Some((slot_key(run), Self { gate, places: Places::new(settings, &run.project, run.slot, run.start) }))
    }
}

/// Keeps the caches that a landed run left.
///
/// Needs no reconciling: without it, later runs start with older caches.
pub(in super::super) fn keep_caches(world: &World, order: &Landed) {
    if let Err(error) = order.places.keep(world, order.gate) {
        tracing::warn!(gate = %order.gate, %error, "the caches of a gate run are not kept");
    }
}
