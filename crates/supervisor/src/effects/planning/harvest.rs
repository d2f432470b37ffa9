//! Reads the plan that a planner ended with, and clears its worktree away.

use std::fs;
use std::path::{Path, PathBuf};

use crate::clock::now_ms;
use crate::effects::attempts::patiently;
use crate::error::EffectError;
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
use paddock_runner::log::{LogReader, Stream};

/// Bytes of a log read at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// What keeps work that a planner left is called so.
const NAME: &str = "planner";

pub(in super::super) struct Order {
    site: Site,
    session: SessionId,
    path: PathBuf,
    from: ObjectId,
    exit: Option<Exit>,
    transcript: String,
    existing: Vec<ObjectiveId>,
    workers: Vec<WorkerId>,
}

impl Order {
    pub(in super::super) fn from_state(state: &State, session: SessionId) -> Option<Self> {
        let session = state.session(session)?;
        let project = state.project(&session.objective.project)?;
        let settings = &project.settings;
        Some(Self {
            site: Site::from_project(project),
            session: session.id,
            path: PathBuf::from(planner_folder(settings, &project.slug)),
            from: session.from.clone(),
            exit: session.process.as_ref().map(|process| process.exit.clone()),
            transcript: settings
                .agent(&session.agent)
                .map(|agent| agent.transcript.clone())
                .unwrap_or_default(),
            existing: state.objectives_of(&project.slug).map(|objective| objective.key.id.clone()).collect(),
            workers: settings.workers.iter().map(|worker| worker.id.clone()).collect(),
        })
    }
}

/// Reads only, but for refs that keep what would be lost; a worktree that is gone already stays gone.
pub(in super::super) fn harvest(world: &World, order: &Order) {
    fail_point!("plan.before");
    let facts = patiently(|| read(world, order)).map(Box::new).map_err(|error| error.to_string());
    fail_point!("plan.after");
    world.report(Input::PlanRead { session: order.session, facts: facts.map_err(Problem::new) });
}

fn read(world: &World, order: &Order) -> Result<PlanFacts, EffectError> {
    let dir = world.workspace.session_dir(order.session);
    let reading = transcript_of(&dir, order).map_err(EffectError::Output)?;
    let prompt = fs::read_to_string(dir.join("prompt.md")).unwrap_or_default();
    let context = PlanContext { existing: &order.existing, workers: &order.workers };
    let plan = plan_of(&reading, &prompt, &context);
    fail_point!("plan.read");
    let salvage = clear(world, order).unwrap_or_else(|error| {
        tracing::warn!(session = %order.session, %error, "the planner's worktree could not be cleared away");
        None
    });
    Ok(PlanFacts {
        plan: plan
            .map(|plan| plan.document)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect()),
        salvage,
        account: account(reading),
    })
}

/// The plan of the planner's last message; where that holds none, of all that it said. What tools printed is not its
/// own, nor is its prompt.
fn plan_of(reading: &Reading, prompt: &str, context: &PlanContext<'_>) -> Result<ReadPlan, Vec<ConfigError>> {
    let last = without_echo(&reading.final_text, prompt);
    let of_last = || plan_file::read_said(&last, prompt, context);
    if plan_file::holds_plan(&last) {
        return of_last();
    }
    let said = without_echo(&reading.said, prompt);
    match plan_file::read_said(&said, prompt, context) {
        // A draft or a form on the way is no belief that nothing is left to do.
        Ok(plan) if plan.document.asks_nothing() => of_last(),
        read if plan_file::holds_plan(&said) => read,
        _ => of_last(),
    }
}

fn account(reading: Reading) -> Account {
    let Reading { usage, counter, agent_session, failure, .. } = reading;
    Account { usage, failure, agent_session, counter }
}

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
            drop(reader.take_lines());
            offset = chunk.next_offset();
        }
    }
    Ok(reader.finish(order.exit.as_ref()).0)
}

/// A planner leaves nothing behind: what it changed or committed nevertheless is kept by refs, and its worktree
/// removed.
fn clear(world: &World, order: &Order) -> Result<Option<Salvage>, GitError> {
    let repository = world.repository(&order.site.repo_root)?;
    let Ok(worktree) = paddock_git::find_worktree(&repository, &order.path, "") else {
        paddock_git::finish_removal(&order.path)?;
        return Ok(None);
    };
    if !worktree.path.is_dir() {
        paddock_git::remove_worktree(&repository, &worktree, &world.workspace.kept_dir())?;
        return Ok(None);
    }
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

/// Commits that it was told not to make: nobody lands them, and nobody loses them.
fn keep_commits(repository: &Repository, worktree: &Worktree, order: &Order) -> Result<(), GitError> {
    let head = fs::read_to_string(worktree.git_dir.join("HEAD")).unwrap_or_default();
    let Ok(head) = ObjectId::new(head.trim()) else { return Ok(()) };
    if head == order.from {
        return Ok(());
    }
    let kept = format!("refs/paddock/kept/{NAME}/{}", order.session);
    let before = repository.commit_of(&kept)?;
    repository.set_ref(&kept, before.as_ref(), &head, "paddock: commits of a planner")?;
    Ok(())
}
