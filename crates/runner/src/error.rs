//! What can go wrong at the boundary.

use std::io;
use std::path::{Path, PathBuf};

use super::spec::JobKey;
use paddock_os::FileError;

/// Why a job could not be started, found or steered.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// A file operation failed.
    #[error("could not {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the job's folder is not what Paddock writes.
    #[error("{} is not readable as Paddock's own file: {problem}; move it aside and start the job again", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Another job runs in the worktree.
    #[error("another job is running in {}; wait for it to end or stop it", worktree.display())]
    WorktreeBusy {
        /// The worktree.
        worktree: PathBuf,
    },
    /// The folder belongs to another attempt that is still running.
    #[error("{wanted} cannot start in a folder where {present} is running; stop that one first")]
    OtherAttempt {
        /// The job asked for.
        wanted: JobKey,
        /// The job found.
        present: JobKey,
    },
    /// The keeper could not be started.
    #[error("could not start a keeper with {}: {source}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The runner was never told of this job.
    #[error("{key} is not known here; submit or adopt it first")]
    Unknown {
        /// The job asked for.
        key: JobKey,
    },
}

impl From<FileError> for RunnerError {
    fn from(FileError { action, path, source }: FileError) -> Self {
        Self::Io { action, path, source }
    }
}

impl RunnerError {
    /// Whether it failed for want of space, or of quota.
    pub(crate) fn is_disk_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Self::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }

    /// For `map_err`: the failed action and its file.
    pub(crate) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
