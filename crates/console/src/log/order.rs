//! What the thread that reads logs on is asked for.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::doc::Shared;
use super::seek::Search;
use paddock_model::ids::{GateId, SessionId};

/// Whose log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Of {
    /// A session's.
    Session(SessionId),
    /// A gate run's.
    Gate(GateId),
}

/// A log that the thread reads on and the panes show.
pub(crate) type SharedLog = Arc<Mutex<Shared>>;

/// Its turn. A log whose reader died half-way is still a log.
pub fn turn(log: &SharedLog) -> MutexGuard<'_, Shared> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A log to be read on.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    /// Whose.
    pub of: Of,
    /// The log.
    pub log: SharedLog,
    /// The job's folder.
    pub folder: PathBuf,
    /// Whether its job is not over, as far as is known.
    pub is_open: bool,
}

/// What the thread is to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Read these on, and no others.
    Watch(Vec<Watched>),
    /// Look for something; the newest search counts.
    Search {
        /// In this log.
        of: Of,
        /// The log.
        log: SharedLog,
        /// The job's folder.
        folder: PathBuf,
        /// What, and from where.
        search: Search,
    },
    /// Read what the logs on the screen want: somebody waits to see it.
    Read,
}
