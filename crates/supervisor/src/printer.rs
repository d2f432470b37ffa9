//! Prints events in order as they are stored, without ever making the store wait for a slow terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use super::kernel::OnEvents;
use paddock_model::stored::StoredEvent;
use paddock_store::StoreError;

/// Most commits that wait for the printer: a burst. A terminal that is stopped for longer loses nothing,
/// since the printer reads the rest from the store.
const WAITING_MAX: usize = 256;
/// Events read from the store at a time.
const READ_MAX: usize = 256;

/// Reads at most the given number of events after a sequence number, oldest first.
pub(super) type Stored = Box<dyn Fn(u64, usize) -> Result<Vec<StoredEvent>, StoreError> + Send>;

/// The state of the printing thread.
struct Printer<F> {
    on_event: F,
    stored: Stored,
    /// Sequence number of the last printed event; `None` before the first.
    printed: Option<u64>,
}

/// Starts the thread that calls `on_event`, and returns the function that passes events to it. That function
/// never blocks. The thread ends once the function is dropped and every event is printed.
pub(super) fn start(
    on_event: impl FnMut(&StoredEvent) + Send + 'static,
    stored: Stored,
) -> (OnEvents, JoinHandle<()>) {
    let (queue, received) = sync_channel::<Vec<StoredEvent>>(WAITING_MAX);
    let latest = Arc::new(AtomicU64::new(0));
    let newest = Arc::clone(&latest);
    let on_events = move |stored: &[StoredEvent]| {
        let Some(last) = stored.last() else { return };
        newest.fetch_max(last.seq, Ordering::SeqCst);
        // If the queue is full, the printer finds the gap by the sequence numbers and reads these events from
        // the store.
        let _ = queue.try_send(stored.to_vec());
    };
    let printer = Printer { on_event, stored, printed: None };
    (Arc::new(on_events), thread::spawn(move || printer.work(&received, &latest)))
}

impl<F: FnMut(&StoredEvent)> Printer<F> {
    fn work(mut self, received: &Receiver<Vec<StoredEvent>>, latest: &AtomicU64) {
        for event in received.iter().flatten() {
            // Before the first event `printed` is `None` and this does nothing. That is right: the queue was
            // empty then, so the first event of this run was not dropped, and older ones are not of this run.
            self.catch_up(event.seq.saturating_sub(1));
            self.print(&event);
        }
        // The last events may have been dropped from a full queue, with none behind them to reveal the gap.
        self.catch_up(latest.load(Ordering::SeqCst));
    }

    fn print(&mut self, event: &StoredEvent) {
        // A queued event may have been printed by `catch_up` already.
        if self.printed.is_none_or(|printed| event.seq > printed) {
            (self.on_event)(event);
            self.printed = Some(event.seq);
        }
    }

    /// Prints the stored events up to `until` that were not printed yet.
    fn catch_up(&mut self, until: u64) {
        while let Some(printed) = self.printed.filter(|printed| *printed < until) {
            let events = match (self.stored)(printed, READ_MAX) {
                Ok(events) => events,
                Err(error) => return tracing::warn!(%error, "events were not printed"),
            };
            events.iter().filter(|event| event.seq <= until).for_each(|event| self.print(event));
            // No progress: without this check a gap in the store would keep the loop running for ever.
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
    fn a_slow_terminal_gets_every_event_once_though_few_may_wait() {
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
