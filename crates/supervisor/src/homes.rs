//! Brings home the work of sessions in own places: while they run, as it is made, and as a whole when they
//! have ended.
//!
//! Each running session has a thread that waits for its place's helper. What comes home moves the work branch
//! in the project, which the kernel sees as it sees the commits of a session in a worktree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::clock::now_ms;
use super::world::{Site, World};
use paddock_git::{
    GitError, Helper, Home, PlaceHome, Repository, SalvageOrder, Stopper, Worktree, find_worktree,
    keep_for_objective, own_places,
};
use paddock_model::ids::{ObjectiveId, SessionId};
use paddock_model::session::Salvage;
use paddock_os::panics::caught;

/// Longest wait of a helper for a change.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Refs of a place that are copies of what has landed.
const COPIES: [&str; 2] = ["refs/remotes/", "refs/paddock/integration/"];
/// Paths that were left where they are and that an event names.
const LEFT_NAMED_MAX: usize = 20;

/// The place of a session, with what bringing home needs to know of it.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) repository: Repository,
    pub(super) worktree: Worktree,
    pub(super) objective: ObjectiveId,
}

impl Source {
    fn home(&self) -> PlaceHome<'_> {
        PlaceHome {
            repository: &self.repository,
            folder: &self.worktree.path,
            shadow: &self.worktree.git_dir,
            branch: &self.worktree.branch,
            objective: self.objective.as_str(),
            name: self.worktree.place_name(),
        }
    }
}

struct Running {
    is_over: Arc<AtomicBool>,
    stopper: Stopper,
    thread: JoinHandle<()>,
}

/// The places from which work is brought home while their sessions run.
#[derive(Default)]
pub(super) struct Homes {
    running: Mutex<BTreeMap<SessionId, Running>>,
    /// Held while something comes home from a place, by its shadow.
    busy: Mutex<BTreeMap<PathBuf, Arc<Mutex<()>>>>,
}

impl Homes {
    /// Returns the lock under which something comes home from a place.
    fn busy(&self, shadow: &Path) -> Arc<Mutex<()>> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        // Locks that nobody holds or waits for are dropped, so that the map stays as small as what is going on.
        busy.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(busy.entry(shadow.to_owned()).or_default())
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<SessionId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings home what a session commits, until [`last`] ends it. Does nothing if that goes on already. A
    /// failure costs the session its budget of commits; its end brings everything home or names the fault.
    pub(super) fn begin(&self, world: &World, session: SessionId, source: Source) {
        let mut running = self.running();
        if running.contains_key(&session) {
            return;
        }
        let begun = Helper::start(&world.exe, &source.home()).and_then(|mut helper| {
            let (is_over, stopper) = (Arc::new(AtomicBool::new(false)), helper.stopper()?);
            let (over, busy) = (Arc::clone(&is_over), self.busy(&source.worktree.git_dir));
            let work = move || {
                if let Err(panic) = caught(|| follow(session, &source, helper, (&over, &busy))) {
                    tracing::error!(%session, %panic, "the work of a session comes home at its end only");
                }
            };
            let thread = thread::Builder::new().name("homes".to_owned()).spawn(work);
            let thread = thread
                .map_err(|error| GitError::Unexpected(format!("a thread could not be started: {error}")))?;
            Ok(Running { is_over, stopper, thread })
        });
        match begun {
            Ok(found) => drop(running.insert(session, found)),
            Err(error) => {
                tracing::warn!(%session, %error, "the work of a session comes home at its end only")
            }
        }
    }

    /// Ends what [`Self::begin`] began, and waits for it.
    fn end(&self, session: SessionId) {
        let Some(running) = self.running().remove(&session) else { return };
        running.is_over.store(true, Ordering::SeqCst);
        drop(running.stopper);
        // A panic in it is reported there.
        drop(running.thread.join());
    }
}

