//! Looking at the database beside its writer, from any process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

use super::open::{BUSY_TIMEOUT, refuse_unknown};
use super::schema::{MIGRATIONS, header};
use super::{EntityKind, EventQuery, Snapshot, StoreError, backup, query};
use paddock_model::stored::StoredEvent;

fn unmade(path: &Path) -> StoreError {
    let reason = "it has no tables yet; `paddock run --no-tui --once` makes them";
    StoreError::CannotOpen { path: path.to_owned(), reason: reason.to_owned() }
}

/// A read-only connection. It sees what is committed, never blocks the writer, and every call is a short
/// transaction: a long one would keep the write-ahead log from being cut.
#[derive(Debug)]
pub struct Reader {
    connection: Mutex<Connection>,
    path: PathBuf,
}

impl Reader {
    /// Opens the database if anything can have been recorded in it: there may be no file yet, or one whose maker
    /// died before it had its tables.
    ///
    /// # Errors
    /// As [`Reader::open`], for a database that exists.
    pub fn find(path: &Path) -> Result<Option<Self>, StoreError> {
        match path.exists() {
            true => Self::open_made(path),
            false => Ok(None),
        }
    }

    /// Opens an existing database for reading; changes nothing and needs no lock.
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`] when there is none, [`StoreError::Newer`] when this program is too old for
    /// it, [`StoreError::Damaged`] when it is no database.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_made(path)?.ok_or_else(|| unmade(path))
    }

    /// None when it has no tables yet.
    fn open_made(path: &Path) -> Result<Option<Self>, StoreError> {
        let sqlite = |error: rusqlite::Error| StoreError::from_sqlite(path, &error);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
        let found = header(&connection).map_err(sqlite)?;
        refuse_unknown(path, found, MIGRATIONS)?;
        // An older schema is read as it is: a supervisor of before may be at work on it.
        let reader = || Self { connection: Mutex::new(connection), path: path.to_owned() };
        Ok((found.version > 0).then(reader))
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        // A panic of another caller leaves a connection without an open transaction: it stays usable.
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        read(&connection).map_err(|error| StoreError::from_sqlite(&self.path, &error))
    }

    /// Every row of a kind, by key: `(key, body)`.
    ///
    /// # Errors
    /// What SQLite reports, named.
    pub fn load_rows(&self, kind: EntityKind) -> Result<Vec<(String, String)>, StoreError> {
        self.with(|connection| query::load_rows(connection, kind))
    }

    /// The rows of several kinds as they were at one moment.
    ///
    /// # Errors
    /// What SQLite reports, named.
    pub fn snapshot(&self, kinds: &[EntityKind]) -> Result<Snapshot, StoreError> {
        self.with(|connection| query::snapshot(connection, kinds))
    }

    /// The sequence number of the newest event; 0 when there is none.
    ///
    /// # Errors
    /// What SQLite reports, named.
    pub fn last_seq(&self) -> Result<u64, StoreError> {
        self.with(query::last_seq)
    }

    /// A number that changes when another connection has committed something: cheap to look at.
    ///
    /// # Errors
    /// What SQLite reports, named.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        self.with(|connection| connection.query_row("PRAGMA data_version", [], |row| row.get(0)))
    }

    /// The events that a query asks for. Give a limit and read on with `since_seq` where there may be many.
    ///
    /// # Errors
    /// What SQLite reports, named.
    pub fn events(&self, wanted: &EventQuery) -> Result<Vec<StoredEvent>, StoreError> {
        self.with(|connection| query::events(connection, wanted))
    }

    /// What SQLite finds wrong with the whole file: at most a hundred faults, none when it is whole. It reads
    /// all of it.
    ///
    /// # Errors
    /// What SQLite reports, named.
    pub fn faults(&self) -> Result<Vec<String>, StoreError> {
        let found = self.with(|connection| {
            let mut statement = connection.prepare("PRAGMA integrity_check(100)")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.collect::<rusqlite::Result<Vec<String>>>()
        })?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    /// Copies the database beside itself when the newest copy is older than `age`; where the copy is, if one was
    /// made. Of the copies three are kept. Too little room is no error: there is none then.
    ///
    /// # Errors
    /// What SQLite or the system reports, named.
    pub fn copy_if_due(&self, age: std::time::Duration) -> Result<Option<PathBuf>, StoreError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        backup::when_due(&connection, &self.path, age)
    }

    /// Writes a complete copy of the database to `target` (mode 0600) and flushes it, while the writer works.
    ///
    /// # Errors
    /// What SQLite or the system reports, named.
    pub fn backup_into(&self, target: &Path) -> Result<(), StoreError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        backup::copy_into(&connection, target)
    }
}
