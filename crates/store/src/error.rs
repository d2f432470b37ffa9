//! Errors of the database. Each names the file, the cause and the way out.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the store failed. Cloneable, because every batch that waits gets the same error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The schema of the file is newer than this program.
    #[error(
        "{} was written by a newer Paddock: its schema is {found}, this program knows up to {known}; use \
         the newer program (nothing was changed)",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Schema version of the file.
        found: i64,
        /// Newest schema version that this program knows.
        known: i64,
    },
    /// The file is another program's database.
    #[error(
        "{} is a database of another program; move it away or choose another file with PADDOCK_DB",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a database, or fails SQLite's check.
    #[error(
        "{} is damaged: {reason}; `paddock doctor --restore` keeps it, puts the newest whole `.backup` in \
         its place, and reads what it can from the damaged file",
        path.display()
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What the check reported.
        reason: String,
    },
    /// The file or its folder is not writable.
    #[error(
        "{} cannot be written: {reason}; check owner, permissions and mount of its folder",
        path.display()
    )]
    ReadOnly {
        /// The database.
        path: PathBuf,
        /// What the operating system reported.
        reason: String,
    },
    /// The disk is full.
    #[error(
        "the disk of {} is full: free some space (`paddock doctor` shows what there is) and start again; \
         nothing recorded is lost",
        path.display()
    )]
    DiskFull {
        /// The database.
        path: PathBuf,
    },
    /// Another process held the write lock for more than five seconds.
    #[error(
        "{} is locked by another process; close the program that has it open and try again",
        path.display()
    )]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// The file or its folder cannot be opened.
    #[error("{} cannot be opened: {reason}", path.display())]
    CannotOpen {
        /// The database.
        path: PathBuf,
        /// What the operating system reported.
        reason: String,
    },
    /// The file system does not support a write-ahead log.
    #[error(
        "{} is on a file system without shared memory (journal mode {mode}); put the workspace on a local \
         disk",
        path.display()
    )]
    NoWal {
        /// The database.
        path: PathBuf,
        /// Journal mode that SQLite fell back to.
        mode: String,
    },
    /// An event does not continue the log. The caller is wrong; nothing was written.
    #[error("event {found} does not continue the log, whose next event is {expected}; nothing was written")]
    NotContiguous {
        /// Sequence number that has to come next.
        expected: u64,
        /// Sequence number of the event.
        found: u64,
    },
    /// The database was deleted or replaced while it was open, and could not be put back.
    #[error(
        "{} is lost: {reason}. {}",
        path.display(), remedy_of_loss(path, newest_copy.as_deref(), rescued.as_deref())
    )]
    Lost {
        /// The database.
        path: PathBuf,
        /// What happened to it.
        reason: String,
        /// The newest copy that is left.
        newest_copy: Option<PathBuf>,
        /// A whole copy that was saved elsewhere.
        rescued: Option<PathBuf>,
    },
    /// The workspace around the database was deleted while it was open.
    #[error(
        "{} was deleted, so the folder around it is no workspace any more; nothing was started since. {}",
        marker.display(), remedy_of_workspace(path)
    )]
    WorkspaceLost {
        /// The database.
        path: PathBuf,
        /// The file that makes the folder a workspace.
        marker: PathBuf,
    },
    /// The database is missing, and copies of it are there.
    #[error(
        "{} was deleted: `paddock doctor --restore` puts the newest copy in its place ({}). To begin with an \
         empty one instead, move the copies to another folder",
        path.display(), newest_copy.display()
    )]
    Missing {
        /// The database.
        path: PathBuf,
        /// The newest copy.
        newest_copy: PathBuf,
    },
    /// The writer has ended; the batch was not written.
    #[error("the database writer has ended before it recorded this; start Paddock again and repeat it")]
    WriterGone,
    /// Any other error of SQLite or the operating system.
    #[error("{}: {reason}", path.display())]
    Other {
        /// The database.
        path: PathBuf,
        /// What was reported.
        reason: String,
    },
}

impl StoreError {
    /// Classifies an error that SQLite reported about the database at `path`.
    pub(super) fn from_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let reason = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path, reason },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { path, reason },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::CannotOpen) => Self::CannotOpen { path, reason },
            // Linux remounts a file system read-only after an error of its disk; SQLite reports a plain I/O
            // error then.
            Some(ErrorCode::SystemIoFailure) if is_read_only(&path) => {
                Self::ReadOnly { path, reason: "its file system has become read-only".to_owned() }
            }
            _ => Self::Other { path, reason },
        }
    }

    /// Classifies an error that the operating system reported about the file at `path`.
    pub(super) fn from_io(path: &Path, error: &std::io::Error) -> Self {
        let path = path.to_owned();
        let reason = error.to_string();
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
                Self::ReadOnly { path, reason }
            }
            _ => Self::CannotOpen { path, reason },
        }
    }
}

/// Returns what a person can do about a deleted workspace.
fn remedy_of_workspace(path: &Path) -> String {
    match path.exists() {
        true => format!(
            "The database is whole and in its place ({}): put the other files back, or run `paddock init` there",
            path.display()
        ),
        false => remedy_of_loss(path, None, None),
    }
}

/// Returns what a person can do about a lost database.
fn remedy_of_loss(path: &Path, newest_copy: Option<&Path>, rescued: Option<&Path>) -> String {
    match (rescued, newest_copy) {
        (Some(rescued), _) => format!(
            "Everything recorded is saved in {}: run `paddock init` on the workspace's folder, move that file to \
             {}, and start again",
            rescued.display(),
            path.display()
        ),
        (None, Some(copy)) => format!(
            "What was recorded since the newest copy is in git alone: `paddock doctor --restore` puts that copy in \
             its place ({}); then run `paddock verify`",
            copy.display()
        ),
        (None, None) => {
            "No copy is left beside it: put the folder back from a backup of your own, or start again with \
                 `paddock init`; branches and refs/paddock hold all the work"
                .to_owned()
        }
    }
}

/// Returns whether the file system of a file refuses writing, as it does after an error of its disk.
fn is_read_only(path: &Path) -> bool {
    let opened = std::fs::OpenOptions::new().append(true).open(path);
    opened.is_err_and(|error| error.kind() == std::io::ErrorKind::ReadOnlyFilesystem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn named(code: i32) -> StoreError {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        StoreError::from_sqlite(Path::new("/w/paddock.db"), &error)
    }

    #[test]
    fn errors_of_sqlite_are_classified_and_name_a_way_out() {
        for (code, words) in [
            (ffi::SQLITE_CORRUPT, "damaged"),
            (ffi::SQLITE_NOTADB, ".backup"),
            (ffi::SQLITE_READONLY, "check owner"),
            (ffi::SQLITE_PERM, "check owner"),
            (ffi::SQLITE_FULL, "free some space"),
            (ffi::SQLITE_BUSY, "try again"),
            (ffi::SQLITE_CANTOPEN, "cannot be opened"),
            (ffi::SQLITE_IOERR, "/w/paddock.db: "),
        ] {
            let message = named(code).to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn a_full_disk_and_a_read_only_one_are_told_apart() {
        use std::io::ErrorKind;
        let name = |kind: ErrorKind| StoreError::from_io(Path::new("p"), &kind.into());
        assert!(matches!(name(ErrorKind::StorageFull), StoreError::DiskFull { .. }));
        assert!(matches!(name(ErrorKind::ReadOnlyFilesystem), StoreError::ReadOnly { .. }));
        assert!(matches!(name(ErrorKind::NotFound), StoreError::CannotOpen { .. }));
    }
}
