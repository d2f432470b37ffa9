//! Following the output of running sessions: what they have used so far, and whether their agents only wait.
//!
//! One small thread for all of them, begun with the first: a session's output never holds up the kernel, and no
//! answer of a lane waits for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use super::clock::now_ms;
use super::message::{Inbox, Latest, Message};
use super::panics;
use paddock_agents::transcript::{Reader, Setting, Stream};
use paddock_engine::input::{Input, Panicked};
use paddock_ipc::{Gauge, Gauges};
use paddock_model::failure::Failure;
use paddock_model::ids::SessionId;
use paddock_model::usage::{Tokens, Usage};
use paddock_os::fail_points::trouble_point;
use paddock_os::panics::caught;
use paddock_runner::log::{LogReader, Stream as LogStream};

/// Between two looks at the output.
const EVERY: Duration = Duration::from_secs(1);
/// Bytes read of one stream in one look; a session that writes more is caught up with in the next ones.
const LOOK_BYTES: usize = 1 << 20;

/// A session that is to be followed.
pub(super) struct Followed {
    pub(super) session: SessionId,
    /// The folder of its output.
    pub(super) dir: PathBuf,
    /// How its agent writes.
    pub(super) transcript: String,
    /// Where the counter of its agent's conversation stood before, if it goes on with one.
    pub(super) counter: Option<Tokens>,
    /// What it had run until now, while the machine was awake.
    pub(super) ran: Duration,
}

struct Tail {
    followed: Followed,
    reader: Reader,
    offsets: [u64; 2],
    reported: (Usage, Option<Failure>),
    since: Instant,
    latest: Latest,
}

#[derive(Default)]
struct Board {
    tails: BTreeMap<SessionId, Tail>,
    has_thread: bool,
}

/// The sessions that are followed.
#[derive(Clone, Default)]
pub(super) struct Tails {
    shared: Arc<(Mutex<Board>, Condvar)>,
}

fn setting() -> Setting {
    Setting { now_ms: now_ms(), zone: TimeZone::system() }
}

impl Tails {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows a session from the beginning of its output; one that is followed already is left as it is.
    pub(super) fn begin(&self, followed: Followed, inbox: &Inbox, gauges: &Arc<Gauges>) {
        let mut board = self.board();
        let reader = Reader::new(&followed.transcript, setting());
        let (reported, latest) = ((Usage::default(), None), Latest::default());
        let tail = Tail { reader, offsets: [0; 2], reported, since: Instant::now(), latest, followed };
        board.tails.entry(tail.followed.session).or_insert(tail);
        if !board.has_thread {
            let (tails, reported, gauges) = (self.clone(), inbox.clone(), Arc::clone(gauges));
            let work = move || tails.work(&reported, &gauges);
            let spawned = panics::spawn("tails", inbox.clone(), work);
            board.has_thread = spawned
                .inspect_err(
                    |error| tracing::error!(%error, "cannot follow sessions: budgets hold at their end"),
                )
                .is_ok();
        }
        drop(board);
        self.shared.1.notify_one();
    }

    /// Its processes are gone: what it left is read as a whole.
    pub(super) fn end(&self, session: SessionId, gauges: &Gauges) {
        self.board().tails.remove(&session);
        gauges.forget_session(session.0);
    }

    fn work(&self, inbox: &Inbox, gauges: &Gauges) {
        let mut board = self.board();
        loop {
            if board.tails.is_empty() {
                board = self.shared.1.wait(board).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let sessions: Vec<SessionId> = board.tails.keys().copied().collect();
            for session in sessions {
                let Some(tail) = board.tails.get_mut(&session) else { continue };
                let reported = match caught(|| tail.look(gauges)) {
                    Ok(reported) => reported
                        .filter(|input| tail.latest.put(input.clone()))
                        .map(|_| Message::Latest(tail.latest.clone())),
                    Err(panic) => {
                        // The others are followed on; what this one left is read as a whole at its end.
                        board.tails.remove(&session);
                        let doing = format!("following the output of session {session}");
                        let panicked =
                            Panicked { project: None, doing, effect: None, problem: panic.to_string() };
                        Some(Message::Input(Input::Panicked(panicked)))
                    }
                };
                if reported.is_some_and(|reported| inbox.send(reported).is_err()) {
                    return;
                }
            }
            drop(board);
            std::thread::sleep(EVERY);
            board = self.board();
        }
    }
}

impl Tail {
    /// Reads what is new; what there is to tell, if that is something else than before.
    fn look(&mut self, gauges: &Gauges) -> Option<Input> {
        trouble_point!("tail");
        self.reader.at(now_ms());
        let dir = self.followed.dir.clone();
        let mut is_new = false;
        for (place, log, stream) in [(0, LogStream::Stdout, Stream::Out), (1, LogStream::Stderr, Stream::Err)]
        {
            is_new |= self.read(place, &dir, log, stream);
        }
        // The clock that stops while the machine sleeps, as the keeper counts.
        let minutes = (self.followed.ran + self.since.elapsed()).as_secs() / 60;
        self.show(gauges, "minutes", minutes.into());
        if !is_new {
            return None;
        }
        // Nobody reads them here.
        drop(self.reader.take_lines());
        let reading = self.reader.so_far();
        let mut usage = reading.usage;
        if let Some(counter) = reading.counter {
            usage.tokens = Some(counter.since(self.followed.counter.unwrap_or_default()));
        }
        let waits = reading.wait.filter(|wait| wait.until_ms.is_some());
        let reported = (usage, waits.map(|wait| wait.why.until(wait.until_ms)));
        if reported == self.reported {
            return None;
        }
        self.reported = reported;
        let (usage, waits) = self.reported.clone();
        if let Some(tokens) = usage.tokens {
            self.show(gauges, "tokens", tokens.total().into());
        }
        if let Some(usd) = usage.usd() {
            self.show(gauges, "usd", usd.into());
        }
        Some(Input::SessionReported { session: self.followed.session, usage, waits })
    }

    fn read(&mut self, place: usize, dir: &Path, log: LogStream, stream: Stream) -> bool {
        // What cannot be read now is read in the next look, or at harvest.
        let Ok(chunk) = LogReader::open(dir, log).read_at(self.offsets[place], LOOK_BYTES) else {
            return false;
        };
        self.offsets[place] = chunk.next_offset();
        self.reader.push(stream, &chunk.bytes);
        !chunk.bytes.is_empty()
    }

    fn show(&self, gauges: &Gauges, name: &str, value: serde_json::Value) {
        gauges.set(Gauge {
            name: name.to_owned(),
            session: Some(self.followed.session.0),
            gate: None,
            value,
        });
    }
}
