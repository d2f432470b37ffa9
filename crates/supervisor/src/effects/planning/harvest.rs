//! Reads the plan that a planner's session ended with, and removes its worktree.

use std::fs;
use std::path::{Path, PathBuf};

use crate::clock::now_ms;
use crate::effects::attempts::patiently;
use crate::effects::transcripts;
use crate::error::EffectError;
use crate::user_refs;
use crate::world::{Site, World};
use paddock_agents::planner::without_echo;
use paddock_agents::transcript::{self, Reader, Reading, Setting};
use paddock_config::ConfigError;
use paddock_config::plan_file::{self, PlanContext, ReadPlan};
use paddock_engine::input::{Input, Problem};
use paddock_git::{GitError, Repository, SalvageOrder, Worktree};
use paddock_model::facts::PlanFacts;
use paddock_model::ids::{ObjectId, ObjectiveId, SessionId, WorkerId};
use paddock_model::planning::planner_folder;
use paddock_model::session::{Exit, Salvage};
use paddock_model::state::State;
use paddock_model::usage::Account;
use paddock_os::fail_points::fail_point;
use paddock_os::plain;
use paddock_runner::log::{LogReader, Stream};

/// Bytes of a log read at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// Name of the planner in the refs that keep what a planner left.
const NAME: &str = "planner";

/// A planner's session to harvest.
pub(in super::super) struct Order {
    site: Site,
    session: SessionId,
    path: PathBuf,
    /// Commit that the worktree began at.
    from: ObjectId,
    exit: Option<Exit>,
    /// Name of the agent's transcript format.
    transcript: String,
    /// Where the agent may have written more about its run.
    source: transcripts::Source,
    /// Ids of the project's objectives, which the plan may depend on and must not use again.
    existing: Vec<ObjectiveId>,
    /// Workers that the plan may name.
    workers: Vec<WorkerId>,
}

impl Order {
    pub(in super::super) fn from_state(state: &State, session: SessionId) -> Option<Self> {
        let session = state.session(session)?;
        let project = state.project(&session.objective.project)?;
        let settings = &project.settings;
        Some(Self {
            site: Site::find(state, &project.slug)?,
            session: session.id,
            path: PathBuf::from(planner_folder(settings, &project.slug)),
            from: session.from.clone(),
            source: transcripts::Source::from_session(state, session),
            exit: session.process.as_ref().map(transcripts::exit_of_agent),
            transcript: settings
                .agent(&session.agent)
                .map(|agent| agent.transcript.clone())
                .unwrap_or_default(),
            existing: state.objectives_of(&project.slug).map(|objective| objective.key.id.clone()).collect(),
            workers: settings.workers.iter().map(|worker| worker.id.clone()).collect(),
        })
    }
}

/// Harvests a planner's session.
///
/// Reconciled by reading again: it changes nothing but refs that keep what would be lost, and a worktree that
/// is gone already stays gone.
pub(in super::super) fn harvest(world: &World, order: &Order) {
    fail_point!("plan.before");
    let facts = patiently(|| read(world, order)).map(Box::new).map_err(|error| error.to_string());
    fail_point!("plan.after");
    world.report(Input::PlanRead { session: order.session, facts: facts.map_err(Problem::new) });
}

/// Reads the plan and clears the worktree away.
fn read(world: &World, order: &Order) -> Result<PlanFacts, EffectError> {
    let dir = world.workspace.session_dir(order.session);
    let mut reading = transcript_of(&dir, order).map_err(EffectError::Output)?;
    order.source.complete(world, &mut reading, now_ms());
    // Without the prompt an echo of it cannot be recognised. The plan is read all the same.
    let prompt = plain::read_to_string(dir.join("prompt.md")).unwrap_or_default();
    let context = PlanContext { existing: &order.existing, workers: &order.workers };
    let plan = plan_of(&reading, &prompt, &context);
    fail_point!("plan.read");
    // The plan counts even if the worktree cannot be removed: the next planner run makes the worktree anew.
    let salvage = clear(world, order).unwrap_or_else(|error| {
        tracing::warn!(session = %order.session, %error, "the planner's worktree could not be cleared away");
        None
    });
    if let Ok(repository) = world.repository(&order.site.repo_root) {
        user_refs::end(world, &order.site, &repository, order.session);
    }
    Ok(PlanFacts {
        plan: plan
            .map(|plan| plan.document)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect()),
        salvage,
        account: account(reading),
    })
}

