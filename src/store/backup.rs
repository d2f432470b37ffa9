//! Copies of the database, taken before a migration touches it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use super::StoreError;

/// How many copies are kept: enough to go back over a bad upgrade, few enough to not fill the disk.
pub(super) const BACKUPS_KEPT: usize = 3;
const ENDING: &str = ".backup";

/// Writes a complete, consistent copy of the database to `target`, which must not exist, and flushes it.
/// `VACUUM INTO` reads through SQLite, so a write-ahead log is contained in the copy.
pub(super) fn copy_into(connection: &Connection, target: &Path) -> Result<(), StoreError> {
    let io = |error: io::Error| StoreError::from_io(target, &error);
    let mut partial = target.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    // SQLite accepts an empty file; making it ourselves keeps others from reading it.
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial).map_err(io)?;
    let text = partial.to_str().ok_or_else(|| StoreError::CannotOpen {
        path: partial.clone(),
        reason: "its name is not UTF-8".to_owned(),
    })?;
    connection.execute("VACUUM INTO ?1", [text]).map_err(|error| StoreError::from_sqlite(target, &error))?;
    fs::File::open(&partial).and_then(|file| file.sync_all()).map_err(io)?;
    fs::rename(&partial, target).map_err(io)?;
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}

/// Copies the database beside itself, named after its schema and the time, and removes all but the newest.
pub(super) fn before_migration(
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

fn with_ending(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The copies beside `database`, oldest first.
pub(super) fn list(database: &Path) -> io::Result<Vec<PathBuf>> {
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
    found.sort();
    Ok(found)
}

fn prune(database: &Path) -> io::Result<()> {
    let copies = list(database)?;
    let surplus = copies.len().saturating_sub(BACKUPS_KEPT);
    copies.iter().take(surplus).try_for_each(fs::remove_file)
}
