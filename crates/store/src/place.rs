//! Whether the open database is still the file at its path, and putting it back if it is not.
//!
//! SQLite works on in a file that was deleted: everything recorded from then on would be gone with the
//! process. While the connection is open, the whole database can still be read through it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::open::{BUSY_TIMEOUT, check, configure};
use super::{StoreError, backup, query};
use paddock_os::{files, plain};

/// Endings of the files beside a database: its write-ahead log, and the index of that.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// Most times that one writer puts its database back. Each time may keep another file, so that something which
/// replaces the database again and again would fill the disk.
const PUT_BACK_MAX: u32 = 20;

/// A database that was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutBack {
    /// The database.
    pub path: PathBuf,
    /// Whether another file was in its place.
    pub was_replaced: bool,
    /// New name of that file, which is kept.
    pub kept: Option<PathBuf>,
}

/// The identity of a file: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

impl FileId {
    /// Returns the identity of the file at a path; `None` if there is none.
    ///
    /// # Errors
    /// Fails if the system does not say whether there is one.
    pub(super) fn at(path: &Path) -> io::Result<Option<Self>> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_symlink() => {
                Ok(fs::metadata(path).ok().map(|found| Self::from_metadata(&found)))
            }
            Ok(found) => Ok(Some(Self::from_metadata(&found))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn from_metadata(found: &fs::Metadata) -> Self {
        Self(found.dev(), found.ino())
    }
}

/// The files of an open database, as they were when it was opened.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    folder: Option<FileId>,
    database: Option<FileId>,
    /// In the order of [`BESIDE`]. One that was not there is not missed.
    beside: [Option<FileId>; 2],
    /// File without which the folder is not the workspace's any more.
    marker: Option<PathBuf>,
    /// Number of times that the database was put back.
    put_back: u32,
}

/// How an open database differs from the files at its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// The folder is gone, or another one is in its place.
    Folder,
    /// The marker is gone: somebody deletes the whole workspace, or has.
    Marker,
    /// A file is gone, or another one is in its place.
    Files,
}

impl Place {
    /// Remembers the files of a database that was just opened and read.
    pub(super) fn at(path: &Path, marker: Option<PathBuf>) -> io::Result<Self> {
        let beside = BESIDE.map(|ending| FileId::at(&with_ending(path, ending)));
        let [log, index] = beside;
        Ok(Self {
            path: path.to_owned(),
            folder: FileId::at(folder_of(path))?,
            database: FileId::at(path)?,
            beside: [log?, index?],
            marker,
            put_back: 0,
        })
    }

    /// Returns how the files differ by now.
    fn loss(&self) -> Option<Loss> {
        if !is_same(folder_of(&self.path), self.folder) {
            return Some(Loss::Folder);
        }
        let is_gone = |marker: &PathBuf| FileId::at(marker).is_ok_and(|found| found.is_none());
        if self.marker.as_ref().is_some_and(is_gone) {
            return Some(Loss::Marker);
        }
        self.files_are_lost().then_some(Loss::Files)
    }

    /// Returns whether the database, or a file beside it, is gone or another one.
    fn files_are_lost(&self) -> bool {
        let mut beside = BESIDE.iter().zip(self.beside);
        !is_same(&self.path, self.database)
            || !beside.all(|(ending, known)| is_same(&with_ending(&self.path, ending), known))
    }
}

/// Refuses a database if a named pipe, a socket or a device stands in its place, or in that of a file beside
/// it. SQLite would wait for a pipe, or read it as an empty database.
///
/// # Errors
/// [`StoreError::CannotOpen`] names it.
pub(super) fn refuse_obstacles(path: &Path) -> Result<(), StoreError> {
    let beside = [BESIDE[0], BESIDE[1], "-journal"].map(|ending| with_ending(path, ending));
    for file in std::iter::once(path).chain(beside.iter().map(PathBuf::as_path)) {
        let found = plain::obstacle(file).map_err(|error| StoreError::from_io(file, &error))?;
        if let Some(found) = found {
            let reason = format!("{} stands in its place; remove it, or put the file back", found.what());
            return Err(StoreError::CannotOpen { path: file.to_owned(), reason });
        }
    }
    Ok(())
}

/// Returns whether the file at a path is the known one, if one is known. A file that cannot be looked at counts
/// as the same: the next read or write meets the reason.
fn is_same(path: &Path, known: Option<FileId>) -> bool {
    known.is_none() || FileId::at(path).map_or(true, |found| found == known)
}

