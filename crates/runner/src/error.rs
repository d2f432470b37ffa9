//! Errors of runners.

use std::io;
use std::path::{Path, PathBuf};

use super::spec::JobKey;
use paddock_os::FileError;

/// Why a job could not be started, found, extended or stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// A file operation failed.
    #[error("could not {action} {}: {source}", path.display())]
    Io {
        /// The operation, as a verb phrase.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file in the job's folder does not have the form that Paddock writes.
    #[error("{} is not a valid file of Paddock: {problem}; move the file away and start the job again", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The fault of the file's content.
        problem: String,
    },
    /// Another job runs in the worktree.
    #[error("another job is running in {}; wait until it ends, or stop it", worktree.display())]
    WorktreeBusy {
        /// The worktree.
        worktree: PathBuf,
    },
    /// The job's slot was given to another job before its keeper began.
    #[error("slot {number} was given to another job before this one began; start it again")]
    SlotTaken {
        /// Number of the slot.
        number: u32,
    },
    /// Another attempt of the job is still running in the same folder.
    #[error("{wanted} cannot start while {present} is running in the same folder; stop {present} first")]
    OtherAttempt {
        /// The attempt to be started.
        wanted: JobKey,
        /// The attempt that is running.
        present: JobKey,
    },
    /// The keeper could not be started.
    #[error("could not start a keeper with {}: {source}", program.display())]
    Spawn {
        /// The keeper's program.
        program: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The job was neither submitted to this runner nor adopted by it.
    #[error("{key} is unknown to this runner; submit or adopt it first")]
    Unknown {
        /// The unknown job.
        key: JobKey,
    },
}

impl From<FileError> for RunnerError {
    fn from(FileError { action, path, source }: FileError) -> Self {
        Self::Io { action, path, source }
    }
}

impl RunnerError {
    /// Returns whether the disk or the user's quota is full.
    pub(crate) fn is_disk_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Self::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }

    /// Returns a function for `map_err` that adds the failed action and its file.
    pub(crate) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
