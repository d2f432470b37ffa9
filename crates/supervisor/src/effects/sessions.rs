//! Sessions: prepares the worktree, writes the prompt, builds the agent's command, and submits the job to the
//! runner.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::clock::{awake_since, now_ms};
use super::super::disk_space::SpaceError;
use super::super::error::EffectError;
use super::super::homes::Source;
use super::super::message::Message;
use super::super::set_up_job;
use super::super::tail::Followed;
use super::super::user_refs;
use super::super::world::{Site, World};
use super::attempts::patiently;
use super::environment::{Variables, Worksite, git_settings};
use super::planning;
use super::seeding;
use super::worktrees::{self, Place, make_again_if_gone};
use paddock_agents::command::{self, AgentCommand, Values};
use paddock_agents::transcript::Before;
use paddock_engine::input::{Input, Problem};
use paddock_git::{Repository, Worktree};
use paddock_model::budget::used_since_ms;
use paddock_model::ids::{ObjectId, SessionId};
use paddock_model::objective::Objective;
use paddock_model::planning::planner_folder;
use paddock_model::session::{Exit, ProcessEnd, Session, SessionKind, Stop};
use paddock_model::settings::{ProjectSettings, StdinRule};
use paddock_model::state::State;
use paddock_os::fail_points::fail_point;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, make_private_dir, write_atomic};
use paddock_runner::{Adoption, ExitRecord, JobKey, JobKind, JobSpec, JobState, Limits, Resources, Runner};
use paddock_runner::{SecretValues, SlotOrder, Stage, StageEnd, StageOutcome, StopReason, StopSignal};

#[path = "prompting.rs"]
mod prompting;

/// Name of the stage that runs `worktree.setup`.
const SETUP_STAGE: &str = "setup";
/// Time between the gentle signal and the kill, in milliseconds.
const GRACE_MS: u64 = 20_000;

/// A session to start.
pub(in super::super) struct Order {
    site: Site,
    settings: Box<ProjectSettings>,
    session: Session,
    errand: Errand,
    /// The worktree.
    path: PathBuf,
    /// The conversation that the session resumes.
    before: Before,
}

/// The purpose of a session, with everything that its prompt says.
enum Errand {
    /// Work on an objective, on its branch.
    Objective { objective: Box<Objective>, nodes: prompting::ServedNodes, branch: String, base: ObjectId },
    /// Make a plan.
    Plan(Box<planning::Brief>),
}

impl Order {
    pub(in super::super) fn from_state(state: &State, session: SessionId) -> Option<Self> {
        let session = state.session(session)?.clone();
        let project = state.project(&session.objective.project)?;
        let (path, errand) = match session.kind {
            SessionKind::Planner => {
                let folder = planner_folder(&project.settings, &project.slug);
                (folder, Errand::Plan(Box::new(planning::Brief::new(state, project, &session))))
            }
            _ => {
                let objective = Box::new(state.objective(&session.objective)?.clone());
                let worktree = objective.worktree.clone()?;
                let nodes = prompting::ServedNodes::from_state(state, &objective);
                let (branch, base) = (worktree.branch, worktree.base);
                (worktree.path, Errand::Objective { objective, nodes, branch, base })
            }
        };
        let (site, settings) = (Site::find(state, &project.slug)?, Box::new(project.settings.clone()));
        let resumed = session.resume.as_ref().and_then(|resume| state.session(resume.session));
        let counter = resumed.and_then(|resumed| resumed.account.counter);
        let before = Before::from_counter(session.resume.is_some(), counter);
        Some(Self { site, settings, session, errand, path: PathBuf::from(path), before })
    }
}

/// Returns the runner's key of a session. A session is never run twice, so its attempt is always the first.
fn session_key(session: SessionId) -> JobKey {
    JobKey { kind: JobKind::Session, id: session.0, attempt: 1 }
}

/// Starts a session, or adopts it if an earlier supervisor started it.
///
/// Reconciled by the session's folder and claim: a job that left its submission there was started, and its
/// keeper is found again by its lock.
pub(in super::super) fn start(world: &World, order: &Order) {
    let (key, dir) = (session_key(order.session.id), world.workspace.session_dir(order.session.id));
    // An error counts as known: a job may be submitted only if it certainly has not been, or two agents would
    // work in one worktree.
    let known = !matches!(world.runner.poll(&key, &dir), Ok(JobState::Unknown));
    let begun = match known {
        true => adopt(world, order, &dir),
        false => {
            let doing = format!("session {} of {} starts", order.session.id, order.session.objective);
            let submit = || world.with_disk_space(&order.site, &doing, || submit(world, order, &dir));
            patiently(submit).map(|()| None)
        }
    };
    match begun {
        Ok(ran) => follow(world, order, dir, ran),
        // The supervisor is ending, or it would still wait: no agent ran, so no retry is spent.
        Err(error) if !known && error.is_disk_full() => {
            world.report(Input::SessionExited { session: order.session.id, process: never_began() });
        }
        Err(error) => {
            world.report(Input::SessionRefused { session: order.session.id, problem: Problem::new(error) });
        }
    }
}

