//! Trying again what may fail in passing.

use std::time::Duration;

use super::super::world::{Site, World};

/// Between the tries of [`patiently`].
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(900)];

/// Tries again what may fail in passing: a git of a supervisor that was killed may still be at work and its lock in
/// the way, a disk may have hiccups. What fails to the last is told.
pub(super) fn patiently<T, E>(mut act: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    for pause in PAUSES {
        if let Ok(done) = act() {
            return Ok(done);
        }
        std::thread::sleep(pause);
    }
    act()
}

/// For what moves refs: a second try, once the locks are gone that a process left which is not there any more.
pub(super) fn past_locks<T, E>(
    world: &World,
    site: &Site,
    mut act: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    act().or_else(|_| {
        clear_locks(world, site);
        act()
    })
}

/// Before anything moves a ref: locks that a killed predecessor left would hold up every landing for good.
pub(in super::super) fn clear_locks(world: &World, site: &Site) {
    // A repository that cannot be opened is told of by whoever looks at it next.
    let Ok(repository) = world.repository(&site.repo_root) else { return };
    for lock in paddock_git::remove_stale_locks(&repository) {
        tracing::warn!(lock = %lock.display(), "removed the lock of a process that is gone");
    }
}
