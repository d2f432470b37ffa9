//! Whether anything can be written where work goes on, and waiting until it can.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::world::World;

/// So often it is looked whether there is room.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Below this, in bytes, what fails fails for want of space.
const FULL_BYTES: u64 = 1 << 20;
/// Below this number of files that can still be made, too; file systems that make inodes as they need them name none.
const FULL_INODES: u64 = 16;

/// Whether nothing of any size can be written there. A file system that cannot say is not full.
pub(super) fn is_disk_full(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|stat| {
        let lacks_inodes = stat.f_files > 0 && stat.f_favail < FULL_INODES;
        lacks_inodes || stat.f_bavail.saturating_mul(stat.f_frsize) < FULL_BYTES
    })
}

/// Whether these are the system's words for a full disk, or a spent quota.
pub(super) fn says_disk_full(text: &str) -> bool {
    text.contains("No space left on device") || text.contains("Disk quota exceeded")
}

impl World {
    /// Waits while there is no room, unless the supervisor is to end: an effect that is not begun is done later, one
    /// that fails half-way has to be explained to somebody.
    pub(super) fn wait_until_there_is_room(&self) {
        while self.is_full() && !self.is_ending.load(Ordering::SeqCst) {
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Whether nothing can be written where work goes on.
    pub(super) fn is_full(&self) -> bool {
        is_disk_full(self.workspace.root()) || self.repository_roots().iter().any(|root| is_disk_full(root))
    }

    /// Does it again when it failed for want of space, as soon as there is some.
    pub(super) fn with_room<T>(&self, mut act: impl FnMut() -> Result<T, String>) -> Result<T, String> {
        loop {
            let outcome = act();
            let is_full = outcome.as_ref().is_err_and(|problem| says_disk_full(problem) || self.is_full());
            if !is_full || self.is_ending.load(Ordering::SeqCst) {
                return outcome;
            }
            tracing::warn!("the disk is full: an effect waits for room");
            thread::sleep(LOOK_INTERVAL);
        }
    }
}
