//! Requests to the follower thread.
//!
//! The newest request of each kind replaces the one before, so that nothing grows however long the thread
//! waits for a disk.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::doc::Shared;
use super::seek::Search;
use paddock_model::ids::{GateId, SessionId};

/// Names a log by its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogId {
    /// Log of a session.
    Session(SessionId),
    /// Log of a gate run.
    Gate(GateId),
}

/// A log that the follower thread extends and the panes show.
pub(crate) type SharedLog = Arc<Mutex<Shared>>;

/// Locks a log. A log whose holder panicked is still shown: the worst that can be missing is a part of its
/// text.
pub fn lock_log(log: &SharedLog) -> MutexGuard<'_, Shared> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A log to follow.
#[derive(Debug, Clone)]
pub(crate) struct FollowedLog {
    /// Job whose log it is.
    pub of: LogId,
    /// The log.
    pub log: SharedLog,
    /// Folder of the job.
    pub folder: PathBuf,
    /// Whether the state has the job as running.
    pub is_open: bool,
}

/// A search to run.
#[derive(Debug, Clone)]
pub(crate) struct SearchRequest {
    /// Job whose log is searched.
    pub of: LogId,
    /// The log.
    pub log: SharedLog,
    /// Folder of the job.
    pub folder: PathBuf,
    /// Search text, start and direction.
    pub search: Search,
}

/// Requests that the thread has not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    /// The logs to follow from now on, instead of those before.
    pub watch: Option<Vec<FollowedLog>>,
    /// Search to run, instead of the one before.
    pub search: Option<SearchRequest>,
    /// Whether a frame waits for wanted text, so that it must be drawn as soon as the text is there.
    pub read: bool,
}

/// The console's end of the channel; sending never waits for the thread.
#[derive(Debug)]
pub(crate) struct RequestSender {
    requests: Arc<Mutex<Requests>>,
    /// Wakes the thread. Its capacity is one: however many requests there are, the thread takes all at once.
    wake: SyncSender<()>,
}

/// The thread's end of the channel.
#[derive(Debug)]
pub(crate) struct RequestReceiver {
    requests: Arc<Mutex<Requests>>,
    /// Receives a value when there are requests; disconnected once the console is gone.
    pub woken: Receiver<()>,
}

/// Creates a channel for requests.
#[must_use]
pub(crate) fn request_channel() -> (RequestSender, RequestReceiver) {
    // One value is enough to wake the thread, which takes all requests at once.
    let (wake, woken) = sync_channel(1);
    let requests = Arc::<Mutex<Requests>>::default();
    (RequestSender { requests: requests.clone(), wake }, RequestReceiver { requests, woken })
}

impl RequestSender {
    /// Changes the pending requests and wakes the thread.
    pub(crate) fn send(&self, change: impl FnOnce(&mut Requests)) {
        change(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner));
        // A full channel means that the thread has been woken already and will see this change, too. A
        // disconnected one means that the thread has ended; the logs then stay as they are.
        let _ = self.wake.try_send(());
    }
}

impl RequestReceiver {
    /// Takes all pending requests.
    #[must_use]
    pub(crate) fn take(&self) -> Requests {
        std::mem::take(&mut *self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_requests_do_not_grow_and_the_newest_counts() {
        let (sender, receiver) = request_channel();
        let log = SharedLog::new(Mutex::new(Shared::new(super::super::Doc::new(
            "plain",
            paddock_agents::transcript::Setting { now_ms: 0, zone: jiff::tz::TimeZone::UTC },
        ))));
        for number in 0..10_000 {
            let of = LogId::Session(SessionId(number));
            let watched = FollowedLog { of, log: log.clone(), folder: PathBuf::new(), is_open: true };
            sender.send(|requests| requests.watch = Some(vec![watched]));
            sender.send(|requests| requests.read = true);
        }
        assert!(receiver.woken.recv().is_ok() && receiver.woken.try_recv().is_err(), "woken once");
        let Requests { watch, search, read } = receiver.take();
        let watched: Vec<LogId> = watched_in(watch);
        assert_eq!((watched, search.is_none(), read), (vec![LogId::Session(SessionId(9_999))], true, true));
        assert!(receiver.take().watch.is_none());
        drop(sender);
        assert!(receiver.woken.recv().is_err());
    }

    fn watched_in(watch: Option<Vec<FollowedLog>>) -> Vec<LogId> {
        watch.into_iter().flatten().map(|one| one.of).collect()
    }
}