/// Follows the session's output. `ran` is the time that the session has run so far, if its keeper knows.
fn follow(world: &World, order: &Order, dir: PathBuf, ran: Option<Duration>) {
    let Some(agent) = order.settings.agent(&order.session.agent) else { return };
    // Without the keeper's count, the recorded usage is the best estimate. It does not know of sleep that
    // happened while no supervisor ran.
    let ran_ms = used_since_ms(&order.session, i64::MIN, now_ms());
    let followed = Followed {
        session: order.session.id,
        key: session_key(order.session.id),
        runner: world.runner.clone(),
        dir,
        transcript: agent.transcript.clone(),
        before: order.before,
        is_set_up: !needs_set_up(order),
        ran: ran.unwrap_or_else(|| Duration::from_millis(u64::try_from(ran_ms).unwrap_or(0))),
    };
    world.tails.begin(followed, &world.inbox, &world.gauges);
    if let Err(error) = bring_home(world, order) {
        tracing::warn!(session = %order.session.id, %error, "the work of a session comes home at its end only");
    }
}

/// Lets the work of a session in an own place come home as it is made.
fn bring_home(world: &World, order: &Order) -> Result<(), EffectError> {
    let Errand::Objective { objective, branch, .. } = &order.errand else { return Ok(()) };
    let repository = world.repository(&order.site.repo_root)?;
    let worktree = paddock_git::find_worktree(&repository, &order.path, branch)?;
    if worktree.is_own {
        let source = Source { repository, worktree, objective: objective.key.id.clone() };
        world.homes.begin(&world.exe, order.session.id, source);
    }
    Ok(())
}

/// Reports how the job of an earlier supervisor is now. Returns how long the session has run, if it still
/// runs and its keeper knows.
fn adopt(world: &World, order: &Order, dir: &Path) -> Result<Option<Duration>, EffectError> {
    let session = order.session.id;
    fail_point!("adopt.before");
    let adoption = world.runner.adopt(&session_key(session), dir)?;
    fail_point!("adopt.after");
    match adoption {
        Adoption::Running { claim } => {
            let began_ms = claim.as_ref().and_then(|claim| claim.awake_clock_ms);
            let pid = claim.and_then(|claim| claim.keeper).and_then(|keeper| u32::try_from(keeper.pid).ok());
            world.report(Input::SessionStarted { session, pid: pid.unwrap_or(0) });
            // Corrects the session's minutes by the time that the machine slept while no supervisor ran.
            if let Some(began_ms) = began_ms {
                drop(world.inbox.send(Message::Adopted(session, began_ms)));
            }
            return Ok(began_ms.and_then(awake_since));
        }
        Adoption::Ended(record) => {
            world.report(Input::SessionExited { session, process: process_end(world, &record) });
        }
        // A supervisor died between the submission and the keeper's claim: no agent ran, so no retry is
        // spent.
        Adoption::Lost(job) if job.never_started => {
            world.report(Input::SessionExited { session, process: never_began() });
        }
        Adoption::Lost(_) => world.report(Input::SessionLost { session }),
    }
    Ok(None)
}

/// Prepares everything and submits the job to the runner.
fn submit(world: &World, order: &Order, dir: &Path) -> Result<(), EffectError> {
    fail_point!("spawn.before");
    let repository = world.trusted(&order.site)?;
    let prepared = prepare(world, order, &repository)?;
    let spec = job(world, order, &repository, &prepared, dir)?;
    // Before anything of the session runs: from then on a change may be its own.
    user_refs::begin(world, &order.site, &repository, order.session.id);
    Ok(world.runner.submit(&spec)?)
}

/// The worktree of a session, ready for its processes.
struct Prepared {
    git_dir: PathBuf,
    /// The worktree of an objective; a planner has none of its own.
    worktree: Option<Worktree>,
}

