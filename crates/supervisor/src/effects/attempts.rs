//! Retries for failures that may be temporary.

use std::time::Duration;

use super::super::world::{Site, World};

/// Pauses between the tries of [`patiently`].
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(900)];

/// Runs `act` up to three times and returns the first success or the last error.
///
/// Some failures pass: a git process of a killed supervisor may still be at work and hold a lock, or a disk
/// may report an error once.
pub(super) fn patiently<T, E>(mut act: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    for pause in PAUSES {
        if let Ok(done) = act() {
            return Ok(done);
        }
        std::thread::sleep(pause);
    }
    act()
}

/// Runs `act`, which moves refs. If it fails, removes the locks of processes that are gone and runs it once
/// more.
pub(super) fn past_locks<T, E>(
    world: &World,
    site: &Site,
    mut act: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    // The error is not inspected, since git and libgit2 report a lock in different words. A useless attempt
    // does no harm: only locks that no process holds are removed.
    act().or_else(|_| {
        clear_locks(world, site);
        act()
    })
}

/// Removes the ref locks of processes that are gone. A lock that a killed supervisor left would fail every
/// landing.
pub(in super::super) fn clear_locks(world: &World, site: &Site) {
    // The next look at the target branch reports a repository that cannot be opened.
    let Ok(repository) = world.repository(&site.repo_root) else { return };
    for lock in paddock_git::remove_stale_locks(&repository) {
        tracing::warn!(lock = %lock.display(), "removed the lock of a process that is gone");
    }
}
