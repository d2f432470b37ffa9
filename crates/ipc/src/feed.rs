//! Committed events for any number of subscribers, each at its own pace.
//!
//! There is no queue per subscriber: each keeps the number of the last event it was given and pulls what
//! comes after it, from a ring of recent ones or from the history. A slow one costs no memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use paddock_model::stored::StoredEvent;

/// Reads up to `max` events after a sequence number, oldest first, from the store. May block.
pub type History = Box<dyn Fn(u64, usize) -> Result<Vec<StoredEvent>, Cause> + Send + Sync>;

/// What the store says.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a subscriber is given nothing more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(Cause),
    /// What it read is not what follows.
    #[error("the history after event {after} cannot be read without a gap")]
    Gap {
        /// The last event that was given.
        after: u64,
    },
    /// Reading panicked, or the feed is gone.
    #[error(transparent)]
    Stopped(Cause),
}

/// How many recent events are kept in memory: hours of normal work, about 2 MB.
const RING_EVENTS: usize = 4096;
/// How many events are handed over at once, so that one subscriber does not hold the ring for long.
const BATCH_EVENTS: usize = 256;

/// Where committed events are published.
pub struct Feed {
    ring: Mutex<Ring>,
    latest: watch::Sender<u64>,
    history: History,
}

struct Ring {
    events: VecDeque<Arc<StoredEvent>>,
    capacity: usize,
    last_seq: u64,
}

/// What a subscriber is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FeedItem {
    /// The next events, contiguous.
    Events(Vec<Arc<StoredEvent>>),
    /// The subscriber was up to date once and has fallen out of the ring since: what it shows is old, and
    /// replaying everything may cost more than reading the state anew.
    Behind {
        /// The last event it was given.
        resume_from: u64,
    },
}

enum Lookup {
    Found(Vec<Arc<StoredEvent>>),
    UpToDate,
    TooOld,
}

impl Ring {
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

    fn push(&mut self, event: StoredEvent) {
        if event.seq <= self.last_seq {
            return;
        }
        if event.seq != self.last_seq + 1 {
            // Something was committed without being published; the history has it.
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
    /// A feed that continues after the last event in the store.
    #[must_use]
    pub fn new(last_seq: u64, history: History) -> Self {
        Self::with_capacity(last_seq, history, RING_EVENTS)
    }

    /// The same with a ring of another size (at least 1).
    #[must_use]
    pub fn with_capacity(last_seq: u64, history: History, capacity: usize) -> Self {
        let ring = Ring { events: VecDeque::new(), capacity: capacity.max(1), last_seq };
        Self { ring: Mutex::new(ring), latest: watch::Sender::new(last_seq), history }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // Nothing in here panics half way through a change.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes events that are committed, in order. Never waits; may be called from any thread.
    pub fn publish(&self, events: Vec<StoredEvent>) {
        let mut ring = self.ring();
        events.into_iter().for_each(|event| ring.push(event));
        let last_seq = ring.last_seq;
        drop(ring);
        self.latest.send_modify(|latest| *latest = last_seq.max(*latest));
    }

    /// The last event that was published.
    #[must_use]
    pub(crate) fn last_seq(&self) -> u64 {
        self.ring().last_seq
    }

    /// Follows the log after `since_seq`, or from now on.
    #[must_use]
    pub(crate) fn subscribe(self: &Arc<Self>, since_seq: Option<u64>) -> Subscription {
        let latest = self.latest.subscribe();
        let cursor = since_seq.unwrap_or_else(|| self.last_seq());
        Subscription { feed: Arc::clone(self), latest, cursor, is_live: since_seq.is_none() }
    }
}

/// One subscriber's place in the log.
pub(crate) struct Subscription {
    feed: Arc<Feed>,
    latest: watch::Receiver<u64>,
    cursor: u64,
    is_live: bool,
}

impl Subscription {
    /// The last event that was handed over.
    #[must_use]
    pub(crate) fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Waits for what comes next. Dropping the wait loses nothing.
    ///
    /// # Errors
    /// When the history cannot be read or has a gap.
    pub(crate) async fn next(&mut self) -> Result<FeedItem, FeedError> {
        loop {
            self.latest.borrow_and_update();
            let found = self.feed.ring().after(self.cursor);
            match found {
                Lookup::Found(events) => return Ok(self.hand_over(events)),
                Lookup::UpToDate => {
                    self.is_live = true;
                    // The feed lives as long as this subscription, so this wait always ends with a change.
                    self.latest.changed().await.map_err(|error| FeedError::Stopped(error.into()))?;
                }
                Lookup::TooOld if self.is_live => {
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

    fn hand_over(&mut self, events: Vec<Arc<StoredEvent>>) -> FeedItem {
        self.cursor = events.last().map_or(self.cursor, |event| event.seq);
        FeedItem::Events(events)
    }

    async fn read_history(&self) -> Result<Vec<Arc<StoredEvent>>, FeedError> {
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
    async fn a_slow_subscriber_is_told_once_and_resumes_without_a_gap() {
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
