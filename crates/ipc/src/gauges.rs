//! Gauges: values that change all the time and are not recorded, such as the commits of a running session.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

use super::Gauge;

/// Most values kept. A thousand sessions with a few gauges each fit. Beyond that the value that was set
/// longest ago is dropped, so that gauges which nobody removed cannot use up the memory.
const GAUGES_MAX: usize = 8192;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    name: String,
    session: Option<u64>,
    gate: Option<u64>,
}

#[derive(Default)]
struct Board {
    /// Each value, with the version at which it was set.
    values: BTreeMap<Key, (u64, Value)>,
    /// Counts the changes.
    version: u64,
}

/// The latest value of every gauge.
///
/// A subscriber receives the values that changed since its last look, each gauge once. Nothing queues up,
/// however fast values change and however slowly a subscriber reads.
pub struct Gauges {
    board: Mutex<Board>,
    version: watch::Sender<u64>,
}

impl Default for Gauges {
    fn default() -> Self {
        Self { board: Mutex::default(), version: watch::Sender::new(0) }
    }
}

impl Gauges {
    fn board(&self) -> MutexGuard<'_, Board> {
        // A poisoned lock is used all the same: no code under it can panic half-way through a change.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a gauge. Never waits for a subscriber. Setting the same value again is no change.
    pub fn set(&self, gauge: Gauge) {
        let key = Key { name: gauge.name, session: gauge.session, gate: gauge.gate };
        let mut board = self.board();
        if board.values.get(&key).is_some_and(|(_, value)| *value == gauge.value) {
            return;
        }
        board.version += 1;
        let version = board.version;
        board.values.insert(key, (version, gauge.value));
        if board.values.len() > GAUGES_MAX {
            let oldest = board.values.iter().min_by_key(|(_, (version, _))| *version);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                board.values.remove(&oldest);
            }
        }
        drop(board);
        // The maximum, since two threads may reach this line in the other order than the board.
        self.version.send_modify(|latest| *latest = version.max(*latest));
    }

    /// Drops all gauges of a session that has ended.
    pub fn forget_session(&self, session: u64) {
        self.board().values.retain(|key, _| key.session != Some(session));
    }

    /// Drops all gauges of a gate run that has ended.
    pub fn forget_gate(&self, gate: u64) {
        self.board().values.retain(|key, _| key.gate != Some(gate));
    }

    /// Subscribes to all gauges. The first look returns every value.
    #[must_use]
    pub(crate) fn subscribe(self: &Arc<Self>) -> GaugeSubscription {
        GaugeSubscription { gauges: Arc::clone(self), version: self.version.subscribe(), seen: 0 }
    }

    /// Returns the current version, and the values that were set after the version `seen`.
    fn since(&self, seen: u64) -> (u64, Vec<Gauge>) {
        let board = self.board();
        let changed = board.values.iter().filter(|(_, (version, _))| *version > seen);
        let gauges = changed
            .map(|(key, (_, value))| Gauge {
                name: key.name.clone(),
                session: key.session,
                gate: key.gate,
                value: value.clone(),
            })
            .collect();
        (board.version, gauges)
    }
}

/// One subscriber's view of the gauges.
pub(crate) struct GaugeSubscription {
    gauges: Arc<Gauges>,
    version: watch::Receiver<u64>,
    /// Version of the board at the last look.
    seen: u64,
}

impl GaugeSubscription {
    /// Waits until at least one gauge has changed, and returns the latest values of all that have. The future
    /// may be dropped at any time without losing a value.
    pub(crate) async fn next(&mut self) -> Vec<Gauge> {
        loop {
            // Marked as seen before the board is read: a change after the reading wakes the wait below.
            self.version.borrow_and_update();
            let (version, changed) = self.gauges.since(self.seen);
            self.seen = version;
            if !changed.is_empty() {
                return changed;
            }
            if self.version.changed().await.is_err() {
                // Cannot happen, since this subscription holds the sender. Without a sender nothing could
                // change.
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gauge(session: u64, value: u64) -> Gauge {
        Gauge { name: "commits".to_owned(), session: Some(session), gate: None, value: value.into() }
    }

    #[tokio::test]
    async fn only_the_latest_value_of_each_gauge_is_sent() {
        let gauges = Arc::new(Gauges::default());
        gauges.set(gauge(1, 1));
        let mut subscription = gauges.subscribe();
        assert_eq!(subscription.next().await, [gauge(1, 1)]);
        for value in 0..10_000 {
            gauges.set(gauge(1, value));
            gauges.set(gauge(2, value));
        }
        gauges.set(gauge(3, 0));
        gauges.forget_session(3);
        assert_eq!(subscription.next().await, [gauge(1, 9999), gauge(2, 9999)]);
        gauges.set(gauge(1, 9999));
        gauges.set(gauge(2, 5));
        assert_eq!(subscription.next().await, [gauge(2, 5)], "the same value again is no change");
    }

    #[test]
    fn the_board_does_not_grow_without_bound() {
        let gauges = Gauges::default();
        for session in 0..9000 {
            gauges.set(gauge(session, 1));
        }
        let (_, kept) = gauges.since(0);
        assert_eq!(kept.len(), GAUGES_MAX);
        assert!(kept.iter().all(|gauge| gauge.session >= Some(9000 - 8192)));
    }
}
