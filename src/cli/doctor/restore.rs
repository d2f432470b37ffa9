//! A damaged database is put right: the newest whole copy, and every later event that can still be read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::database;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output;
use paddock_ipc::lock::WorkspaceLock;
use paddock_model::event::Durability;
use paddock_model::stored::StoredEvent;
use paddock_os::files;
use paddock_report::text::counted;
use paddock_store::codec;
use paddock_store::{Batch, EventQuery, Reader, Store, StoreError};

/// Events read at a time: a page that cannot be read costs no more than what is behind it.
const PAGE: u32 = 50;

/// Puts the newest whole copy in the place of a damaged database, which is kept beside it.
pub(super) fn restore(context: &Context) -> Result<(), Failure> {
    let path = context.workspace.db();
    let lock = WorkspaceLock::try_take_for_command(&context.workspace.runtime())
        .map_err(|error| Failure::error(format!("{error}; `paddock supervisor stop` first")))?;
    if faults(path)?.is_none() {
        return output::line(
            "the database is whole: nothing to restore (`--rebuild` looks at the state in it)",
        );
    }
    let Some(copy) = newest_whole(path)? else {
        return Err(Failure::error(format!(
            "{} is damaged, and there is no whole copy beside it; keep it and its -wal, and begin anew with \
             `paddock init` elsewhere: branches and refs/paddock hold all the work",
            path.display()
        )));
    };
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
         damaged file is kept as {}. What was recorded later is found again where git shows it: run, and then \
         `paddock verify`",
        copy.display(),
        counted(usize::try_from(from).unwrap_or(usize::MAX), "event"),
        counted(read, "later event"),
        newest.map_or_else(|| "nothing".to_owned(), |at| at.to_string()),
        kept.display()
    ))?;
    drop(lock);
    database::rebuild(context)
}

/// What is wrong with a database; none when it is whole. One that is no damaged database of ours, but somebody's or a
/// newer one, is not touched.
fn faults(path: &Path) -> Result<Option<String>, Failure> {
    match Reader::open(path).and_then(|reader| reader.faults()) {
        Ok(faults) => Ok(faults.into_iter().next()),
        Err(StoreError::Damaged { reason, .. }) => Ok(Some(reason)),
        Err(error) => Err(error.into()),
    }
}

fn newest_whole(path: &Path) -> Result<Option<PathBuf>, Failure> {
    let mut copies = paddock_store::backups(path)
        .map_err(|error| Failure::error(format!("{}: {error}", path.display())))?;
    copies.reverse();
    Ok(copies.into_iter().find(|copy| matches!(faults(copy), Ok(None))))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Moves the damaged database away with its log, and the copy into its place. Cut short anywhere, there is a
/// damaged database or a restored one, and this can be done again.
fn set_aside(path: &Path, copy: &Path) -> Result<PathBuf, Failure> {
    let problem = |error: io::Error| Failure::error(format!("{}: {error}; nothing was lost", path.display()));
    let fresh = beside(path, ".restoring");
    let to = files::open_truncated(&fresh).map_err(problem)?;
    let mut from = fs::File::open(copy).map_err(problem)?;
    io::copy(&mut from, &mut &to).and_then(|_| to.sync_all()).map_err(problem)?;
    let kept = beside(path, &format!(".damaged-{}", jiff::Timestamp::now().as_millisecond()));
    fs::hard_link(path, &kept).map_err(problem)?;
    // The log belongs to the damaged file: it would be written into the other one.
    for ending in ["-wal", "-shm"] {
        match fs::rename(beside(path, ending), beside(&kept, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(problem(error)),
            _ => {}
        }
    }
    files::move_into_place(&fresh, path).map_err(problem)?;
    Ok(kept)
}

/// The events after this one, without a gap, as far as they can be read and understood.
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
            // Somewhere in these: one by one, up to the one that cannot be read.
            Err(_) if limit > 1 => limit = 1,
            Err(_) => return found,
        }
    }
}
