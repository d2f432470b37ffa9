//! Follows the output of running sessions: what each has used so far, and whether its agent only waits for a
//! limit. An agent that has reported its end is reported to its keeper, which stops it if it stays.
//!
//! One thread reads the output of all sessions, and starts with the first session. Neither the kernel nor the
//! executor ever waits for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use super::clock::now_ms;
use super::message::{Inbox, Latest, Message};
use super::panics;
use super::set_up_job::AGENT_STAGE;
use paddock_agents::transcript::{Before, Reader, Setting, Stream, Wait};
use paddock_engine::input::{Input, Panicked};
use paddock_ipc::{Gauge, Gauges};
use paddock_model::failure::Failure;
use paddock_model::ids::SessionId;
use paddock_model::usage::Usage;
use paddock_os::fail_points::trouble_point;
use paddock_os::panics::caught;
use paddock_runner::log::{LogReader, Stream as LogStream};
use paddock_runner::record::Progress;
use paddock_runner::{JobKey, LocalRunner, Runner};

/// Pause between two looks at the output.
const EVERY: Duration = Duration::from_secs(1);
/// Bytes read of one stream in one look. The looks that follow catch up with a session that writes faster.
const LOOK_BYTES: usize = 1 << 20;

/// Silence after which a wait without an end is reported as one that is too long, like a wait with an end that is
/// far away.
const SILENCE: Duration = Duration::from_secs(120);

/// A session to follow.
pub(super) struct Followed {
    pub(super) session: SessionId,
    pub(super) key: JobKey,
    pub(super) runner: LocalRunner,
    /// The folder of the session's output.
    pub(super) dir: PathBuf,
    /// Name of the transcript format that the agent writes.
    pub(super) transcript: String,
    /// The conversation that the session resumes.
    pub(super) before: Before,
    /// Whether its agent has begun: it runs no set-up, or the set-up has ended well.
    pub(super) is_set_up: bool,
    /// Time that the session has run before the following began, without the time that the machine slept.
    pub(super) ran: Duration,
}

/// The state of one followed session.
struct Tail {
    followed: Followed,
    reader: Reader,
    /// Bytes read so far of standard output and standard error.
    offsets: [u64; 2],
    /// What was reported last.
    last: (Usage, Option<Failure>),
    /// The wait without an end that the agent reported last, and when.
    waits: Option<(Failure, Instant)>,
    /// When the following began.
    since: Instant,
    latest: Latest,
}

#[derive(Default)]
struct Board {
    tails: BTreeMap<SessionId, Tail>,
    has_thread: bool,
}

/// The followed sessions, and the thread that reads their output.
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

    /// Follows a session from the beginning of its output. Does nothing if the session is followed already.
    pub(super) fn begin(&self, followed: Followed, inbox: &Inbox, gauges: &Arc<Gauges>) {
        let mut board = self.board();
        let reader = Reader::new(&followed.transcript, setting());
        let (last, latest) = ((Usage::default(), None), Latest::default());
        let tail =
            Tail { reader, offsets: [0; 2], last, waits: None, since: Instant::now(), latest, followed };
        board.tails.entry(tail.followed.session).or_insert(tail);
        if !board.has_thread {
            let (tails, kernel, gauges) = (self.clone(), inbox.clone(), Arc::clone(gauges));
            let work = move || tails.work(&kernel, &gauges);
            let spawned = panics::spawn("tails", inbox.clone(), work);
            // Without the thread the session's usage is known only from its harvest; the next session tries
            // again.
            board.has_thread = spawned
                .inspect_err(
                    |error| tracing::error!(%error, "cannot follow sessions: budgets apply only at their end"),
                )
                .is_ok();
        }
        // Unlocked before the notification, or the woken thread would block on the lock at once.
        drop(board);
        self.shared.1.notify_one();
    }

    /// Stops following a session whose processes are gone, and drops its gauges. The harvest reads the whole
    /// output.
    pub(super) fn end(&self, session: SessionId, gauges: &Gauges) {
        self.board().tails.remove(&session);
        gauges.forget_session(session.0);
    }

    /// The thread's loop. Ends when the kernel is gone.
    fn work(&self, inbox: &Inbox, gauges: &Gauges) {
        let mut board = self.board();
        loop {
            // Sleeps without a timeout while there is nothing to follow, so that an idle supervisor wakes for
            // nothing.
            if board.tails.is_empty() {
                board = self.shared.1.wait(board).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let sessions: Vec<SessionId> = board.tails.keys().copied().collect();
            for session in sessions {
                let Some(tail) = board.tails.get_mut(&session) else { continue };
                if tail.is_set_up_now() && inbox.send(Message::Input(Input::SetUpDone { session })).is_err() {
                    return;
                }
                let message = match caught(|| tail.look(gauges)) {
                    Ok(report) => report
                        .filter(|input| tail.latest.put(input.clone()))
                        .map(|_| Message::Latest(tail.latest.clone())),
                    Err(panic) => {
                        // The reader panicked on this session's output and would panic again. The other
                        // sessions are followed further, and the harvest still reads this one's output.
                        board.tails.remove(&session);
                        let doing = format!("following the output of session {session}");
                        let panicked =
                            Panicked { project: None, doing, effect: None, problem: panic.to_string() };
                        Some(Message::Input(Input::Panicked(panicked)))
                    }
                };
                if message.is_some_and(|message| inbox.send(message).is_err()) {
                    return;
                }
            }
            // Unlocked while the thread sleeps: `begin` and `end` run on executor threads and must not wait a
            // second.
            drop(board);
            std::thread::sleep(EVERY);
            board = self.board();
        }
    }
}