/// Brings home what a session commits as it is made.
fn follow(
    session: SessionId,
    source: &Source,
    mut helper: Helper,
    (is_over, busy): (&AtomicBool, &Mutex<()>),
) {
    let home = source.home();
    while !is_over.load(Ordering::SeqCst) {
        let brought = helper.changed(&home, WAIT_MAX).and_then(|has_changed| match has_changed {
            true => {
                let _one_at_a_time = busy.lock().unwrap_or_else(PoisonError::into_inner);
                helper.bring(&home, false).map(drop)
            }
            false => Ok(()),
        });
        if let Err(error) = brought {
            // The helper was stopped for the session's end, which brings home what is left.
            if !is_over.load(Ordering::SeqCst) {
                tracing::warn!(%session, %error, "the work of a session comes home at its end only");
            }
            return;
        }
    }
}

/// Brings home everything that a session left in its place. No process of the session runs any more.
///
/// # Errors
/// [`GitError::Place`] names a fault of the place, else whatever the repository reports.
pub(super) fn last(world: &World, session: SessionId, source: &Source) -> Result<Home, GitError> {
    world.homes.end(session);
    bring(world, source, true)
}

fn bring(world: &World, source: &Source, is_last: bool) -> Result<Home, GitError> {
    let home = source.home();
    let busy = world.homes.busy(&source.worktree.git_dir);
    let _one_at_a_time = busy.lock().unwrap_or_else(PoisonError::into_inner);
    Helper::start(&world.exe, &home)?.bring(&home, is_last)
}

/// Brings home what a person committed in places where no session works. Costs a few reads for each own place.
pub(super) fn look(world: &World, repository: &Repository, site: &Site) {
    let places = match own_places(repository) {
        Ok(places) => places,
        Err(error) => return tracing::warn!(project = %site.slug, %error, "own places cannot be listed"),
    };
    for place in places {
        let of = place.marker.split_once('/').filter(|(slug, _)| *slug == site.slug.as_str());
        let Some(objective) = of.and_then(|(_, id)| ObjectiveId::new(id).ok()) else { continue };
        if site.at_work.contains(&objective) || !place.has_commits_of_its_own() {
            continue;
        }
        let found = find_worktree(repository, &place.path, &place.branch).and_then(|worktree| {
            let source = Source { repository: repository.clone(), worktree, objective: objective.clone() };
            bring(world, &source, false)
        });
        if let Err(error) = found {
            tracing::warn!(project = %site.slug, %objective, %error, "commits in a place stay there for now");
        }
    }
}

/// Keeps what is on no branch of the project: the stash of a place as salvaged work, which is returned, and its
/// other branches and tags by refs of the objective.
///
/// # Errors
/// Fails if the repository cannot be read or written.
pub(super) fn keep_left(
    world: &World,
    source: &Source,
    session: u64,
    home: &Home,
) -> Result<Option<Salvage>, GitError> {
    let repository = &source.repository;
    let order = SalvageOrder {
        objective: source.objective.to_string(),
        session,
        exclude: Vec::new(),
        identity: world.identity(repository),
        time_s: now_ms() / 1_000,
    };
    let mut first = None;
    for entry in &home.stashes {
        // A place keeps its stash from one session to the next.
        if repository.is_stash_salvaged(entry, source.objective.as_str())? {
            continue;
        }
        let salvage = repository.salvage_stash(entry, &order)?;
        first.get_or_insert_with(|| salvage_facts(salvage));
    }
    let is_copy = |name: &str| COPIES.iter().any(|prefix| name.starts_with(prefix));
    for (name, commit) in home.refs.iter().filter(|(name, _)| !is_copy(name)) {
        let kept = keep_for_objective(repository, &source.worktree, commit)?;
        if let Some(kept) = kept {
            tracing::info!(objective = %source.objective, %name, %kept, "a ref of a place is kept");
        }
    }
    Ok(first)
}

/// Converts salvaged work to the type of the model.
pub(super) fn salvage_facts(kept: paddock_git::Salvage) -> Salvage {
    Salvage {
        reference: kept.reference,
        commit: kept.commit,
        paths: u32::try_from(kept.paths.len()).unwrap_or(u32::MAX),
        // The names go into an event, which must stay small.
        left: kept.left.into_iter().take(LEFT_NAMED_MAX).collect(),
    }
}
