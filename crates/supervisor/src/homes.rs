//! The own places from which work comes home while their sessions run, as it is made.
//!
//! Each running session has a thread that waits for its place's helper. What comes home moves the work branch
//! in the project, which the kernel sees as it sees the commits of a session in a worktree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use paddock_git::{GitError, Helper, Home, PlaceHome, Repository, Stopper, Worktree};
use paddock_model::ids::{ObjectiveId, SessionId};
use paddock_os::panics::caught;

/// Longest wait of a helper for a change.
const WAIT_MAX: Duration = Duration::from_secs(30);

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

    /// Brings home what a session commits, until [`Self::end`] ends it. Does nothing if that goes on already. A
    /// failure costs the session its budget of commits; its end brings everything home or names the fault.
    pub(super) fn begin(&self, exe: &Path, session: SessionId, source: Source) {
        let mut running = self.running();
        if running.contains_key(&session) {
            return;
        }
        let begun = Helper::start(exe, &source.home()).and_then(|mut helper| {
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
                tracing::warn!(%session, %error, "the work of a session comes home at its end only");
            }
        }
    }

    /// Brings home what is new in a place. `is_last` says that its session has ended.
    ///
    /// # Errors
    /// [`GitError::Place`] names a fault of the place, else whatever the repository reports.
    pub(super) fn bring(&self, exe: &Path, source: &Source, is_last: bool) -> Result<Home, GitError> {
        let home = source.home();
        let busy = self.busy(&source.worktree.git_dir);
        let _one_at_a_time = busy.lock().unwrap_or_else(PoisonError::into_inner);
        Helper::start(exe, &home)?.bring(&home, is_last)
    }

    /// Ends what [`Self::begin`] began, and waits for it.
    pub(super) fn end(&self, session: SessionId) {
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
