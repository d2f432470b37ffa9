//! Copies of the database: one before each migration, and one from time to time while a supervisor runs.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use super::StoreError;
use paddock_os::files;
use paddock_os::plain;

/// Number of copies kept: enough to go back past a bad upgrade, few enough not to fill the disk.
pub(super) const BACKUPS_KEPT: usize = 3;
const ENDING: &str = ".backup";
/// Free disk space that a copy must leave, in bytes.
const FREE_LEFT_BYTES: u64 = 64 * 1024 * 1024;

/// Writes a complete, consistent copy of the database to `target`, which must not exist, and flushes it.
/// `VACUUM INTO` reads through SQLite, so the copy contains what is still in the write-ahead log.
pub(super) fn copy_into(connection: &Connection, target: &Path) -> Result<(), StoreError> {
    let io = |error: io::Error| StoreError::from_io(target, &error);
    // A copy in the making has another name, so that a killed process leaves no half copy that looks whole.
    let mut partial = target.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    // SQLite would create the file with the default mode. It accepts an empty file, and this one is private.
    files::create_private(&partial).map_err(io)?;
    let text = partial.to_str().ok_or_else(|| StoreError::CannotOpen {
        path: partial.clone(),
        reason: "its name is not UTF-8".to_owned(),
    })?;
    connection.execute("VACUUM INTO ?1", [text]).map_err(|error| StoreError::from_sqlite(target, &error))?;
    plain::open(&partial).and_then(|file| file.sync_all()).map_err(io)?;
    files::move_into_place(&partial, target).map_err(io)
}

/// Copies the database to a file next to it, named after the time and the schema version, and deletes all but
/// the newest copies. The name sorts by time, and the version tells which Paddock can open the copy.
pub(super) fn make_copy(
    connection: &Connection,
    database: &Path,
    version: i64,
) -> Result<PathBuf, StoreError> {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let target = with_ending(database, &format!(".{now_ms:015}-v{version}{ENDING}"));
    copy_into(connection, &target)?;
    prune(database).map_err(|error| StoreError::from_io(database, &error))?;
    Ok(target)
}

/// Copies the database if the newest copy is older than `age`. Returns `None` if it is not, or if the disk
/// lacks space for two more copies.
pub(super) fn when_due(
    connection: &Connection,
    database: &Path,
    age: Duration,
) -> Result<Option<PathBuf>, StoreError> {
    let io = |error: io::Error| StoreError::from_io(database, &error);
    let newest = list(database).map_err(io)?.pop();
    let made = newest.and_then(|copy| copy.metadata().ok()?.modified().ok());
    // After the clock was set back, the copy's time may be in the future and says nothing about its age.
    if made.is_some_and(|made| made.elapsed().is_ok_and(|elapsed| elapsed < age)) {
        return Ok(None);
    }
    let size_bytes = database.metadata().map_err(io)?.len();
    // A copy is a safeguard and must never be what fills the disk.
    let free_bytes = rustix::fs::statvfs(database).map(|found| found.f_bavail.saturating_mul(found.f_frsize));
    let needed_bytes = size_bytes.saturating_mul(2).saturating_add(FREE_LEFT_BYTES);
    if free_bytes.is_ok_and(|free_bytes| free_bytes < needed_bytes) {
        return Ok(None);
    }
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0));
    let version = version.map_err(|error| StoreError::from_sqlite(database, &error))?;
    make_copy(connection, database, version).map(Some)
}

fn with_ending(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Returns the copies of a database, oldest first.
///
/// # Errors
/// Fails if the folder of the database cannot be read.
pub fn list(database: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = database.parent().unwrap_or(Path::new("."));
    let mut prefix: OsString = database.file_name().unwrap_or_default().to_owned();
    prefix.push(".");
    let prefix = prefix.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with(&prefix) && name.ends_with(ENDING) {
            found.push(folder.join(name));
        }
    }
    let made = |path: &PathBuf| path.metadata().and_then(|facts| facts.modified()).unwrap_or(UNIX_EPOCH);
    found.sort_by_cached_key(|path| (made(path), path.clone()));
    Ok(found)
}

fn prune(database: &Path) -> io::Result<()> {
    remove_partial(database)?;
    let copies = list(database)?;
    let surplus = copies.len().saturating_sub(BACKUPS_KEPT);
    copies.iter().take(surplus).try_for_each(fs::remove_file)
}

/// Deletes what a process that was killed while it copied has left.
fn remove_partial(database: &Path) -> io::Result<()> {
    let prefix = format!("{}.", database.file_name().unwrap_or_default().to_string_lossy());
    for entry in fs::read_dir(database.parent().unwrap_or(Path::new(".")))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with(&prefix) && name.ends_with(".backup.partial") {
            fs::remove_file(database.with_file_name(name))?;
        }
    }
    Ok(())
}
