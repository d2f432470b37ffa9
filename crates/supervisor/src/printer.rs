//! Hands events on as they are stored, in their order, to somebody who may take long over one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use super::kernel::OnEvents;
use paddock_model::stored::StoredEvent;
use paddock_store::StoreError;

/// Commits that may wait: a burst. Of a terminal that is stopped for hours the store knows what it missed.
const WAITING_MAX: usize = 256;
/// Events read from the store at a time.
const READ_MAX: usize = 256;

/// Events after a sequence number, oldest first, at most so many.
pub(super) type Stored = Box<dyn Fn(u64, usize) -> Result<Vec<StoredEvent>, StoreError> + Send>;

struct Printer<F> {
    on_event: F,
    stored: Stored,
    /// The last event that was handed on; none before the first.
    printed: Option<u64>,
}

/// Starts the thread that calls `on_event`. What is returned never waits; the thread ends once it is dropped and every
/// event was handed on.
pub(super) fn start(
    on_event: impl FnMut(&StoredEvent) + Send + 'static,
    stored: Stored,
) -> (OnEvents, JoinHandle<()>) {
    let (queue, received) = sync_channel::<Vec<StoredEvent>>(WAITING_MAX);
    let latest = Arc::new(AtomicU64::new(0));
    let reported = Arc::clone(&latest);
    let report = move |stored: &[StoredEvent]| {
        let Some(last) = stored.last() else { return };
        reported.fetch_max(last.seq, Ordering::SeqCst);
        // What finds no room is read from the store.
        let _ = queue.try_send(stored.to_vec());
    };
    let printer = Printer { on_event, stored, printed: None };
    (Arc::new(report), thread::spawn(move || printer.work(&received, &latest)))
}

impl<F: FnMut(&StoredEvent)> Printer<F> {
    fn work(mut self, received: &Receiver<Vec<StoredEvent>>, latest: &AtomicU64) {
        for event in received.iter().flatten() {
            // The first one always finds room, so nothing came before it.
            self.catch_up(event.seq.saturating_sub(1));
            self.print(&event);
        }
        self.catch_up(latest.load(Ordering::SeqCst));
    }

    fn print(&mut self, event: &StoredEvent) {
        if self.printed.is_none_or(|printed| event.seq > printed) {
            (self.on_event)(event);
            self.printed = Some(event.seq);
        }
    }

    /// Hands on what was stored up to this event and not received.
    fn catch_up(&mut self, until: u64) {
        while let Some(printed) = self.printed.filter(|printed| *printed < until) {
            let events = match (self.stored)(printed, READ_MAX) {
                Ok(events) => events,
                Err(error) => return tracing::warn!(%error, "events were not printed"),
            };
            events.iter().filter(|event| event.seq <= until).for_each(|event| self.print(event));
            if self.printed == Some(printed) {
                return tracing::warn!(
                    after = printed,
                    "events were not printed: the store does not have them"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

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

    #[test]
    fn who_is_slow_gets_every_event_once_though_few_may_wait() {
        const LAST: u64 = 10 * (WAITING_MAX + READ_MAX) as u64;
        let (go, gate) = mpsc::channel::<()>();
        let (report, reported) = mpsc::channel();
        let on_event = move |event: &StoredEvent| {
            if event.seq == 5 {
                gate.recv().unwrap();
            }
            report.send(event.seq).unwrap();
        };
        let stored: Stored =
            Box::new(|after, max| Ok((after + 1..=LAST).take(max).map(event).collect::<Vec<_>>()));
        let (on_events, thread) = start(on_event, stored);
        (5..=LAST).for_each(|seq| on_events(&[event(seq)]));
        go.send(()).unwrap();
        drop(on_events);
        thread.join().unwrap();
        assert!(reported.iter().eq(5..=LAST), "each once, in order");
    }
}
