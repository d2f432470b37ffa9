//! The follower thread: it reads the logs on the screen from their files until their jobs are over, extends
//! filters, and runs searches.
//!
//! The thread reads the segment files itself instead of asking the supervisor for their text: the bytes are
//! the same, no JSON is made of them and parsed again, and logs can be read without a supervisor.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use super::doc::{Chunk, Mode};
use super::lens::Place;
use super::requests::{
    FollowedLog, LogId, RequestReceiver, RequestSender, Requests, SearchRequest, SharedLog, lock_log,
    request_channel,
};
use super::seek::Step;
use super::source::{Stream, read};
use crate::msg::{Msg, World};
use paddock_os::fail_points::trouble_point;
use paddock_runner::log::LogReader;

/// Poll interval for the end of a log while its job runs. Streamed text is drawn at most ten times a second,
/// so that polling more often would show nothing more.
const FOLLOW_PAUSE: Duration = Duration::from_millis(100);
/// Bytes read and parsed at once. The log is locked while they are parsed: the renderer waits for one chunk
/// at most.
const CHUNK_BYTES: usize = 128 << 10;
/// Lines examined at once for a filter or a search, with the log locked.
const SLICE_LINES: usize = 4_000;

/// Starts the thread.
///
/// # Errors
/// Fails if the system cannot start a thread.
pub(crate) fn start(world: &World) -> std::io::Result<RequestSender> {
    let (sender, requests) = request_channel();
    let follower = Follower {
        requests,
        messages: world.messages.clone(),
        watched: Vec::new(),
        caught_up: BTreeSet::new(),
        search: None,
        is_awaited: false,
        is_notified: Arc::new(AtomicBool::new(false)),
    };
    thread::Builder::new().name("logs".into()).spawn(move || follower.run())?;
    Ok(sender)
}

/// Reads the wanted text of a log from disk and fills it in. Returns whether any was wanted.
///
/// The log is locked for each step on its own and never during the read, so that a hanging disk does not stop
/// the renderer.
fn fill_wanted(log: &SharedLog, folder: &Path) -> bool {
    let wanted = lock_log(log).doc.take_wanted();
    for (stream, block) in &wanted {
        let bytes = read(folder, *stream, block.offset, block.end);
        lock_log(log).doc.fill(*stream, block, &bytes);
    }
    !wanted.is_empty()
}

/// Returns a whole log as text, as a mode shows it; `None` if it has more than `lines_max` lines. Waits for
/// the disk.
#[must_use]
pub(crate) fn whole_text(log: &SharedLog, folder: &Path, mode: Mode, lines_max: u64) -> Option<String> {
    let entries = {
        let log = lock_log(log);
        (log.doc.lines(mode) <= lines_max).then(|| log.doc.entry_lengths(mode))?
    };
    let mut out = String::new();
    for (entry, lines) in entries {
        let mut line = 0;
        while line < lines {
            let content = lock_log(log).doc.content(mode, entry, line);
            // Ends: a block that was filled in is in the cache, empty if its text can no longer be read.
            let Some(content) = content else {
                fill_wanted(log, folder);
                continue;
            };
            if let Some(verb) = content.kind.filter(|_| content.is_first).and_then(super::verb) {
                out.push_str(&format!("{verb:<7}"));
            }
            out.push_str(&content.text());
            out.push('\n');
            line += 1;
        }
    }
    Some(out)
}

struct Follower {
    requests: RequestReceiver,
    messages: SyncSender<Msg>,
    watched: Vec<FollowedLog>,
    /// Logs whose end was reached: the time at which further bytes are read is the time they were written.
    caught_up: BTreeSet<LogId>,
    /// The search that is running, and the last place it has examined.
    search: Option<(SearchRequest, Place)>,
    /// Whether a frame waits for wanted text.
    is_awaited: bool,
    /// Whether a message about new lines is still in the console's channel. A second one would only fill it.
    is_notified: Arc<AtomicBool>,
}

