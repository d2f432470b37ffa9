//! `doctor --restore`: replaces a damaged database by its newest intact copy and every later event that can
//! still be read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::database;
use crate::cli::context::Context;
use crate::cli::exit_codes::Failure;
use crate::cli::output;
use paddock_ipc::workspace_lock::WorkspaceLock;
use paddock_model::event::Durability;
use paddock_model::stored::StoredEvent;
use paddock_os::files;
use paddock_os::plain;
use paddock_report::text::counted;
use paddock_store::codec;
use paddock_store::{Batch, EventQuery, Reader, Store, StoreError};

/// Number of events that are read at a time. Small, because events of a damaged page are read again one by
/// one.
const PAGE: u32 = 50;

/// Replaces a damaged database by its newest intact copy, adds later events, and keeps the damaged file.
///
/// Fails if a supervisor runs, or if there is no intact copy. Does nothing if the database is intact.
pub(super) fn restore(context: &Context) -> Result<(), Failure> {
    let path = context.workspace.db();
    let lock = WorkspaceLock::try_take_for_command(&context.workspace.runtime())
        .map_err(|error| Failure::error(format!("{error}; `paddock supervisor stop` first")))?;
    let is_missing = fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    if !is_missing && faults(path)?.is_none() {
        return output::line(
            "the database is intact: nothing to restore (`--rebuild` checks the state in it)",
        );
    }
    let Some(copy) = newest_whole(path)? else {
        return Err(Failure::error(format!(
            "{} is {}, and there is no intact copy of it; keep the file and its -wal, and start again with \
             `paddock init` in another folder: branches and refs/paddock hold all the work",
            path.display(),
            if is_missing { "missing" } else { "damaged" }
        )));
    };
    if is_missing {
        put(&copy, path)?;
        let from = Reader::open(path)?.last_seq()?;
        output::line(&format!(
            "restored from {}: {}. The database was missing, so nothing later can be read. Start a run, which finds \
             in git what was recorded later, and then run `paddock verify`",
            copy.display(),
            counted(usize::try_from(from).unwrap_or(usize::MAX), "event"),
        ))?;
        drop(lock);
        return database::rebuild(context);
    }
    let (kept, from) = (set_aside(path, &copy)?, Reader::open(path)?.last_seq()?);
    let more = later_events(&kept, from);
    let read = more.len();
    if !more.is_empty() {
        let writer = Store::open(path)?.into_writer()?;
        writer.append_and_wait(Batch { events: more, rows: Vec::new(), durability: Durability::Power })?;
        writer.close()?;
    }
    let newest = Reader::open(path)?
        .events(&EventQuery { limit: Some(1), newest_first: true, ..EventQuery::default() })?
        .first()
        .and_then(|event| jiff::Timestamp::from_millisecond(event.at_ms).ok());
    output::line(&format!(
        "restored from {}: {}, and {} that could still be read in the damaged file; the newest is of {}. The \
         damaged file is kept as {}. Start a run, which finds in git what was recorded later, and then run \
         `paddock verify`",
        copy.display(),
        counted(usize::try_from(from).unwrap_or(usize::MAX), "event"),
        counted(read, "later event"),
        newest.map_or_else(|| "nothing".to_owned(), |at| at.to_string()),
        kept.display()
    ))?;
    // The later events came without their rows, and `rebuild` takes the lock itself.
    drop(lock);
    database::rebuild(context)
}

/// Returns the first fault of a database, or `None` if it is intact.
///
/// Fails for any other error, such as a file of another program or a newer schema: those must not be
/// replaced.
fn faults(path: &Path) -> Result<Option<String>, Failure> {
    match Reader::open(path).and_then(|reader| reader.faults()) {
        Ok(faults) => Ok(faults.into_iter().next()),
        Err(StoreError::Damaged { reason, .. }) => Ok(Some(reason)),
        Err(error) => Err(error.into()),
    }
}

/// Returns the newest copy of the database that is intact, if there is one.
fn newest_whole(path: &Path) -> Result<Option<PathBuf>, Failure> {
    let mut copies = paddock_store::backups(path)
        .map_err(|error| Failure::error(format!("{}: {error}", path.display())))?;
    copies.reverse();
    Ok(copies.into_iter().find(|copy| matches!(faults(copy), Ok(None))))
}

/// Appends an ending to a file name. `with_extension` would replace `.db` instead.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Copies a backup beside the database and returns the copy: the backup itself stays for another attempt.
fn copy_of(backup: &Path, path: &Path) -> io::Result<PathBuf> {
    let fresh = with_ending(path, ".restoring");
    let to = files::open_truncated(&fresh)?;
    let mut from = plain::open(backup)?;
    io::copy(&mut from, &mut &to).and_then(|_| to.sync_all())?;
    Ok(fresh)
}

/// Puts a copy of the backup where the database is missing.
fn put(backup: &Path, path: &Path) -> Result<(), Failure> {
    let problem = |error: io::Error| Failure::error(format!("{}: {error}; nothing was lost", path.display()));
    // A log of the database that is gone would be replayed into the copy.
    let kept = with_ending(path, &format!(".deleted-{}", jiff::Timestamp::now().as_millisecond()));
    for ending in ["-wal", "-shm"] {
        match fs::rename(with_ending(path, ending), with_ending(&kept, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(problem(error)),
            _ => {}
        }
    }
    let fresh = copy_of(backup, path).map_err(problem)?;
    files::move_into_place(&fresh, path).map_err(problem)
}

/// Moves the damaged database and its write-ahead log away, and a copy of the backup into its place.
///
/// A crash at any step leaves either the damaged database or the restored one at `path`, so that a second
/// attempt works.
fn set_aside(path: &Path, copy: &Path) -> Result<PathBuf, Failure> {
    let problem = |error: io::Error| Failure::error(format!("{}: {error}; nothing was lost", path.display()));
    let fresh = copy_of(copy, path).map_err(problem)?;
    let kept = with_ending(path, &format!(".damaged-{}", jiff::Timestamp::now().as_millisecond()));
    // A second name and not a rename: if this is cut short while `path` is missing, the next supervisor would
    // create an empty database.
    fs::hard_link(path, &kept).map_err(problem)?;
    // The write-ahead log belongs to the damaged file. Left in place, SQLite would replay it into the
    // restored one.
    for ending in ["-wal", "-shm"] {
        match fs::rename(with_ending(path, ending), with_ending(&kept, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(problem(error)),
            _ => {}
        }
    }
    files::move_into_place(&fresh, path).map_err(problem)?;
    Ok(kept)
}

/// Reads the events after `from` out of the damaged file, up to the first gap or the first unreadable event.
///
/// Events behind a gap are useless: the state is the fold of all events before them.
fn later_events(damaged: &Path, from: u64) -> Vec<StoredEvent> {
    let mut found: Vec<StoredEvent> = Vec::new();
    let Ok(reader) = Reader::open(damaged) else { return found };
    let mut limit = PAGE;
    loop {
        let since = found.last().map_or(from, |event| event.seq);
        let query = EventQuery { since_seq: Some(since), limit: Some(limit), ..EventQuery::default() };
        match reader.events(&query) {
            Ok(page) if page.is_empty() => return found,
            Ok(page) => {
                for event in page {
                    let due = found.last().map_or(from, |event| event.seq) + 1;
                    if event.seq != due || codec::from_stored(&event).is_err() {
                        return found;
                    }
                    found.push(event);
                }
            }
            // One of the events in this page is unreadable: read them one by one, up to that one.
            Err(_) if limit > 1 => limit = 1,
            Err(_) => return found,
        }
    }
}