/// Returns the plan of the planner's last message or, if that holds none, of everything that the planner
/// said. The output of tools does not count, nor does an echo of the prompt.
fn plan_of(reading: &Reading, prompt: &str, context: &PlanContext<'_>) -> Result<ReadPlan, Vec<ConfigError>> {
    let last = without_echo(&reading.final_text, prompt);
    let of_last = || plan_file::read_answer(&last, prompt, context);
    if plan_file::holds_plan(&last) {
        return of_last();
    }
    let said = without_echo(&reading.said, prompt);
    match plan_file::read_answer(&said, prompt, context) {
        // An empty plan means "the phase is done". One in an earlier message is more likely a draft or the
        // empty form, so the faults of the last message are reported instead.
        Ok(plan) if plan.document.asks_nothing() => of_last(),
        read if plan_file::holds_plan(&said) => read,
        _ => of_last(),
    }
}

/// Returns the usage and the failure that the transcript reported.
fn account(reading: Reading) -> Account {
    let Reading { usage, counter, agent_session, failure, .. } = reading;
    Account { usage, failure, agent_session, counter }
}

/// Reads both logs of the session with the reader of its agent's format.
fn transcript_of(dir: &Path, order: &Order) -> std::io::Result<Reading> {
    let setting = Setting { now_ms: now_ms(), zone: jiff::tz::TimeZone::system() };
    let mut reader = Reader::new(&order.transcript, setting);
    for (stream, of) in [(Stream::Stdout, transcript::Stream::Out), (Stream::Stderr, transcript::Stream::Err)]
    {
        let log = LogReader::open(dir, stream);
        let mut offset = 0;
        loop {
            let chunk = log.read_at(offset, CHUNK_BYTES)?;
            if chunk.bytes.is_empty() {
                break;
            }
            reader.push(of, &chunk.bytes);
            // Nobody shows the lines here, and they would pile up in memory.
            drop(reader.take_lines());
            offset = chunk.next_offset();
        }
    }
    Ok(reader.finish(order.exit.as_ref()).0)
}

/// Removes the planner's worktree. Refs keep what the planner changed or committed, although it was told not
/// to.
fn clear(world: &World, order: &Order) -> Result<Option<Salvage>, GitError> {
    let repository = world.repository(&order.site.repo_root)?;
    let Ok(worktree) = paddock_git::find_worktree(&repository, &order.path, "") else {
        paddock_git::finish_removal(&repository, &order.path)?;
        return Ok(None);
    };
    if !worktree.path.is_dir() {
        paddock_git::remove_worktree(&repository, &worktree, &world.workspace.kept_dir())?;
        return Ok(None);
    }
    // The planner's processes are dead: locks that they left would fail the salvage below.
    for lock in ["index.lock", "HEAD.lock"] {
        drop(fs::remove_file(worktree.git_dir.join(lock)));
    }
    keep_commits(&repository, &worktree, order)?;
    let wanted = SalvageOrder {
        objective: NAME.to_owned(),
        session: order.session.0,
        exclude: order.site.copy.clone(),
        identity: world.identity(&repository),
        time_s: now_ms() / 1_000,
    };
    let kept = paddock_git::salvage(&repository, &worktree, &wanted)?;
    let is_whole = kept.as_ref().is_none_or(|kept| kept.left.is_empty());
    let kept_dir = world.workspace.kept_dir();
    match is_whole {
        true => paddock_git::remove_worktree(&repository, &worktree, &kept_dir)?,
        false => paddock_git::set_aside_worktree(&repository, &worktree, &kept_dir)?,
    };
    Ok(kept.map(|kept| Salvage {
        reference: kept.reference,
        commit: kept.commit,
        paths: u32::try_from(kept.paths.len()).unwrap_or(u32::MAX),
        left: kept.left.into_iter().take(20).collect(),
    }))
}

/// Puts a ref on commits that the planner made. They never land, but they are not lost either.
fn keep_commits(repository: &Repository, worktree: &Worktree, order: &Order) -> Result<(), GitError> {
    let head = plain::read_to_string(worktree.git_dir.join("HEAD")).unwrap_or_default();
    // On a branch instead of detached: the branch keeps the commits.
    let Ok(head) = ObjectId::new(head.trim()) else { return Ok(()) };
    if head == order.from {
        return Ok(());
    }
    let kept = format!("refs/paddock/kept/{NAME}/{}", order.session);
    let before = repository.commit_of(&kept)?;
    repository.set_ref(&kept, before.as_ref(), &head, "paddock: commits of a planner")?;
    Ok(())
}
