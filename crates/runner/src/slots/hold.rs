//! The slot of a job: its lock, held together by the runner and the keeper, and its record.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::folders;
use super::ports::Ports;
use crate::files::{os_text, read_json};
use crate::record::SESSION_FILE;
use crate::spec::{Slot, Submission};
use crate::{RunnerError, traces};
use paddock_os::files::random_hex;
use paddock_os::locks::SharedLock;

/// The content of a slot's file: whose the slot is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    /// Random text that names this use of the slot.
    token: String,
    /// Folder of the job.
    #[serde(with = "os_text::path")]
    dir: PathBuf,
    /// The job's ports.
    #[serde(default)]
    pub(super) ports: Option<Ports>,
    /// Folders to remove when the job is over.
    #[serde(default)]
    folders: Vec<String>,
}

impl Record {
    /// Returns the record of a job that begins.
    pub(super) fn new(dir: &Path, ports: Option<Ports>, folders: Vec<String>) -> Result<Self, RunnerError> {
        let token = random_hex(8).map_err(RunnerError::at("make a name for", dir))?;
        Ok(Self { token, dir: dir.to_owned(), ports, folders })
    }

    /// Reads a record. `None` for an empty one, and for one that was not written to its end: its job never
    /// began.
    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Returns whether processes of the job are alive.
    pub(super) fn is_alive(&self) -> bool {
        traces::of_job(&self.dir).is_some_and(|traces| traces.is_alive())
    }

    /// Gives the folders of the slot other names, and returns these.
    pub(super) fn set_folders_aside(&self) -> Vec<PathBuf> {
        self.folders.iter().filter_map(|folder| folders::set_aside(Path::new(folder))).collect()
    }
}

/// Returns the number of the slot that the job in a folder has, or had; `None` if it has none, or cannot be read.
#[must_use]
pub fn slot_of(dir: &Path) -> Option<u32> {
    let submission = read_json::<Submission>(&dir.join(SESSION_FILE)).ok().flatten()?;
    submission.slot.map(|slot| slot.number)
}

/// A held slot. It is free again when all who hold it have dropped it.
#[derive(Debug)]
pub(crate) struct Hold {
    /// Number of the slot.
    pub(crate) number: u32,
    lock: SharedLock,
    record: Record,
}

impl Hold {
    /// Writes down whose a slot is, and shares its lock. Returns `None` if another process took it in between.
    pub(super) fn begin(
        number: u32,
        (lock, path): (SharedLock, PathBuf),
        record: Record,
        temporary: Option<String>,
    ) -> Result<Option<(Slot, Self)>, RunnerError> {
        let problem =
            |error: serde_json::Error| RunnerError::Format { path: path.clone(), problem: error.to_string() };
        let text = serde_json::to_string(&record).map_err(problem)?;
        lock.write_record(&text).map_err(RunnerError::at("write", &path))?;
        if !lock.share().map_err(RunnerError::at("share", &path))? {
            return Ok(None);
        }
        let slot = Slot { number, temporary, lock: path, token: record.token.clone() };
        Ok(Some((slot, Self { number, lock, record })))
    }

    /// Joins those who hold the slot. Returns `None` if it is another job's by now, or nobody's.
    pub(crate) fn join(slot: &Slot) -> Result<Option<Self>, RunnerError> {
        let Some(lock) = SharedLock::join(&slot.lock)? else { return Ok(None) };
        let text = lock.record().map_err(RunnerError::at("read", &slot.lock))?;
        let record = Record::parse(&text).filter(|record| record.token == slot.token);
        Ok(record.map(|record| Self { number: slot.number, lock, record }))
    }

    /// Joins those who hold the slot of the job in this folder, if it has one.
    pub(crate) fn of_job(dir: &Path) -> Option<Self> {
        let submission = read_json::<Submission>(&dir.join(SESSION_FILE)).ok().flatten()?;
        let joined = Self::join(&submission.slot?);
        joined.inspect_err(|error| tracing::warn!(%error, "the slot of a job cannot be held")).ok().flatten()
    }

    /// Returns whether processes of the job are alive.
    pub(crate) fn is_alive(&self) -> bool {
        self.record.is_alive()
    }

    /// Gives the slot back, as nothing of its job is alive any more. Returns the folders to remove.
    pub(crate) fn end(&self) -> Vec<PathBuf> {
        let folders = self.record.set_folders_aside();
        // A record that stays is looked into by the next job that could have the slot.
        if let Err(error) = self.lock.write_record("") {
            tracing::warn!(%error, "the end of a job's slot cannot be written down");
        }
        folders
    }
}
