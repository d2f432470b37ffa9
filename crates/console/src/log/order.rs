//! What the thread that reads logs on is asked for.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
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

/// A search that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Sought {
    /// In this log.
    pub of: Of,
    /// The log.
    pub log: SharedLog,
    /// The job's folder.
    pub folder: PathBuf,
    /// What, and from where.
    pub search: Search,
}

/// What the thread is to do and has not taken up. The newest of each kind counts, so that nothing grows however long
/// the thread waits for a disk.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    /// Read these on, and no others.
    pub watch: Option<Vec<Watched>>,
    /// Look for this.
    pub search: Option<Sought>,
    /// Read what the logs on the screen want: somebody waits to see it.
    pub read: bool,
}

/// Where orders are given: without waiting for the thread.
#[derive(Debug)]
pub(crate) struct Desk {
    orders: Arc<Mutex<Orders>>,
    /// Wakes the thread. One word is enough: it takes up all that is there.
    wake: SyncSender<()>,
}

/// The thread's end of it.
#[derive(Debug)]
pub(crate) struct Taker {
    orders: Arc<Mutex<Orders>>,
    /// Hears when there are orders, and when nobody gives any more.
    pub woken: Receiver<()>,
}

/// A desk without orders.
#[must_use]
pub(crate) fn desk() -> (Desk, Taker) {
    let (wake, woken) = sync_channel(1);
    let orders = Arc::<Mutex<Orders>>::default();
    (Desk { orders: orders.clone(), wake }, Taker { orders, woken })
}

impl Desk {
    /// Gives orders.
    pub(crate) fn order(&self, order: impl FnOnce(&mut Orders)) {
        order(&mut self.orders.lock().unwrap_or_else(PoisonError::into_inner));
        // When it is full the thread is on its way.
        let _ = self.wake.try_send(());
    }
}

impl Taker {
    /// Takes up what there is.
    #[must_use]
    pub(crate) fn take(&self) -> Orders {
        std::mem::take(&mut *self.orders.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_that_are_not_taken_up_do_not_grow_and_the_newest_counts() {
        let (desk, taker) = desk();
        let log = SharedLog::new(Mutex::new(Shared::new(super::super::Doc::new(
            "plain",
            paddock_agents::transcript::Setting { now_ms: 0, zone: jiff::tz::TimeZone::UTC },
        ))));
        for number in 0..10_000 {
            let of = Of::Session(SessionId(number));
            let watched = Watched { of, log: log.clone(), folder: PathBuf::new(), is_open: true };
            desk.order(|orders| orders.watch = Some(vec![watched]));
            desk.order(|orders| orders.read = true);
        }
        assert!(taker.woken.recv().is_ok() && taker.woken.try_recv().is_err(), "woken once");
        let Orders { watch, search, read } = taker.take();
        let watched: Vec<Of> = watched_in(watch);
        assert_eq!((watched, search.is_none(), read), (vec![Of::Session(SessionId(9_999))], true, true));
        assert!(taker.take().watch.is_none());
        drop(desk);
        assert!(taker.woken.recv().is_err());
    }

    fn watched_in(watch: Option<Vec<Watched>>) -> Vec<Of> {
        watch.into_iter().flatten().map(|one| one.of).collect()
    }
}
