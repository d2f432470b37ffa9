//! Everything that can go wrong with the database, by name, with the way out.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the store refused. Cloneable, because one failure is told to everybody who waits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The file's schema is newer than this program.
    #[error(
        "{} was written by a newer Paddock: its schema is {found}, this program knows up to {known}; use the newer program (nothing was changed)",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// The schema version found.
        found: i64,
        /// The newest schema version this program knows.
        known: i64,
    },
    /// The file is a database of another program.
    #[error("{} is a database of another program; move it away or choose another file with PADDOCK_DB", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a database or fails its check.
    #[error(
        "{} is damaged: {reason}; `paddock doctor --restore` keeps it, puts the newest whole `.backup` in its place, and reads what it can from what was damaged",
        path.display()
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What the check said.
        reason: String,
    },
    /// The file or its folder cannot be written.
    #[error("{} cannot be written: {reason}; check owner, permissions and mount of its folder", path.display())]
    ReadOnly {
        /// The database.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// There is no room on the disk.
    #[error(
        "the disk of {} is full: free some space (`paddock doctor` shows what there is) and start again; nothing recorded is lost",
        path.display()
    )]
    DiskFull {
        /// The database.
        path: PathBuf,
    },
    /// Another process holds the write lock for longer than five seconds.
    #[error("{} is locked by another process; close the program that has it open and try again", path.display())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// The file or its folder cannot be opened.
    #[error("{} cannot be opened: {reason}", path.display())]
    CannotOpen {
        /// The database.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file system cannot hold a write-ahead log.
    #[error(
        "{} is on a file system without shared memory (journal mode {mode}); put the workspace on a local disk",
        path.display()
    )]
    NoWal {
        /// The database.
        path: PathBuf,
        /// The journal mode that SQLite fell back to.
        mode: String,
    },
    /// An event does not continue the log. A fault of the caller; nothing was written.
    #[error("event {found} does not continue the log, {expected} is next; nothing was written")]
    NotContiguous {
        /// The sequence number that was due.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// The writer has ended; this batch was not written.
    #[error("the database writer has ended; this was not recorded")]
    WriterGone,
    /// Anything else that SQLite or the system reports.
    #[error("{}: {reason}", path.display())]
    Other {
        /// The database.
        path: PathBuf,
        /// What was reported.
        reason: String,
    },
}

impl StoreError {
    /// Names what SQLite reported about the database at `path`.
    pub(super) fn from_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let reason = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path, reason },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { path, reason },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::CannotOpen) => Self::CannotOpen { path, reason },
            Some(ErrorCode::SystemIoFailure) if is_read_only(&path) => {
                Self::ReadOnly { path, reason: "its file system has become read-only".to_owned() }
            }
            _ => Self::Other { path, reason },
        }
    }

    /// Names what the system reported about the file at `path`.
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

/// Whether the file cannot be opened for writing any more, as after a file system met an error of its disk.
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
    fn what_sqlite_reports_gets_a_name_and_a_way_out() {
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