/// Prepares the worktree.
///
/// A first session starts from the newest tip; a later one continues where the branch is. A planner gets the
/// tip, with a detached HEAD.
fn prepare(world: &World, order: &Order, repository: &Repository) -> Result<Prepared, EffectError> {
    let Errand::Objective { objective, branch, base, .. } = &order.errand else {
        let git_dir = planning::prepare(repository, &order.path, &order.session.from)?;
        return Ok(Prepared { git_dir, worktree: None });
    };
    let place = Place { site: &order.site, objective: &objective.key, path: &order.path, branch, base };
    make_again_if_gone(world, &place)?;
    let worktree = paddock_git::find_worktree(repository, &order.path, branch)?;
    // The agent of the session before may have damaged the files that tie the worktree to its repository.
    if !worktree.is_own {
        worktrees::mend(repository, &order.site, &worktree, false)?;
    }
    // A later attempt that begins at the base has no work before it either: the attempts before it did not
    // get as far as this step, or left no commit.
    let is_fresh = order.session.attempt == 1 || order.session.from == *base;
    let mut has_moved = false;
    if is_fresh {
        has_moved = paddock_git::bring_forward(repository, &worktree, &order.session.from)?;
        // Before the set-up, which finds it there; no agent has worked here yet.
        let of = (&order.site, order.settings.as_ref());
        seeding::fill(world, of, repository, (&worktree, &order.session.from));
    }
    if worktree.is_own {
        // Afterwards, so that the place is given what the project has now.
        worktrees::mend(repository, &order.site, &worktree, has_moved)?;
    }
    if needs_set_up(order) {
        paddock_git::begin_set_up(repository, &worktree)?;
    }
    Ok(Prepared { git_dir: worktree.git_dir.clone(), worktree: Some(worktree) })
}

fn prompt_of(
    world: &World,
    order: &Order,
    repository: &Repository,
    worktree: Option<&Worktree>,
) -> Result<String, EffectError> {
    match &order.errand {
        Errand::Objective { objective, nodes, .. } => prompting::prompt(
            world,
            &order.site,
            &order.settings,
            objective,
            &order.session,
            (nodes, worktree),
        ),
        Errand::Plan(brief) => planning::prompt(&world.workspace.templates(), brief, repository),
    }
}

fn job(
    world: &World,
    order: &Order,
    repository: &Repository,
    prepared: &Prepared,
    dir: &Path,
) -> Result<JobSpec, EffectError> {
    let settings = &order.settings;
    let unknown = || EffectError::UnknownAgent(order.session.agent.clone());
    let agent = settings.agent(&order.session.agent).ok_or_else(unknown)?;

    make_private_dir(dir).map_err(EffectError::at(dir))?;
    let text = prompt_of(world, order, repository, prepared.worktree.as_ref())?;
    let prompt_file = dir.join("prompt.md");
    write_private(&prompt_file, text.as_bytes()).map_err(EffectError::at(&prompt_file))?;
    fail_point!("spawn.prompt");
    let values = Values {
        prompt_file: &prompt_file,
        worktree: &order.path,
        session_dir: dir,
        model: None,
        prompt_text: &text,
        paddock_exe: &world.exe,
        agent_session: order.session.resume.as_ref().map(|resume| resume.agent_session.as_str()),
    };
    let command = command::build(agent, &values)?;
    let variables = Variables::for_agent(agent, &world.environment);
    let site = Worksite { repository, git_dir: &prepared.git_dir, path: &order.path };
    let mut identity = site.identity(&variables);
    let has_set_up = order.settings.worktree.setup.is_some();
    if let Some(worktree) = prepared.worktree.as_ref().filter(|_| has_set_up) {
        // `git add --all` passes over what the set-up made.
        let rules = paddock_git::exclude_file(repository, worktree)?;
        identity.extend(rules.to_str().map(|rules| ("core.excludesFile".to_owned(), rules.to_owned())));
    }
    let Variables { mut set, unset, secrets } = variables;
    for (name, value) in
        own_variables(order, &prompt_file).into_iter().chain(git_settings(settings.sign, &identity))
    {
        // Variables from the agent's settings win over Paddock's own.
        set.entry(name).or_insert(value);
    }
    let look = match &prepared.worktree {
        Some(worktree) if needs_set_up(order) => Some(set_up_job::stage(dir, repository, worktree)?),
        _ => None,
    };
    Ok(JobSpec {
        key: session_key(order.session.id),
        dir: dir.to_owned(),
        worktree: order.path.clone(),
        stdin: (command.stdin == StdinRule::Prompt).then(|| prompt_file.clone()),
        stages: stages(order, command, look),
        env_set: set,
        env_names: secrets.keys().cloned().collect(),
        env_values: SecretValues(secrets),
        env_unset: unset,
        limits: limits(settings, &order.session),
        stop_signal: stop_signal(&agent.stop_signal),
        resources: Resources::for_job(),
        slot: Some(SlotOrder::new(&order.site.slug, &settings.ports)),
    })
}

