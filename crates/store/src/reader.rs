//! Reading the database while its writer works, from any process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

use super::migrate::{MIGRATIONS, header};
use super::open::{BUSY_TIMEOUT, refuse_unknown};
use super::place::{FileId, refuse_obstacles};
use super::{EntityKind, EventQuery, Snapshot, StoreError, backup, query};
use paddock_model::stored::StoredEvent;

/// Returns the error for a database that has no tables yet.
fn unmade(path: &Path) -> StoreError {
    let reason = "it has no tables yet; `paddock run --no-tui --once` creates them";
    StoreError::CannotOpen { path: path.to_owned(), reason: reason.to_owned() }
}

/// A read-only connection. It sees what is committed and never blocks the writer. Every call is a short
/// transaction, because a long one would keep the write-ahead log from being emptied.
#[derive(Debug)]
pub struct Reader {
    open: Mutex<Open>,
    path: PathBuf,
}

/// The connection of a reader, and the file that it reads.
#[derive(Debug)]
struct Open {
    connection: Connection,
    file: Option<FileId>,
}

impl Reader {
    /// Opens the database, or returns `None` if nothing can have been recorded in it: the file is missing, or
    /// the process that created it died before it had tables.
    ///
    /// # Errors
    /// As [`Reader::open`], for a database that exists.
    pub fn find(path: &Path) -> Result<Option<Self>, StoreError> {
        match path.exists() {
            true => Self::open_made(path),
            false => Ok(None),
        }
    }

    /// Opens an existing database for reading. Changes nothing and needs no lock.
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`] if there is none, [`StoreError::Newer`] if this program is too old for it,
    /// [`StoreError::Damaged`] if the file is no database.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_made(path)?.ok_or_else(|| unmade(path))
    }

    /// Opens the database, or returns `None` if it has no tables yet.
    fn open_made(path: &Path) -> Result<Option<Self>, StoreError> {
        let open = Open::at(path)?;
        Ok(open.map(|open| Self { open: Mutex::new(open), path: path.to_owned() }))
    }

    /// Runs `read` on a connection to the file that is at the path now.
    fn on_connection<T>(&self, read: impl FnOnce(&Connection) -> T) -> T {
        // A panic of another caller has ended its transaction, so the connection stays usable.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // A writer that puts a deleted database back makes a new file, and the old one is never written
        // again.
        let is_other = FileId::at(&self.path).is_ok_and(|found| found.is_some() && found != open.file);
        if is_other && let Ok(Some(fresh)) = Open::at(&self.path) {
            *open = fresh;
        }
        read(&open.connection)
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.on_connection(read).map_err(|error| StoreError::from_sqlite(&self.path, &error))
    }

    /// Returns every row of a kind as `(key, body)`, in the order of keys.
    ///
    /// # Errors
    /// Returns what SQLite reports, classified.
    pub fn load_rows(&self, kind: EntityKind) -> Result<Vec<(String, String)>, StoreError> {
        self.with(|connection| query::load_rows(connection, kind))
    }

    /// Returns the rows of several kinds as they were at one moment.
    ///
    /// # Errors
    /// Returns what SQLite reports, classified.
    pub fn snapshot(&self, kinds: &[EntityKind]) -> Result<Snapshot, StoreError> {
        self.with(|connection| query::snapshot(connection, kinds))
    }

    /// Returns the sequence number of the newest event; 0 if there is none.
    ///
    /// # Errors
    /// Returns what SQLite reports, classified.
    pub fn last_seq(&self) -> Result<u64, StoreError> {
        self.with(query::last_seq)
    }

    /// Returns a number that changes whenever another connection commits. Cheap enough to poll.
    ///
    /// # Errors
    /// Returns what SQLite reports, classified.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        self.with(|connection| connection.query_row("PRAGMA data_version", [], |row| row.get(0)))
    }

    /// Returns the events that a query selects. If there may be many, set a limit and continue with
    /// `since_seq`.
    ///
    /// # Errors
    /// Returns what SQLite reports, classified.
    pub fn events(&self, wanted: &EventQuery) -> Result<Vec<StoredEvent>, StoreError> {
        self.with(|connection| query::events(connection, wanted))
    }

    /// Reads the whole file and returns what SQLite finds wrong with it: at most a hundred faults, none if it
    /// is whole.
    ///
    /// # Errors
    /// Returns what SQLite reports, classified.
    pub fn faults(&self) -> Result<Vec<String>, StoreError> {
        let found = self.with(|connection| {
            let mut statement = connection.prepare("PRAGMA integrity_check(100)")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.collect::<rusqlite::Result<Vec<String>>>()
        })?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    /// Copies the database to a file next to it if the newest copy is older than `age`, and returns the path
    /// of the copy. Returns `None` if no copy is due, or if the disk lacks space. The newest three copies are
    /// kept.
    ///
    /// # Errors
    /// Returns what SQLite or the operating system reports, classified.
    pub fn copy_if_due(&self, age: std::time::Duration) -> Result<Option<PathBuf>, StoreError> {
        self.on_connection(|connection| backup::when_due(connection, &self.path, age))
    }

    /// Writes a complete copy of the database to `target` (mode 0600) and flushes it, while the writer works.
    ///
    /// # Errors
    /// Returns what SQLite or the operating system reports, classified.
    pub fn backup_into(&self, target: &Path) -> Result<(), StoreError> {
        self.on_connection(|connection| backup::copy_into(connection, target))
    }
}

impl Open {
    /// Opens the database, or returns `None` if it has no tables yet.
    fn at(path: &Path) -> Result<Option<Self>, StoreError> {
        let sqlite = |error: rusqlite::Error| StoreError::from_sqlite(path, &error);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        refuse_obstacles(path)?;
        // Before the connection: a file that is put in its place in between is then noticed.
        let file = FileId::at(path).map_err(|error| StoreError::from_io(path, &error))?;
        let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
        let found = header(&connection).map_err(sqlite)?;
        refuse_unknown(path, found, MIGRATIONS)?;
        // An older schema is read as it is. A reader must not migrate: an older supervisor may run on the
        // database.
        Ok((found.version > 0).then_some(Self { connection, file }))
    }
}
