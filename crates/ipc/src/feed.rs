//! Committed events for any number of subscribers, each as fast as it can read.
//!
//! There is no queue per subscriber. Each keeps the sequence number of the last event that it received, and
//! pulls the events after it from a ring of recent events, or from the store. A slow subscriber therefore
//! costs no memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use paddock_model::stored::StoredEvent;

/// Reads up to `max` events after a sequence number, oldest first, from the store. May block.
pub type History = Box<dyn Fn(u64, usize) -> Result<Vec<StoredEvent>, Cause> + Send + Sync>;

/// An error of the store, whose type this crate does not know.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a subscription ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(Cause),
    /// The store returned other events than those that follow.
    #[error("the history after event {after} cannot be read without a gap")]
    Gap {
        /// Last event that the subscriber received.
        after: u64,
    },
    /// The reading panicked, or the feed is gone.
    #[error(transparent)]
    Stopped(Cause),
}

/// Number of recent events in memory: hours of normal work, about 2 MB.
const RING_EVENTS: usize = 4096;
/// Most events in one batch, so that no subscriber locks the ring for long.
const BATCH_EVENTS: usize = 256;

/// Publishes committed events to subscribers.
pub struct Feed {
    ring: Mutex<Ring>,
    /// Wakes the subscribers that are up to date.
    latest: watch::Sender<u64>,
    history: History,
}

/// The most recent events, without gaps.
struct Ring {
    events: VecDeque<Arc<StoredEvent>>,
    capacity: usize,
    last_seq: u64,
}

/// What a subscriber receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FeedItem {
    /// The next events, without a gap.
    Events(Vec<Arc<StoredEvent>>),
    /// The subscriber was up to date once and is too slow now: the next event has left the ring. What the
    /// subscriber shows is old, and reading the state anew may cost it less than replaying all events.
    Behind {
        /// Last event that the subscriber received.
        resume_from: u64,
    },
}

/// The result of a search in the ring.
enum Lookup {
    /// The next events.
    Found(Vec<Arc<StoredEvent>>),
    /// There are no newer events.
    UpToDate,
    /// The next event has left the ring.
    TooOld,
}

impl Ring {
    /// Returns the events after `seq`, at most one batch.
    fn after(&self, seq: u64) -> Lookup {
        if seq >= self.last_seq {
            return Lookup::UpToDate;
        }
        let first = self.events.front().map_or(u64::MAX, |event| event.seq);
        if seq + 1 < first {
            return Lookup::TooOld;
        }
        let skipped = usize::try_from(seq + 1 - first).unwrap_or(usize::MAX);
        Lookup::Found(self.events.iter().skip(skipped).take(BATCH_EVENTS).cloned().collect())
    }

    /// Adds an event, and drops the oldest one if the ring is full.
    fn push(&mut self, event: StoredEvent) {
        // Published already: a subscriber must not receive it twice.
        if event.seq <= self.last_seq {
            return;
        }
        if event.seq != self.last_seq + 1 {
            // Events in between were committed and not published. The ring must not have gaps, so it starts
            // anew; subscribers get the missing events from the store.
            self.events.clear();
        }
        self.last_seq = event.seq;
        self.events.push_back(Arc::new(event));
        if self.events.len() > self.capacity {
            self.events.pop_front();
        }
    }
}

impl Feed {
    /// Returns a feed that continues after `last_seq`, the last event in the store.
    #[must_use]
    pub fn new(last_seq: u64, history: History) -> Self {
        Self::with_capacity(last_seq, history, RING_EVENTS)
    }

    /// Like [`Self::new`], with a ring of another size (at least 1).
    #[must_use]
    pub fn with_capacity(last_seq: u64, history: History, capacity: usize) -> Self {
        let ring = Ring { events: VecDeque::new(), capacity: capacity.max(1), last_seq };
        Self { ring: Mutex::new(ring), latest: watch::Sender::new(last_seq), history }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // A poisoned lock is used all the same: no code under it can panic half-way through a change.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes committed events, in order. Never waits for a subscriber; may be called from any thread.
    pub fn publish(&self, events: Vec<StoredEvent>) {
        let mut ring = self.ring();
        events.into_iter().for_each(|event| ring.push(event));
        let last_seq = ring.last_seq;
        drop(ring);
        // The maximum, since two publishers may reach this line in the other order than the ring.
        self.latest.send_modify(|latest| *latest = last_seq.max(*latest));
    }

    /// Returns the sequence number of the last published event.
    #[must_use]
    pub(crate) fn last_seq(&self) -> u64 {
        self.ring().last_seq
    }

    /// Subscribes to the events after `since_seq`, or from now on.
    #[must_use]
    pub(crate) fn subscribe(self: &Arc<Self>, since_seq: Option<u64>) -> Subscription {
        // Before the cursor is read: an event that is published in between then wakes the subscriber.
        let latest = self.latest.subscribe();
        let cursor = since_seq.unwrap_or_else(|| self.last_seq());
        Subscription { feed: Arc::clone(self), latest, cursor, is_live: since_seq.is_none() }
    }
}

/// One subscriber's place in the log.
pub(crate) struct Subscription {
    feed: Arc<Feed>,
    latest: watch::Receiver<u64>,
    /// Last event that the subscriber received.
    cursor: u64,
    /// Whether the subscriber has been up to date. Only then is falling behind reported: a subscriber that
    /// asked for old events wants them all.
    is_live: bool,
}

impl Subscription {
    /// Returns the sequence number of the last event that the subscriber received.
    #[must_use]
    pub(crate) fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Waits for the next events. The future may be dropped at any time without losing an event.
    ///
    /// # Errors
    /// Fails if the history cannot be read or has a gap.
    pub(crate) async fn next(&mut self) -> Result<FeedItem, FeedError> {
        loop {
            // Marked as seen before the ring is read: an event that is published after the reading wakes the
            // wait below.
            self.latest.borrow_and_update();
            let found = self.feed.ring().after(self.cursor);
            match found {
                Lookup::Found(events) => return Ok(self.hand_over(events)),
                Lookup::UpToDate => {
                    self.is_live = true;
                    // The subscription holds the feed and with it the sender, so this wait does not fail.
                    self.latest.changed().await.map_err(|error| FeedError::Stopped(error.into()))?;
                }
                Lookup::TooOld if self.is_live => {
                    // Reported once. A subscriber that continues all the same gets the missing events from
                    // the store.
                    self.is_live = false;
                    return Ok(FeedItem::Behind { resume_from: self.cursor });
                }
                Lookup::TooOld => {
                    let events = self.read_history().await?;
                    return Ok(self.hand_over(events));
                }
            }
        }
    }

