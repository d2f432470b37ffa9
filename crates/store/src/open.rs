//! Opening the database: everything that can be wrong is noticed here, before anything is changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::schema::{APPLICATION_ID, Header, MIGRATIONS, header, migrate};
use super::writer::OnDiskSpace;
use super::{EntityKind, StoreError, Writer, backup, query};
use paddock_os::files;

/// How long a statement waits for another process that holds the lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// A write-ahead log that a long reader made grow is cut back to this.
const JOURNAL_SIZE_LIMIT_BYTES: i64 = 16 * 1024 * 1024;
/// A database up to this size is checked at every start: it takes a fraction of a second.
const ALWAYS_CHECKED_BYTES: u64 = 16 * 1024 * 1024;
/// Below this much free space a start is refused while there is still room to end decently.
const MIN_FREE_BYTES: u64 = 4 * 1024 * 1024;

/// The opened and migrated database, before its writer runs. Whoever opens it holds the workspace's lock.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

impl Store {
    /// Opens the database, or makes it with mode 0600 if there is none, checks it if the last close was not
    /// clean (or the check is cheap), and migrates it after taking a copy.
    ///
    /// # Errors
    /// Each fault has its own [`StoreError`]; except for a failed migration step, which is rolled back,
    /// nothing has been changed.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, MIGRATIONS)
    }

    pub(super) fn open_with(path: &Path, migrations: &[&str]) -> Result<Self, StoreError> {
        let io = |error: io::Error| StoreError::from_io(path, &error);
        let sqlite = |error: rusqlite::Error| StoreError::from_sqlite(path, &error);
        let size_bytes = ensure_file(path).map_err(io)?;
        let closed_clean = !has_log(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
        let found = header(&connection).map_err(sqlite)?;
        // SQLite quietly falls back to reading what it may not write.
        if connection.is_readonly("main").map_err(sqlite)? {
            let reason = "it can only be read".to_owned();
            return Err(StoreError::ReadOnly { path: path.to_owned(), reason });
        }
        refuse_unknown(path, found, migrations)?;
        let migrates = found.version > 0 && found.version < known(migrations);
        let copy_bytes = if migrates { size_bytes } else { 0 };
        require_free(path, MIN_FREE_BYTES.saturating_add(copy_bytes))?;
        if !closed_clean || size_bytes <= ALWAYS_CHECKED_BYTES {
            check(&connection, path)?;
        }
        if migrates {
            backup::before_migration(&connection, path, found.version)?;
        }
        configure(&connection, path)?;
        migrate(&mut connection, migrations).map_err(sqlite)?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// Every row of a kind, by key: `(key, body)`.
    ///
    /// # Errors
    /// What SQLite reports, named.
    pub fn load_rows(&self, kind: EntityKind) -> Result<Vec<(String, String)>, StoreError> {
        query::load_rows(&self.connection, kind).map_err(|e| StoreError::from_sqlite(&self.path, &e))
    }

    /// The sequence number of the newest event; 0 when there is none.
    ///
    /// # Errors
    /// What SQLite reports, named.
    pub fn last_seq(&self) -> Result<u64, StoreError> {
        query::last_seq(&self.connection).map_err(|e| StoreError::from_sqlite(&self.path, &e))
    }

    /// Gives the database to a thread of its own, the only one that writes from now on.
    ///
    /// # Errors
    /// What SQLite or the system reports, named.
    pub fn into_writer(self) -> Result<Writer, StoreError> {
        Writer::start(self, None)
    }

    /// As [`Store::into_writer`], but what finds the disk full waits until there is room, which is told.
    ///
    /// # Errors
    /// What SQLite or the system reports, named.
    pub fn into_patient_writer(self, on_disk_space: OnDiskSpace) -> Result<Writer, StoreError> {
        Writer::start(self, Some(on_disk_space))
    }
}

/// Makes the file if there is none, closes it to others, and returns its size in bytes. SQLite gives the
/// `-wal` and `-shm` files beside it the same mode.
fn ensure_file(path: &Path) -> io::Result<u64> {
    match files::create_private(path) {
        Ok(_) => return Ok(0),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    files::close_to_others(path)?;
    Ok(fs::metadata(path)?.len())
}

/// A clean close empties or removes the write-ahead log.
fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(PathBuf::from(log)).is_ok_and(|metadata| metadata.len() > 0)
}

fn known(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

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
    // A file system that cannot say how much is free is not refused; SQLite will say so when it is full.
    let Ok(found) = rustix::fs::statvfs(path) else { return Ok(()) };
    match found.f_bavail.saturating_mul(found.f_frsize) < bytes {
        true => Err(StoreError::DiskFull { path: path.to_owned() }),
        false => Ok(()),
    }
}

fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| StoreError::from_sqlite(path, &error))?;
    match verdict.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::Damaged { path: path.to_owned(), reason: verdict }),
    }
}

fn configure(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let sqlite = |error: rusqlite::Error| StoreError::from_sqlite(path, &error);
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(sqlite)?;
    if mode != "wal" {
        return Err(StoreError::NoWal { path: path.to_owned(), mode });
    }
    let settings = [
        ("synchronous", rusqlite::types::Value::from("FULL".to_owned())),
        ("foreign_keys", true.into()),
        ("journal_size_limit", JOURNAL_SIZE_LIMIT_BYTES.into()),
        // On macOS a plain fsync stays in the drive's cache; elsewhere these two say nothing.
        ("fullfsync", true.into()),
        ("checkpoint_fullfsync", true.into()),
    ];
    settings
        .into_iter()
        .try_for_each(|(name, value)| connection.pragma_update(None, name, value))
        .map_err(sqlite)
}
