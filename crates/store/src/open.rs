//! Opening the database. Every fault is noticed here, before anything is changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::migrate::{APPLICATION_ID, Header, MIGRATIONS, header, migrate};
use super::place::refuse_obstacles;
use super::writer::OnNews;
use super::{EntityKind, StoreError, Writer, backup, query};
use paddock_os::files;

/// How long a statement waits while another process holds the lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Size to which SQLite cuts a write-ahead log back after a long reader made it grow.
const JOURNAL_SIZE_LIMIT_BYTES: i64 = 16 * 1024 * 1024;
/// Size up to which the database is checked at every start: the check takes a fraction of a second.
const ALWAYS_CHECKED_BYTES: u64 = 16 * 1024 * 1024;
/// Free disk space below which the database is not opened. With less, Paddock could not even record that it
/// stops.
const MIN_FREE_BYTES: u64 = 4 * 1024 * 1024;

/// The open and migrated database, before its writer starts. The caller holds the workspace's lock.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    /// See [`Store::with_marker`].
    pub(super) marker: Option<PathBuf>,
}

impl Store {
    /// Opens the database and migrates it after copying it. Creates it with mode 0600 if it is missing;
    /// checks it if the last close was not clean or the check is cheap.
    ///
    /// # Errors
    /// Each fault has its own [`StoreError`]. Nothing has been changed then, except that a failed migration
    /// keeps the steps before it; the failed step is rolled back.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, MIGRATIONS)
    }

    pub(super) fn open_with(path: &Path, migrations: &[&str]) -> Result<Self, StoreError> {
        let io = |error: io::Error| StoreError::from_io(path, &error);
        let sqlite = |error: rusqlite::Error| StoreError::from_sqlite(path, &error);
        refuse_obstacles(path)?;
        refuse_missing(path)?;
        let size_bytes = ensure_file(path).map_err(io)?;
        // Before the connection opens: SQLite creates the log.
        let closed_clean = !has_log(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
        let found = header(&connection).map_err(sqlite)?;
        // SQLite opens a file that it may not write for reading, and reports no error until the first write.
        if connection.is_readonly("main").map_err(sqlite)? {
            let reason = "SQLite can open it for reading only".to_owned();
            return Err(StoreError::ReadOnly { path: path.to_owned(), reason });
        }
        // From here to `configure` the database is only read, so a fault leaves it as it was.
        refuse_unknown(path, found, migrations)?;
        let migrates = found.version > 0 && found.version < known(migrations);
        let copy_bytes = if migrates { size_bytes } else { 0 };
        require_free(path, MIN_FREE_BYTES.saturating_add(copy_bytes))?;
        // A process that was killed may have left a damaged file behind; so may a disk that failed while it
        // ran.
        if !closed_clean || size_bytes <= ALWAYS_CHECKED_BYTES {
            check(&connection, path)?;
        }
        if migrates {
            backup::make_copy(&connection, path, found.version)?;
        }
        configure(&connection, path)?;
        migrate(&mut connection, migrations).map_err(sqlite)?;
        Ok(Self { connection, path: path.to_owned(), marker: None })
    }

    /// Names a file whose loss means that the workspace is deleted: the writer then fails instead of putting
    /// the database back and working on.
    #[must_use]
    pub fn with_marker(self, marker: &Path) -> Self {
        Self { marker: Some(marker.to_owned()), ..self }
    }

    /// Returns every row of a kind as `(key, body)`, in the order of keys.
    ///
    /// # Errors
    /// Returns what SQLite reports, classified.
    pub fn load_rows(&self, kind: EntityKind) -> Result<Vec<(String, String)>, StoreError> {
        query::load_rows(&self.connection, kind).map_err(|e| StoreError::from_sqlite(&self.path, &e))
    }

    /// Returns the sequence number of the newest event; 0 if there is none.
    ///
    /// # Errors
    /// Returns what SQLite reports, classified.
    pub fn last_seq(&self) -> Result<u64, StoreError> {
        query::last_seq(&self.connection).map_err(|e| StoreError::from_sqlite(&self.path, &e))
    }

    /// Hands the database to a thread of its own, from now on the only one that writes.
    ///
    /// # Errors
    /// Returns what SQLite or the operating system reports, classified.
    pub fn into_writer(self) -> Result<Writer, StoreError> {
        Writer::start(self, None)
    }

    /// Like [`Store::into_writer`], but the writer waits for space while the disk is full, and reports that,
    /// and what else happens to the database, to `on_news`.
    ///
    /// # Errors
    /// Returns what SQLite or the operating system reports, classified.
    pub fn into_patient_writer(self, on_news: OnNews) -> Result<Writer, StoreError> {
        Writer::start(self, Some(on_news))
    }
}

