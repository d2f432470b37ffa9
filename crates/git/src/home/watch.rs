//! Waiting until something in a place's git directory changes.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

/// How often the refs are read all the same: a watch can miss a change, or be refused by the system.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A watch on a git directory.
pub(crate) struct Watcher {
    /// Kept for its thread; `None` if the system refused the watch.
    _watcher: Option<RecommendedWatcher>,
    events: Option<Receiver<()>>,
}

impl Watcher {
    pub(crate) fn new(git_dir: &Path) -> Self {
        // One event is as good as many: the refs are read after it.
        let (sender, events) = sync_channel(1);
        let tell = move |event: notify::Result<Event>| {
            // The helper's own reading is reported as well.
            if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                let _ = sender.try_send(());
            }
        };
        let config = Config::default().with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(tell, config);
        let watcher = watcher.and_then(|mut watcher| {
            watcher.watch(git_dir, RecursiveMode::NonRecursive)?;
            watcher.watch(&git_dir.join("refs"), RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        match watcher {
            Ok(watcher) => Self { _watcher: Some(watcher), events: Some(events) },
            Err(_) => Self { _watcher: None, events: None },
        }
    }

    /// Waits for an event, at most this long or until the next poll.
    pub(crate) fn wait(&mut self, timeout: Duration) {
        let timeout = timeout.min(POLL_INTERVAL);
        match self.events.as_ref().map(|events| events.recv_timeout(timeout)) {
            Some(Ok(()) | Err(RecvTimeoutError::Timeout)) => {}
            Some(Err(RecvTimeoutError::Disconnected)) => self.events = None,
            None => std::thread::sleep(timeout),
        }
    }
}
