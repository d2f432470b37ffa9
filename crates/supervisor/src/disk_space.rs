//! Whether the disks that Paddock works on are full, and waiting until they are not.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::error::EffectError;
use super::world::World;

/// Interval of the check for free space.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Free bytes below which a disk counts as full.
const FULL_BYTES: u64 = 1 << 20;
/// Free inodes below which a disk counts as full.
const FULL_INODES: u64 = 16;

/// Returns whether the file system of the folder is full. One that gives no answer does not count as full.
pub(super) fn is_disk_full(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|stat| {
        // File systems that make inodes as they need them report a total of 0.
        let lacks_inodes = stat.f_files > 0 && stat.f_favail < FULL_INODES;
        lacks_inodes || stat.f_bavail.saturating_mul(stat.f_frsize) < FULL_BYTES
    })
}

/// Returns whether a program's output holds the system's message for a full disk or a spent quota.
pub(super) fn says_disk_full(text: &str) -> bool {
    text.contains("No space left on device") || text.contains("Disk quota exceeded")
}

impl EffectError {
    /// Returns whether the cause is a full disk or a spent quota.
    pub(super) fn is_disk_full(&self) -> bool {
        let is_missing =
            |error: &io::Error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        let mut cause: Option<&dyn Error> = match self {
            // A transparent error has the cause of its inner error as its own, so the inner error would be
            // skipped.
            Self::System(error) => Some(error),
            other => Some(other),
        };
        while let Some(error) = cause {
            if error.downcast_ref::<io::Error>().is_some_and(is_missing) {
                return true;
            }
            cause = error.source();
        }
        // The git program and libgit2 pass on the system's message, but not its error code.
        says_disk_full(&self.to_string())
    }
}

impl World {
    /// Waits while a disk is full, unless the supervisor is ending.
    pub(super) fn wait_until_disk_has_space(&self) {
        while self.is_full() && !self.is_ending.load(Ordering::SeqCst) {
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Returns whether the disk of the workspace or of a repository is full.
    pub(super) fn is_full(&self) -> bool {
        is_disk_full(self.workspace.root()) || self.repository_roots().iter().any(|root| is_disk_full(root))
    }

    /// Runs `act`, and again whenever it failed for want of space, once there is some.
    pub(super) fn with_disk_space<T>(
        &self,
        mut act: impl FnMut() -> Result<T, EffectError>,
    ) -> Result<T, EffectError> {
        loop {
            let outcome = act();
            // Any error on a full disk is put down to the disk: programs fail in many ways there and seldom
            // say why.
            let is_full = outcome.as_ref().is_err_and(|error| error.is_disk_full() || self.is_full());
            if !is_full || self.is_ending.load(Ordering::SeqCst) {
                return outcome;
            }
            tracing::warn!("the disk is full: an effect waits for free space");
            thread::sleep(LOOK_INTERVAL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_git::GitError;

    #[test]
    fn an_error_knows_whether_space_was_missing_wherever_it_came_from() {
        let full = || io::Error::from(ErrorKind::StorageFull);
        let at = Path::new("/x");
        let io_of_git = |source| GitError::Io { path: at.to_owned(), source };
        let of_git = |stderr: &str| GitError::Program {
            command: "add".to_owned(),
            status: "exit status: 128".to_owned(),
            stderr: stderr.to_owned(),
        };
        let is_full = |error: EffectError| error.is_disk_full();
        assert!(is_full(full().into()) && is_full(EffectError::at(at)(full())));
        assert!(is_full(io_of_git(io::Error::from(ErrorKind::QuotaExceeded)).into()));
        assert!(is_full(
            of_git("fatal: sha1 file: write error. Out of diskspace: No space left on device").into()
        ));
        assert!(!is_full(of_git("fatal: bad object").into()) && !is_full(EffectError::Busy));
        assert!(!is_full(io_of_git(io::Error::from(ErrorKind::NotFound)).into()));
    }
}