    /// Moves the cursor behind the events.
    fn hand_over(&mut self, events: Vec<Arc<StoredEvent>>) -> FeedItem {
        self.cursor = events.last().map_or(self.cursor, |event| event.seq);
        FeedItem::Events(events)
    }

    /// Reads the next batch from the store, and checks that it has no gap.
    async fn read_history(&self) -> Result<Vec<Arc<StoredEvent>>, FeedError> {
        // On a thread for blocking work: a slow disk must not stop the one thread that serves all clients.
        let (feed, cursor) = (Arc::clone(&self.feed), self.cursor);
        let read = tokio::task::spawn_blocking(move || (feed.history)(cursor, BATCH_EVENTS));
        let read = read.await.map_err(|error| FeedError::Stopped(error.into()))?;
        let events = read.map_err(FeedError::Store)?;
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let is_contiguous =
            count > 0 && events.iter().map(|event| event.seq).eq(cursor + 1..=cursor.saturating_add(count));
        match is_contiguous {
            true => Ok(events.into_iter().map(Arc::new).collect()),
            false => Err(FeedError::Gap { after: cursor }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64) -> StoredEvent {
        StoredEvent {
            seq,
            at_ms: 0,
            kind: "note".to_owned(),
            version: 1,
            project: None,
            objective: None,
            session: None,
            data: "{}".to_owned(),
        }
    }

    /// A store that holds every event there is.
    fn feed(last_seq: u64, capacity: usize) -> Arc<Feed> {
        let history: History = Box::new(|after, max| Ok((after + 1..).take(max).map(event).collect()));
        Arc::new(Feed::with_capacity(last_seq, history, capacity))
    }

    async fn take(subscription: &mut Subscription, count: usize) -> Vec<u64> {
        let mut seqs = Vec::new();
        while seqs.len() < count {
            match subscription.next().await.unwrap() {
                FeedItem::Events(events) => seqs.extend(events.iter().map(|event| event.seq)),
                FeedItem::Behind { .. } => panic!("behind after {seqs:?}"),
            }
        }
        seqs
    }

    #[tokio::test]
    async fn a_late_subscriber_gets_the_history_then_the_ring_then_what_happens() {
        let feed = feed(0, 10);
        feed.publish((1..=1000).map(event).collect());
        let mut early = feed.subscribe(Some(0));
        let mut now = feed.subscribe(None);
        feed.publish(vec![event(1001), event(1001), event(1000)]);
        assert_eq!(take(&mut now, 1).await, [1001]);
        assert!(take(&mut early, 1001).await.into_iter().take(1001).eq(1..=1001));
    }

    #[tokio::test]
    async fn a_slow_subscriber_is_warned_once_and_resumes_without_a_gap() {
        let feed = feed(5, 4);
        let mut slow = feed.subscribe(None);
        feed.publish(vec![event(6)]);
        assert_eq!(take(&mut slow, 1).await, [6]);
        feed.publish((7..=20).map(event).collect());
        assert_eq!(slow.next().await.unwrap(), FeedItem::Behind { resume_from: 6 });
        assert!(take(&mut slow, 14).await.into_iter().take(14).eq(7..=20));
    }

    #[tokio::test]
    async fn a_subscriber_that_knows_more_than_was_published_gets_no_doubles() {
        let feed = feed(5, 4);
        let mut ahead = feed.subscribe(Some(7));
        feed.publish((6..=8).map(event).collect());
        assert_eq!(take(&mut ahead, 1).await, [8]);
    }

    #[tokio::test]
    async fn a_gap_in_the_history_is_an_error() {
        let history: History = Box::new(|after, _| Ok(vec![event(after + 2)]));
        let feed = Arc::new(Feed::new(9, history));
        assert!(feed.subscribe(Some(3)).next().await.unwrap_err().to_string().contains("after event 3"));
    }
}