/// Looks whether the open database is still the file at its path. If it is not, copies it through the
/// connection, compares the copy, and moves it into place. The connection is then one to the copy.
///
/// # Errors
/// [`StoreError::Lost`] if the folder is gone, or if the copy differs. The connection is then as before.
/// [`StoreError::WorkspaceLost`] if the marker is gone; the database is then in its place as far as possible.
pub(super) fn keep(
    connection: &mut Connection,
    place: &mut Place,
    last_seq: u64,
) -> Result<Option<PutBack>, StoreError> {
    match place.loss() {
        None => Ok(None),
        Some(Loss::Folder) => Err(StoreError::Lost {
            path: place.path.clone(),
            reason: "its folder was deleted or replaced".to_owned(),
            newest_copy: None,
            rescued: rescue(connection, &place.path, last_seq),
        }),
        Some(Loss::Marker) => {
            let marker = place.marker.clone().unwrap_or_default();
            let path = place.path.clone();
            if place.files_are_lost() {
                // The error's text looks at the path and says whether the database is there.
                let _ = put_back(connection, place, last_seq);
            }
            Err(StoreError::WorkspaceLost { path, marker })
        }
        Some(Loss::Files) if place.put_back >= PUT_BACK_MAX => {
            Err(lost(&place.path, format!("it was deleted or replaced more than {PUT_BACK_MAX} times")))
        }
        Some(Loss::Files) => put_back(connection, place, last_seq).map(Some),
    }
}

/// Returns the error for a database that cannot be put back. Names the newest copy.
fn lost(path: &Path, reason: impl Into<String>) -> StoreError {
    let newest = backup::list(path).ok().and_then(|mut copies| copies.pop());
    StoreError::Lost { path: path.to_owned(), reason: reason.into(), newest_copy: newest, rescued: None }
}

/// Saves the database beside its folder, which is gone, and returns the copy. A folder above that is left alone:
/// nobody would look for the copy there.
fn rescue(connection: &Connection, path: &Path, last_seq: u64) -> Option<PathBuf> {
    let above = folder_of(path).parent().filter(|above| above.is_dir())?;
    let copy = with_ending(&above.join(path.file_name()?), &format!(".rescued-{}", now_ms()));
    let made = backup::copy_into(connection, &copy).and_then(|()| compare(connection, &copy, last_seq));
    made.is_ok().then_some(copy)
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

fn put_back(connection: &mut Connection, place: &mut Place, last_seq: u64) -> Result<PutBack, StoreError> {
    let path = place.path.clone();
    let io = |error: io::Error| StoreError::from_io(&path, &error);
    let sqlite = |error: rusqlite::Error| StoreError::from_sqlite(&path, &error);
    // Closed without a checkpoint, the old connection removes no file by name: those of that name are the new
    // database's by then.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(sqlite)?;
    let copy = with_ending(&path, ".put-back");
    backup::copy_into(connection, &copy)?;
    let verdict = compare(connection, &copy, last_seq);
    if let Err(error) = verdict {
        let _ = fs::remove_file(&copy);
        return Err(error);
    }
    let was_replaced = FileId::at(&path).map_err(io)?.is_some_and(|found| Some(found) != place.database);
    let kept = if was_replaced { Some(set_aside(place).map_err(io)?) } else { None };
    // A log that stays would be replayed into the copy, which holds its content already.
    for ending in BESIDE {
        match fs::remove_file(with_ending(&path, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
    }
    files::move_into_place(&copy, &path).map_err(io)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let fresh = Connection::open_with_flags(&path, flags).map_err(sqlite)?;
    fresh.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
    configure(&fresh, &path)?;
    if query::last_seq(&fresh).map_err(sqlite)? != last_seq {
        return Err(lost(&path, "it could not be opened again after it was put back"));
    }
    let fresh_place = Place::at(&path, place.marker.take()).map_err(io)?;
    *place = Place { put_back: place.put_back + 1, ..fresh_place };
    drop(std::mem::replace(connection, fresh));
    Ok(PutBack { path, was_replaced, kept })
}

/// Compares a copy with the database of the connection: SQLite's check, the newest event, and the number of
/// rows of every table.
fn compare(connection: &Connection, copy: &Path, last_seq: u64) -> Result<(), StoreError> {
    let sqlite = |error: rusqlite::Error| StoreError::from_sqlite(copy, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copied = Connection::open_with_flags(copy, flags).map_err(sqlite)?;
    check(&copied, copy)?;
    let is_same = counts(&copied).map_err(sqlite)? == counts(connection).map_err(sqlite)?
        && query::last_seq(&copied).map_err(sqlite)? == last_seq;
    match is_same {
        true => Ok(()),
        false => Err(lost(copy, "the copy made through the open connection differs")),
    }
}

/// Returns the number of rows of each table, and the two numbers in the file's header.
fn counts(connection: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut statement =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let names = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    let mut counts = Vec::new();
    for name in names {
        let sql = format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\""));
        let count = connection.query_row(&sql, [], |row| row.get(0))?;
        counts.push((name, count));
    }
    for header in ["application_id", "user_version"] {
        counts.push((header.to_owned(), connection.pragma_query_value(None, header, |row| row.get(0))?));
    }
    Ok(counts)
}

/// Renames the file that took the database's place, and the files beside it that are its own.
fn set_aside(place: &Place) -> io::Result<PathBuf> {
    let kept = with_ending(&place.path, &format!(".replaced-{}", now_ms()));
    files::move_into_place(&place.path, &kept)?;
    for (ending, known) in BESIDE.iter().zip(place.beside) {
        let beside = with_ending(&place.path, ending);
        if FileId::at(&beside)?.is_some_and(|found| Some(found) != known) {
            files::move_into_place(&beside, &with_ending(&kept, ending))?;
        }
    }
    Ok(kept)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