/// Writes a file atomically, so that the agent never reads half a prompt. Does not flush it: after a power
/// loss the session is lost anyway.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    write_atomic(path, bytes, PRIVATE_FILE_MODE, Flush::Later)
}

fn limits(settings: &ProjectSettings, session: &Session) -> Limits {
    let defaults = &settings.session_defaults;
    Limits {
        max_awake_ms: Some(u64::from(session.budget.max_minutes) * 60_000),
        grace_ms: GRACE_MS,
        stall_ms: Some(u64::from(defaults.stall_minutes) * 60_000),
        finish_ms: Some(u64::from(defaults.finish_seconds) * 1_000),
        log_cap_bytes: settings.disk.session_log_mb.saturating_mul(1_000_000),
        ..Limits::default()
    }
}

/// Returns the variables by which an agent learns about its session.
fn own_variables(order: &Order, prompt_file: &Path) -> BTreeMap<String, String> {
    let key = &order.session.objective;
    let objective = if key.id.is_planner() { String::new() } else { key.id.to_string() };
    BTreeMap::from([
        ("PADDOCK_SESSION".to_owned(), order.session.id.to_string()),
        ("PADDOCK_SESSION_KIND".to_owned(), order.session.kind.to_string()),
        ("PADDOCK_OBJECTIVE".to_owned(), objective),
        ("PADDOCK_PROJECT".to_owned(), key.project.to_string()),
        ("PADDOCK_WORKTREE".to_owned(), order.path.display().to_string()),
        ("PADDOCK_PROMPT_FILE".to_owned(), prompt_file.display().to_string()),
    ])
}

/// Returns whether the session runs the set-up command.
fn needs_set_up(order: &Order) -> bool {
    let is_due = match &order.errand {
        // A later session finds the worktree set up, unless the set-up failed before.
        Errand::Objective { objective, .. } => order.session.is_set_up_for(objective),
        // A planner reads and builds nothing.
        Errand::Plan(_) => false,
    };
    is_due && order.settings.worktree.setup.is_some()
}

/// Returns the commands of the job: the set-up of a new worktree and the look after it, then the agent.
fn stages(order: &Order, command: AgentCommand, look: Option<Stage>) -> Vec<Stage> {
    let mut stages = Vec::new();
    let worktree = &order.settings.worktree;
    if let Some(setup) = worktree.setup.as_ref().filter(|_| needs_set_up(order)) {
        stages.push(Stage {
            name: SETUP_STAGE.to_owned(),
            argv: vec![OsString::from(setup)],
            shell: true,
            timeout_ms: Some(u64::from(worktree.setup_timeout_minutes) * 60_000),
            // The session's budget of minutes is the agent's alone.
            counted: false,
            prompted: false,
        });
        stages.extend(look);
    }
    stages.push(Stage {
        name: set_up_job::AGENT_STAGE.to_owned(),
        argv: command.argv,
        shell: false,
        timeout_ms: None,
        counted: true,
        prompted: true,
    });
    stages
}

/// Returns the gentle signal that an agent's settings name, with or without `SIG`. Unknown names mean
/// SIGTERM.
pub(in super::super) fn stop_signal(name: &str) -> StopSignal {
    match name.trim_start_matches("SIG") {
        "INT" => StopSignal::Int,
        "HUP" => StopSignal::Hup,
        "QUIT" => StopSignal::Quit,
        "USR1" => StopSignal::Usr1,
        "USR2" => StopSignal::Usr2,
        _ => StopSignal::Term,
    }
}

/// Stops a session. Does nothing if the session has ended.
pub(in super::super) fn stop(world: &World, session: SessionId, stop: Stop, now: bool) {
    let reason = match stop {
        Stop::Minutes => StopReason::Deadline,
        Stop::Commits => StopReason::Commits,
        Stop::Stalled => StopReason::Stalled,
        Stop::Human => StopReason::Human,
        Stop::Shutdown => StopReason::Shutdown,
        Stop::Tokens => StopReason::Tokens,
        Stop::Cost => StopReason::Cost,
        Stop::DayBudget => StopReason::DayBudget,
        Stop::Waiting => StopReason::Waiting,
        Stop::Finished => StopReason::Finished,
    };
    fail_point!("stop.before");
    if let Err(error) = world.runner.cancel(&session_key(session), reason, now) {
        // The session has ended by itself meanwhile, and its end is reported as usual.
        tracing::debug!(%session, %error, "a session that is to be stopped is not running");
    }
    fail_point!("stop.after");
}

