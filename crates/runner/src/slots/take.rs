//! Taking a slot for a job, and finding those that nobody gave back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::folders::{self, Folders};
use super::hold::{Hold, Record};
use super::places::Places;
use super::ports::Ports;
use crate::spec::{Slot, SlotOrder};
use crate::{RunnerError, files};
use paddock_os::locks::{HeldLock, SharedLock};

/// Number of slots whose ports are in use after which the ports no longer count.
const BUSY_MAX: u32 = 64;
/// Number of the last slot.
const SLOT_MAX: u32 = 9_999;
/// Name of the lock under which slots are taken.
const LOCK_FILE: &str = "lock";
/// End of the names of slots' files.
const SLOT_ENDING: &str = ".slot";
/// How long to wait for the lock under which slots are taken. Its holder looks at a few files and ports.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two tries to take that lock.
const POLL: Duration = Duration::from_millis(5);

/// A slot that was taken for a job.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) slot: Slot,
    pub(crate) hold: Hold,
    pub(super) ports: Option<Ports>,
    pub(super) folders: Option<Folders>,
}

/// Takes a slot for the job in a folder. Returns `None` if there is none to be had anywhere, which the log
/// explains. `held` are the slots that the runner's own jobs have, whatever became of their files.
pub(crate) fn take(places: &Places, order: &SlotOrder, dir: &Path, held: &[u32]) -> Option<Taken> {
    places.of_slots().into_iter().find_map(|slots| {
        let why = |error: &RunnerError| {
            tracing::warn!(%error, slots = %slots.display(), "a job has no slot among these");
        };
        take_in(places, &slots, (order, dir), held).inspect_err(why).ok()
    })
}

fn named(folders: io::Result<Folders>) -> Option<Folders> {
    let why = |error: &io::Error| tracing::warn!(%error, "a job has no temporary folders of its own");
    folders.inspect_err(why).ok()
}

/// Waits for the lock under which slots are taken.
fn one_at_a_time(slots: &Path) -> Result<HeldLock, RunnerError> {
    files::make_folder(slots)?;
    let path = slots.join(LOCK_FILE);
    let begun = Instant::now();
    loop {
        if let Some(lock) = HeldLock::take(&path)? {
            return Ok(lock);
        }
        if begun.elapsed() >= PATIENCE {
            return Err(RunnerError::at("lock", &path)(io::ErrorKind::TimedOut.into()));
        }
        thread::sleep(POLL);
    }
}

fn file_of(slots: &Path, number: u32) -> PathBuf {
    slots.join(format!("{number}{SLOT_ENDING}"))
}

/// Returns the numbers that have a file, in no order.
fn numbers(slots: &Path) -> Vec<u32> {
    let entries = fs::read_dir(slots).into_iter().flatten().flatten();
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_suffix(SLOT_ENDING)?.parse().ok();
    entries.filter_map(number).collect()
}

/// Returns a slot that nobody holds, and of whose last job nothing is alive.
fn free(slots: &Path, number: u32) -> Result<Option<(SharedLock, PathBuf)>, RunnerError> {
    let path = file_of(slots, number);
    let Some(lock) = SharedLock::take(&path)? else { return Ok(None) };
    let record = match lock.record() {
        Ok(record) => record,
        // Something else is in the place of the file, such as a named pipe.
        Err(error) => {
            tracing::warn!(%error, slot = %path.display(), "a slot is passed over: its file cannot be read");
            return Ok(None);
        }
    };
    if Record::parse(&record).is_some_and(|record| record.is_alive()) {
        tracing::info!(slot = number, "a slot is passed over: processes of its last job are alive");
        return Ok(None);
    }
    Ok(Some((lock, path)))
}

/// Takes the lowest slot that is free, and whose ports are.
fn take_in(
    places: &Places,
    slots: &Path,
    (order, dir): (&SlotOrder, &Path),
    own: &[u32],
) -> Result<Taken, RunnerError> {
    let _one = one_at_a_time(slots)?;
    let held = |number: &u32| !matches!(SharedLock::take(&file_of(slots, *number)), Ok(Some(_)));
    let held: Vec<u32> = numbers(slots).into_iter().filter(held).collect();
    let ports_of =
        |number: &u32| Record::parse(&SharedLock::record_of_others(&file_of(slots, *number)))?.ports;
    let used: Vec<Ports> = held.iter().filter_map(ports_of).collect();
    let is_free = |number: &u32| !held.contains(number) && !own.contains(number);
    let begin = |number, free, ports| -> Result<Option<Taken>, RunnerError> {
        let folders = named(folders::make(places, slots, number));
        let (owned, temporary) =
            folders.as_ref().map(|folders| (folders.owned.clone(), folders.temporary.clone())).unzip();
        let record = Record::new(dir, ports, owned.unwrap_or_default())?;
        let begun = Hold::begin(number, free, record, temporary)?;
        Ok(begun.map(|(slot, hold)| Taken { slot, hold, ports, folders }))
    };
    let mut busy = 0;
    for number in (0..=SLOT_MAX).filter(is_free) {
        let Some(ports) = Ports::for_slot(order, number).filter(|_| busy < BUSY_MAX) else { break };
        if used.iter().any(|other| ports.overlaps(*other)) {
            continue;
        }
        let Some(free) = free(slots, number)? else { continue };
        if let Some(port) = ports.busy() {
            tracing::info!(slot = number, port, "a slot is passed over: a port of it is in use");
            busy += 1;
        } else if let Some(taken) = begin(number, free, Some(ports))? {
            return Ok(taken);
        }
    }
    for number in (0..=SLOT_MAX).filter(is_free) {
        let Some(free) = free(slots, number)? else { continue };
        if let Some(taken) = begin(number, free, Ports::for_slot(order, number))? {
            let first = taken.ports.map(|ports| ports.first);
            tracing::warn!(
                slot = number,
                first,
                "no slot has free ports; a job has the lowest slot all the same"
            );
            return Ok(taken);
        }
    }
    Err(RunnerError::at("find a free slot in", slots)(io::ErrorKind::QuotaExceeded.into()))
}

/// Removes the temporary folders of slots whose jobs are over, and which nobody gave back.
pub(crate) fn sweep(places: &Places) {
    for slots in places.of_slots().into_iter().filter(|slots| slots.is_dir()) {
        let found = one_at_a_time(&slots).and_then(|_one| {
            let mut unused = Vec::new();
            let mut found = Vec::new();
            for number in numbers(&slots) {
                let Some((lock, path)) = free(&slots, number)? else { continue };
                let record = lock.record().map_err(RunnerError::at("read", &path))?;
                if let Some(record) = Record::parse(&record) {
                    found.extend(record.set_folders_aside());
                    lock.write_record("").map_err(RunnerError::at("write", &path))?;
                }
                unused.push(number);
            }
            found.extend(folders::leftovers(places, &slots, &unused));
            Ok(found)
        });
        match found {
            Ok(found) => folders::discard_now(&found),
            Err(error) => tracing::warn!(%error, "the temporary folders of old jobs stay"),
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
