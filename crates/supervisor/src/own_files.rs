//! The files that Paddock works with: the database, the workspace's lock, the claims on repositories. Anybody can
//! delete or replace them while they are in use, a `git clean` around the workspace for one.
//!
//! The store's writer looks at the database before and after each commit, and every two seconds
//! (`paddock_store`). The locks are looked at here, at each poll. What is gone is put back, and the event
//! `file_put_back` says so. What cannot be put back ends the supervisor before anything else happens.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::error::SupervisorError;
use super::kernel::Kernel;
use super::message::Message;
use super::world::World;
use paddock_engine::input::Input;
use paddock_ipc::workspace_lock::{Kept, LockError, WorkspaceLock};
use paddock_store::PutBack;

/// Interval of the look for a missing database.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Longest wait for it. The writer needs two seconds, and longer to copy a large database.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tells the log and a person at the terminal that the database was put back. Returns the message for the
/// kernel, which records it.
pub(super) fn database_put_back(put_back: &PutBack) -> Message {
    let kept = put_back.kept.as_ref().map(|kept| kept.display().to_string());
    Message::Input(put_back_input(&put_back.path, put_back.was_replaced, kept))
}

/// Tells the log and a person at the terminal about a file that was put back, and returns the input that
/// records it.
fn put_back_input(path: &Path, was_replaced: bool, kept: Option<String>) -> Input {
    let what = if was_replaced { "replaced" } else { "deleted" };
    let path = path.display().to_string();
    tracing::error!(path, what, kept, "a file that Paddock works with was put back");
    let kept_as = kept.iter().map(|kept| format!("; the other file is kept as {kept}"));
    eprintln!(
        "{path} was {what} while this supervisor used it: it is back with its content{}; nothing is lost",
        kept_as.collect::<String>()
    );
    Input::FilePutBack { path, was_replaced, kept }
}

impl World {
    /// Waits while the database or the workspace's marker is missing: until they are back, nothing may follow
    /// from what is recorded. The writer puts the database back, or ends the supervisor.
    pub(super) fn wait_until_recorded(&self) {
        let (begun, marker) = (Instant::now(), self.workspace.marker());
        let are_there = || self.workspace.db().exists() && marker.exists();
        while !are_there() && !self.is_ending.load(Ordering::SeqCst) && begun.elapsed() < PATIENCE {
            thread::sleep(LOOK_INTERVAL);
        }
    }
}

impl Kernel {
    /// Puts the lock of the workspace and the claims on repositories back if they were deleted or replaced.
    ///
    /// # Errors
    /// Fails if the workspace is gone, or if another process works in it by now.
    pub(super) fn keep_locks(&mut self) -> Result<(), SupervisorError> {
        let mut put_back = Vec::new();
        if let Some(lock) = &self.lock {
            let runtime = self.world.workspace.runtime();
            match lock.keep(&runtime) {
                Ok(Kept::AsItWas) => {}
                Ok(Kept::PutBack { was_replaced }) => {
                    put_back.push((WorkspaceLock::file_in(&runtime), was_replaced));
                }
                // The store's writer, which meets the same, saves the database and ends the supervisor.
                Err(LockError::Gone { .. }) if !self.world.workspace.marker().exists() => return Ok(()),
                Err(LockError::Gone { .. }) => {
                    return Err(SupervisorError::WorkspaceGone(self.world.workspace.root().to_owned()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        // A claim that cannot be put back is dropped: the next attempt to take it says why.
        self.claims.retain(|_, (common_dir, claim)| match claim.keep(common_dir) {
            Ok(Kept::AsItWas) => true,
            Ok(Kept::PutBack { was_replaced }) => {
                put_back.push((claim.file().to_owned(), was_replaced));
                true
            }
            // The repository is away, and may come back as it was.
            Err(LockError::Gone { .. }) if !common_dir.exists() => true,
            Err(error) => {
                tracing::warn!(%error, "a claim on a repository is lost");
                false
            }
        });
        for (path, was_replaced) in put_back {
            self.step(put_back_input(&path, was_replaced, None), None)?;
        }
        Ok(())
    }
}
