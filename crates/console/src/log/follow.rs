//! The thread that reads logs on: those that are on the screen, from their files, until their jobs are over.
//!
//! It looks at the files itself, as the supervisor would do for it: the same bytes without JSON around them,
//! and the same way whether a supervisor runs or not.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use super::doc::{Chunk, Mode};
use super::lens::Place;
use super::order::{Desk, Of, Orders, SharedLog, Sought, Taker, Watched, desk, turn};
use super::seek::Step;
use super::source::{Stream, read};
use crate::msg::{Msg, World};
use paddock_os::fail_points::trouble_point;
use paddock_runner::log::LogReader;

/// How often the end of a log is looked at while its job runs: soon enough for an eye.
const FOLLOW_PAUSE: Duration = Duration::from_millis(100);
/// How much is read at once: little enough that whoever draws waits a moment at most.
const CHUNK_BYTES: usize = 128 << 10;
/// Lines looked at for a filter or a search at once, for the same reason.
const SLICE_LINES: usize = 4_000;

/// Starts the thread.
///
/// # Errors
/// When the system gives none.
pub(crate) fn start(world: &World) -> std::io::Result<Desk> {
    let (desk, orders) = desk();
    let follower = Follower {
        orders,
        messages: world.messages.clone(),
        watched: Vec::new(),
        caught_up: BTreeSet::new(),
        search: None,
        is_awaited: false,
        is_notified: Arc::new(AtomicBool::new(false)),
    };
    thread::Builder::new().name("logs".into()).spawn(move || follower.run())?;
    Ok(desk)
}

/// Reads what a log wants and puts it in; says whether there was anything. The log is left to others while the
/// disk is waited for.
fn fetch(log: &SharedLog, folder: &Path) -> bool {
    let wanted = turn(log).doc.take_wanted();
    for (stream, block) in &wanted {
        let bytes = read(folder, *stream, block.offset, block.end);
        turn(log).doc.fill(*stream, block, &bytes);
    }
    !wanted.is_empty()
}

/// The whole of a reading as text, if it has no more than so many lines. Waits for the disk.
#[must_use]
pub(crate) fn whole_text(log: &SharedLog, folder: &Path, mode: Mode, lines_max: u64) -> Option<String> {
    let whole = {
        let log = turn(log);
        (log.doc.lines(mode) <= lines_max).then(|| log.doc.whole(mode))?
    };
    let mut out = String::new();
    for (entry, lines) in whole {
        let mut line = 0;
        while line < lines {
            let content = turn(log).doc.content(mode, entry, line);
            let Some(content) = content else {
                fetch(log, folder);
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
    orders: Taker,
    messages: SyncSender<Msg>,
    watched: Vec<Watched>,
    /// Logs whose end was reached: what comes now comes now.
    caught_up: BTreeSet<Of>,
    /// A search that is under way, and how far it is.
    search: Option<(Sought, Place)>,
    /// Somebody waits for text that is not at hand.
    is_awaited: bool,
    /// A message about growth is on its way; another one would say nothing new.
    is_notified: Arc<AtomicBool>,
}

impl Follower {
    fn run(mut self) {
        let mut is_busy = false;
        loop {
            let woken = if is_busy {
                self.orders.woken.recv_timeout(Duration::ZERO)
            } else if self.watched.iter().any(|one| !turn(&one.log).doc.is_over()) {
                self.orders.woken.recv_timeout(FOLLOW_PAUSE)
            } else {
                self.orders.woken.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match woken {
                Ok(()) => {
                    let orders = self.orders.take();
                    self.take(orders);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let mut has_grown = false;
            is_busy = false;
            for at in 0..self.watched.len() {
                let (grown, more) = self.read_on(at);
                has_grown |= grown;
                is_busy |= more;
            }
            is_busy |= self.search_on();
            let is_awaited = std::mem::take(&mut self.is_awaited);
            if (is_awaited && !self.notify_now()) || (has_grown && !self.notify()) {
                return;
            }
        }
    }

    fn take(&mut self, Orders { watch, search, read }: Orders) {
        if let Some(watched) = watch {
            self.caught_up.retain(|of| watched.iter().any(|one| one.of == *of));
            self.watched = watched;
        }
        if let Some(sought) = search {
            let at = sought.search.from;
            self.search = Some((sought, at));
        }
        self.is_awaited |= read;
    }

    /// One piece of each stream, and what the filter makes of it: whether anything changed, and whether more is
    /// at hand.
    fn read_on(&mut self, at: usize) -> (bool, bool) {
        let one = &self.watched[at];
        let (mut grown, mut more) = (false, false);
        if !turn(&one.log).doc.is_over() {
            // Asked before reading: what is written before the end is then read after it.
            trouble_point!("console.logs");
            let is_over = !one.is_open || one.folder.join("exit.json").exists();
            let at_ms = self.caught_up.contains(&one.of).then(|| jiff::Timestamp::now().as_millisecond());
            for stream in Stream::ALL {
                let offset = turn(&one.log).doc.end(stream);
                let Ok(chunk) = LogReader::open(&one.folder, stream).read_at(offset, CHUNK_BYTES) else {
                    continue;
                };
                if chunk.bytes.is_empty() {
                    continue;
                }
                more = true;
                let piece = Chunk { offset: chunk.offset, gap_bytes: chunk.gap_bytes, bytes: &chunk.bytes };
                turn(&one.log).doc.push(stream, piece, at_ms);
            }
            grown = more;
            if !more {
                self.caught_up.insert(one.of);
                grown |= !turn(&one.log).is_caught_up();
                turn(&one.log).catch_up();
                if is_over {
                    turn(&one.log).doc.finish();
                    grown = true;
                }
            }
        }
        {
            let mut log = turn(&one.log);
            let before = log.filter.as_ref().map(|filter| filter.hits.len());
            more |= log.filter_on(SLICE_LINES);
            grown |= before != log.filter.as_ref().map(|filter| filter.hits.len());
        }
        // What the filter stopped at, and what the last frame lacked.
        grown |= fetch(&one.log, &one.folder);
        (grown, more)
    }

    /// Says whether the search goes on.
    fn search_on(&mut self) -> bool {
        let Some((mut sought, at)) = self.search.take() else { return false };
        let step = sought.search.go_on(&mut turn(&sought.log).doc, at, SLICE_LINES);
        let found = match step {
            Step::GoOn(at) => {
                fetch(&sought.log, &sought.folder);
                self.search = Some((sought, at));
                return true;
            }
            Step::Found(place) => Some(place),
            Step::Nowhere => None,
        };
        let (of, text) = (sought.of, sought.search.matcher.text().to_owned());
        let change = move |model: &mut crate::Model| {
            model.panes.log.book.found(of, &text, found);
            Vec::new()
        };
        let _ = self.messages.send(Msg::Apply(Box::new(change)));
        false
    }

    /// Says that what a frame lacked is there; false when nobody listens any more.
    fn notify_now(&self) -> bool {
        self.messages.send(Msg::Apply(Box::new(|_: &mut crate::Model| Vec::new()))).is_ok()
    }

    /// Says that something has grown; false when nobody listens any more.
    fn notify(&self) -> bool {
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