/// Sets the session's limit of minutes at its keeper. The limit is set and not added to, so that running this
/// effect again changes nothing.
pub(in super::super) fn extend(world: &World, session: SessionId, minutes: u32) {
    let limit = Some(u64::from(minutes) * 60_000);
    if let Err(error) = world.runner.extend(&session_key(session), limit) {
        // The session then ends at its old limit, and a follow-up session continues the work.
        tracing::warn!(%session, %error, "a session's new limit could not be passed to its keeper");
    }
}

/// Returns how a session's processes ended, in the types of the model.
pub(in super::super) fn process_end(world: &World, record: &ExitRecord) -> ProcessEnd {
    let stop = record.stop.map(|reason| match reason {
        StopReason::Deadline => Stop::Minutes,
        StopReason::Tokens => Stop::Tokens,
        StopReason::Cost => Stop::Cost,
        StopReason::DayBudget => Stop::DayBudget,
        StopReason::Waiting => Stop::Waiting,
        StopReason::Finished => Stop::Finished,
        StopReason::Commits => Stop::Commits,
        StopReason::Human => Stop::Human,
        StopReason::Stalled => Stop::Stalled,
        // Only gate runs are superseded.
        StopReason::Shutdown | StopReason::Superseded => Stop::Shutdown,
    });
    ProcessEnd {
        exit: with_last_line(world, record, exit_for_full_disk(world, record)),
        stop,
        awake_seconds: record.awake_ms / 1_000,
        survivors: record.survivors_killed,
    }
}

/// Adds the last line of its output to the failure of a set-up: it names the cause more often than not.
fn with_last_line(world: &World, record: &ExitRecord, exit: Exit) -> Exit {
    match exit {
        Exit::SetupFailed(how) if record.key.kind == JobKind::Session => {
            let line = set_up_job::last_line(&world.workspace.session_dir(SessionId(record.key.id)));
            Exit::SetupFailed(line.map_or(how.clone(), |line| format!("{how}: {line}")))
        }
        exit => exit,
    }
}

/// Returns how the last command ended, or [`Exit::DiskFull`] if the disk was full: a failure then says
/// nothing about the work, and neither does a success whose output could not be kept.
fn exit_for_full_disk(world: &World, record: &ExitRecord) -> Exit {
    let lacked = record.log_lacked_space;
    match exit_of_last(record) {
        Exit::Code(0) if lacked => Exit::DiskFull(0),
        Exit::Code(code) if code != 0 && (lacked || record.temporary_lacked_space || world.is_full()) => {
            Exit::DiskFull(code)
        }
        exit => exit,
    }
}

/// Returns the end of a session that no keeper claimed. `Stop::Shutdown` makes it interrupted, so that a
/// session of the same kind follows without a retry.
pub(in super::super) fn never_began() -> ProcessEnd {
    ProcessEnd { exit: nothing_ran(), stop: Some(Stop::Shutdown), awake_seconds: 0, survivors: 0 }
}

/// Returns how the last command of a job ended. Later stages do not run after a failure, so the last one
/// decides.
pub(in super::super) fn exit_of_last(record: &ExitRecord) -> Exit {
    record.stages.last().map_or_else(nothing_ran, exit_of)
}

fn nothing_ran() -> Exit {
    Exit::NotStarted("no command was run".to_owned())
}

fn exit_of(stage: &StageEnd) -> Exit {
    let is_setup = stage.name == SETUP_STAGE || stage.name == set_up_job::LOOK_STAGE;
    match &stage.outcome {
        StageOutcome::Exited { code: 0 } => Exit::Code(0),
        outcome if is_setup => Exit::SetupFailed(set_up_job::described(outcome)),
        StageOutcome::Exited { code } => Exit::Code(*code),
        StageOutcome::Signaled { signal } => Exit::Signal(*signal),
        StageOutcome::NotStarted { text, .. } => Exit::NotStarted(text.clone()),
        StageOutcome::TimedOut | StageOutcome::Stopped => {
            // A command that ended by itself after the gentle signal still has an exit status of its own.
            stage.late_code.map_or(Exit::Signal(15), Exit::Code)
        }
    }
}