impl Tail {
    /// Returns whether the set-up has ended well since the last look.
    fn is_set_up_now(&mut self) -> bool {
        let is_agent = |progress: Progress| progress.name == AGENT_STAGE;
        let before = self.followed.is_set_up;
        // A file that cannot be read is read again at the next look.
        self.followed.is_set_up =
            before || Progress::read(&self.followed.dir).ok().flatten().is_some_and(is_agent);
        self.followed.is_set_up && !before
    }

    /// Reads new output and updates the gauges. Returns a report if it differs from the last one.
    fn look(&mut self, gauges: &Gauges) -> Option<Input> {
        trouble_point!("tail");
        self.reader.at(now_ms());
        let dir = self.followed.dir.clone();
        let mut is_new = false;
        for (place, log, stream) in [(0, LogStream::Stdout, Stream::Out), (1, LogStream::Stderr, Stream::Err)]
        {
            is_new |= self.read(place, &dir, log, stream);
        }
        // `Instant` stops while the machine sleeps. The keeper counts its limit in the same way.
        let minutes = (self.followed.ran + self.since.elapsed()).as_secs() / 60;
        self.show(gauges, "minutes", minutes.into());
        if !is_new {
            return self.too_long();
        }
        // The reader keeps readable lines until they are taken. Nobody shows them here, and they would pile
        // up.
        drop(self.reader.take_lines());
        let reading = self.reader.so_far();
        if reading.is_over {
            self.report_end();
        }
        // A resumed conversation counts all its sessions: this session's share is the difference.
        let (tokens, _) = reading.share(self.followed.before);
        let usage = Usage { tokens, ..reading.usage };
        let (known, endless): (Vec<Wait>, Vec<Wait>) =
            reading.wait.into_iter().partition(|wait| wait.until_ms.is_some());
        // A wait without an end is reported only if it lasts (`too_long`): nobody could decide before.
        self.waits = endless.into_iter().next().map(|wait| (wait.why.until(None), Instant::now()));
        let waits = known.into_iter().next().map(|wait| wait.why.until(wait.until_ms));
        let report = (usage, reading.stuck.or(waits));
        if report == self.last {
            return None;
        }
        self.last = report;
        let (usage, waits) = self.last.clone();
        if let Some(tokens) = usage.tokens {
            self.show(gauges, "tokens", tokens.total().into());
        }
        if let Some(usd) = usage.usd() {
            self.show(gauges, "usd", usd.into());
        }
        Some(Input::SessionReported { session: self.followed.session, usage, waits })
    }

    /// Returns a report if the agent has been silent for too long after it said that it waits.
    fn too_long(&mut self) -> Option<Input> {
        let (why, _) = self.waits.take_if(|(_, since)| since.elapsed() >= SILENCE)?;
        self.last.1 = Some(why);
        let (usage, waits) = self.last.clone();
        Some(Input::SessionReported { session: self.followed.session, usage, waits })
    }

    /// Tells the keeper that the agent has reported its end in the output so far.
    fn report_end(&self) {
        if let Err(error) = self.followed.runner.finished(&self.followed.key, self.offsets[0]) {
            // The session ends by itself, or as stalled.
            tracing::debug!(session = %self.followed.session, %error, "an agent's end could not be noted");
        }
    }

    /// Reads the next part of one stream into the reader. Returns whether there was any.
    fn read(&mut self, place: usize, dir: &Path, log: LogStream, stream: Stream) -> bool {
        // An error is no loss: the next look tries again, and the harvest reads everything.
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