/// Refuses to begin anew where a database was: copies of it are there.
fn refuse_missing(path: &Path) -> Result<(), StoreError> {
    let is_missing = fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    if !is_missing {
        return Ok(());
    }
    // A folder that cannot be read has its own error, when the file is created.
    match backup::list(path).ok().and_then(|mut copies| copies.pop()) {
        Some(newest_copy) => Err(StoreError::Missing { path: path.to_owned(), newest_copy }),
        None => Ok(()),
    }
}

/// Creates the file if it is missing, closes it to other users, and returns its size in bytes. SQLite gives
/// its `-wal` and `-shm` files the same mode.
fn ensure_file(path: &Path) -> io::Result<u64> {
    match files::create_private(path) {
        Ok(_) => return Ok(0),
        // Created exclusively: between a look and a creation, another process could put its own file there.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    files::close_to_others(path)?;
    Ok(fs::metadata(path)?.len())
}

/// Returns whether a write-ahead log is left. A clean close empties or removes it.
fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(PathBuf::from(log)).is_ok_and(|metadata| metadata.len() > 0)
}

fn known(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// Refuses another program's database and one with a newer schema. Version 0 without tables is an empty file,
/// or one whose maker died before its first migration: that is no fault.
pub(super) fn refuse_unknown(path: &Path, found: Header, migrations: &[&str]) -> Result<(), StoreError> {
    let foreign = match found.version {
        0 => found.application_id != 0 || found.objects > 0,
        _ => found.application_id != APPLICATION_ID,
    };
    if foreign {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    if found.version > known(migrations) {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: found.version,
            known: known(migrations),
        });
    }
    Ok(())
}

fn require_free(path: &Path, bytes: u64) -> Result<(), StoreError> {
    // A file system that does not say how much is free may do: SQLite reports a full disk itself.
    let Ok(found) = rustix::fs::statvfs(path) else { return Ok(()) };
    match found.f_bavail.saturating_mul(found.f_frsize) < bytes {
        true => Err(StoreError::DiskFull { path: path.to_owned() }),
        false => Ok(()),
    }
}

pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let verdict: String = connection
        // The quick check skips the indexes' contents; `Reader::faults` runs the whole one.
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| StoreError::from_sqlite(path, &error))?;
    match verdict.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::Damaged { path: path.to_owned(), reason: verdict }),
    }
}

pub(super) fn configure(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let sqlite = |error: rusqlite::Error| StoreError::from_sqlite(path, &error);
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(sqlite)?;
    // SQLite keeps the old journal mode without an error. Readers would block the writer then.
    if mode != "wal" {
        return Err(StoreError::NoWal { path: path.to_owned(), mode });
    }
    let settings = [
        // For the migration; each append sets its own.
        ("synchronous", rusqlite::types::Value::from("FULL".to_owned())),
        ("foreign_keys", true.into()),
        ("journal_size_limit", JOURNAL_SIZE_LIMIT_BYTES.into()),
        // On macOS a plain fsync stays in the drive's cache. Elsewhere these two do nothing.
        ("fullfsync", true.into()),
        ("checkpoint_fullfsync", true.into()),
    ];
    settings
        .into_iter()
        .try_for_each(|(name, value)| connection.pragma_update(None, name, value))
        .map_err(sqlite)
}
