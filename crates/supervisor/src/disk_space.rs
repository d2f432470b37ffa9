//! Whether anything can be written where work goes on, and waiting until it can.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::error::EffectError;
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

/// Whether these are the system's words for a full disk, or a spent quota: of programs that are asked for nothing else.
pub(super) fn says_disk_full(text: &str) -> bool {
    text.contains("No space left on device") || text.contains("Disk quota exceeded")
}

impl EffectError {
    /// Whether it failed for want of space, or of quota. Of git, the program and the library, only words say so.
    pub(super) fn is_disk_full(&self) -> bool {
        let is_missing =
            |error: &io::Error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        let mut cause: Option<&dyn Error> = match self {
            // It stands for its error, and so is not the cause of itself.
            Self::System(error) => Some(error),
            other => Some(other),
        };
        while let Some(error) = cause {
            if error.downcast_ref::<io::Error>().is_some_and(is_missing) {
                return true;
            }
            cause = error.source();
        }
        says_disk_full(&self.to_string())
    }
}

impl World {
    /// Waits while there is no room, unless the supervisor is to end: an effect that is not begun is done later, one
    /// that fails half-way has to be explained to somebody.
    pub(super) fn wait_until_disk_has_space(&self) {
        while self.is_full() && !self.is_ending.load(Ordering::SeqCst) {
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Whether nothing can be written where work goes on.
    pub(super) fn is_full(&self) -> bool {
        is_disk_full(self.workspace.root()) || self.repository_roots().iter().any(|root| is_disk_full(root))
    }

    /// Does it again when it failed for want of space, as soon as there is some.
    pub(super) fn with_disk_space<T>(
        &self,
        mut act: impl FnMut() -> Result<T, EffectError>,
    ) -> Result<T, EffectError> {
        loop {
            let outcome = act();
            let is_full = outcome.as_ref().is_err_and(|error| error.is_disk_full() || self.is_full());
            if !is_full || self.is_ending.load(Ordering::SeqCst) {
                return outcome;
            }
            tracing::warn!("the disk is full: an effect waits for room");
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