impl Follower {
    fn run(mut self) {
        let mut is_busy = false;
        loop {
            // With more to read, requests are only glanced at; while a job runs, the thread waits for its
            // next output; and with nothing to follow it sleeps until a request arrives, so that an idle
            // console uses no processor time.
            let woken = if is_busy {
                self.requests.woken.recv_timeout(Duration::ZERO)
            } else if self.watched.iter().any(|one| !lock_log(&one.log).doc.is_over()) {
                self.requests.woken.recv_timeout(FOLLOW_PAUSE)
            } else {
                self.requests.woken.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match woken {
                Ok(()) => {
                    let requests = self.requests.take();
                    self.apply(requests);
                }
                Err(RecvTimeoutError::Timeout) => {}
                // The console has ended.
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let mut has_grown = false;
            is_busy = false;
            // One chunk of each log per round, so that a long log does not keep the others waiting.
            for index in 0..self.watched.len() {
                let (grown, more) = self.read_more(index);
                has_grown |= grown;
                is_busy |= more;
            }
            is_busy |= self.continue_search();
            // Wanted text was read above; only now may the frame be drawn again.
            let is_awaited = std::mem::take(&mut self.is_awaited);
            if (is_awaited && !self.notify_now()) || (has_grown && !self.notify()) {
                return;
            }
        }
    }

    /// Applies requests.
    fn apply(&mut self, Requests { watch, search, read }: Requests) {
        if let Some(watched) = watch {
            // A log that is not followed for a while misses output: when it is followed again, what is read
            // first was not written just then.
            self.caught_up.retain(|of| watched.iter().any(|one| one.of == *of));
            self.watched = watched;
        }
        if let Some(sought) = search {
            let at = sought.search.from;
            self.search = Some((sought, at));
        }
        self.is_awaited |= read;
    }

    /// Reads one chunk of each stream of a log and extends its filter by a slice. Returns whether anything on
    /// the screen may have changed, and whether there is more to do at once.
    fn read_more(&mut self, index: usize) -> (bool, bool) {
        let one = &self.watched[index];
        let (mut grown, mut more) = (false, false);
        if !lock_log(&one.log).doc.is_over() {
            trouble_point!("console.logs");
            // Checked before the last read: the keeper writes `exit.json` after the last output. The other
            // way round, output written between read and check would be lost.
            let is_over = !one.is_open || one.folder.join("exit.json").exists();
            let at_ms = self.caught_up.contains(&one.of).then(|| jiff::Timestamp::now().as_millisecond());
            for stream in Stream::ALL {
                let offset = lock_log(&one.log).doc.end(stream);
                // An unreadable log is tried again with the next poll; what was read so far stays.
                let Ok(chunk) = LogReader::open(&one.folder, stream).read_at(offset, CHUNK_BYTES) else {
                    continue;
                };
                if chunk.bytes.is_empty() {
                    continue;
                }
                more = true;
                let piece = Chunk { offset: chunk.offset, gap_bytes: chunk.gap_bytes, bytes: &chunk.bytes };
                lock_log(&one.log).doc.push(stream, piece, at_ms);
            }
            grown = more;
            if !more {
                self.caught_up.insert(one.of);
                // Catching up changes the heading even without new lines.
                grown |= !lock_log(&one.log).is_caught_up();
                lock_log(&one.log).catch_up();
                if is_over {
                    // Only now: an open line may still have been completed by the last read.
                    lock_log(&one.log).doc.finish();
                    grown = true;
                }
            }
        }
        {
            let mut log = lock_log(&one.log);
            // New hits change a filtered view although the log itself may be over.
            let before = log.filter.as_ref().map(|filter| filter.hits.len());
            more |= log.filter_on(SLICE_LINES);
            grown |= before != log.filter.as_ref().map(|filter| filter.hits.len());
        }
        // Both the filter (which stops at missing text) and the last frame may want text.
        grown |= fill_wanted(&one.log, &one.folder);
        (grown, more)
    }

    /// Runs a slice of the search and sends its result, if there is one. Returns whether the search
    /// continues.
    fn continue_search(&mut self) -> bool {
        let Some((mut sought, at)) = self.search.take() else { return false };
        let step = sought.search.go_on(&mut lock_log(&sought.log).doc, at, SLICE_LINES);
        let found = match step {
            Step::GoOn(at) => {
                // The slice may have stopped at missing text.
                fill_wanted(&sought.log, &sought.folder);
                self.search = Some((sought, at));
                return true;
            }
            Step::Found(place) => Some(place),
            Step::Nowhere => None,
        };
        // The text goes with the result, so that a late one is recognized.
        let (of, text) = (sought.of, sought.search.matcher.text().to_owned());
        let change = move |model: &mut crate::Model| {
            model.panes.log.book.found(of, &text, found);
            Vec::new()
        };
        let _ = self.messages.send(Msg::Apply(Box::new(change)));
        false
    }

    /// Tells the console that text has arrived for which a frame waited. Returns false if the console is
    /// gone.
    fn notify_now(&self) -> bool {
        // `Apply` is drawn at once, like a key: it answers one.
        self.messages.send(Msg::Apply(Box::new(|_: &mut crate::Model| Vec::new()))).is_ok()
    }

    /// Tells the console that a log has new lines. Returns false if the console is gone.
    fn notify(&self) -> bool {
        // `Stream` is drawn at the bounded rate of streamed text.
        if self.is_notified.swap(true, Ordering::SeqCst) {
            return true;
        }
        let is_notified = self.is_notified.clone();
        let change = move |_: &mut crate::Model| {
            is_notified.store(false, Ordering::SeqCst);
            Vec::new()
        };
        self.messages.send(Msg::Stream(Box::new(change))).is_ok()
    }
}
