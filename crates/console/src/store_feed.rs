//! The thread that feeds facts to the loop. It loads the state from the database, then reads each new event.
//!
//! The supervisor's socket only says that something happened; the events themselves are always read from the
//! database, so that the console works the same without a supervisor. In that case it polls for writes.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::{Duration, Instant};

use super::data::{EVENTS_MAX, FactsMsg, Loaded, SupervisorSeen};
use super::msg::{Msg, World};
use paddock_config::Workspace;
use paddock_ipc::{Client, Events, Gauge, Incoming};
use paddock_report::event_types::line;
use paddock_store::codec::{self, CodecError};
use paddock_store::{EventQuery, Reader};

/// Interval at which the thread looks for a supervisor and for writes while it is not connected to one.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Number of events read at once.
const BATCH: u32 = 1000;
/// Number of unread events from which loading the whole state is cheaper than folding them.
const RELOAD_AFTER: u64 = 20_000;
/// How long to wait for the first message of a batch.
const IDLE_WAIT: Duration = Duration::from_secs(30);
/// How long to wait for another message before a batch is sent:
/// one transaction of the supervisor often makes several.
const BATCH_GAP: Duration = Duration::from_millis(5);
/// Longest time that messages are held back for a batch, however densely they arrive.
const BATCH_MAX: Duration = Duration::from_millis(50);

/// Starts the thread. It ends when the loop has dropped its receiver.
///
/// # Errors
/// Fails if the thread cannot be started.
pub(crate) fn start(world: &World) -> std::io::Result<()> {
    let (workspace, messages) = (world.workspace.clone(), world.messages.clone());
    let run = move || {
        let mut feed = Feed { workspace, messages, reader: None, seq: 0, data_version: None };
        let ended = panic::catch_unwind(AssertUnwindSafe(|| while feed.sync().is_ok() {}));
        // Without this the screen would look alive and show facts that are no longer updated.
        if ended.is_err() {
            let _ = feed.send(FactsMsg::Problem("Paddock panicked: restart the console".to_owned()));
        }
    };
    thread::Builder::new().name("facts".into()).spawn(run).map(drop)
}

/// The loop has ended and receives nothing any more.
struct Gone;

struct Feed {
    workspace: Workspace,
    messages: SyncSender<Msg>,
    /// `None` until the database exists, and after a read has failed.
    reader: Option<Reader>,
    /// Number of the last event that was sent to the loop.
    seq: u64,
    /// SQLite's `data_version` at the last read: it changes when another process has written.
    data_version: Option<i64>,
}

impl Feed {
    fn send(&self, news: FactsMsg) -> Result<(), Gone> {
        self.messages.send(Msg::Facts(news)).map_err(|_| Gone)
    }

    /// Reads new events, then follows a supervisor until it
    /// disconnects. Without one, waits [`POLL_INTERVAL`].
    fn sync(&mut self) -> Result<(), Gone> {
        if let Err(error) = self.catch_up() {
            // Start over next time: the file may have been replaced, for example by `doctor --restore`.
            self.reader = None;
            self.send(FactsMsg::Problem(error.to_string()))?;
        }
        // Without a database there is nothing to follow; the supervisor that will create it is found later.
        let connected = match self.reader {
            Some(_) => Client::connect(&self.workspace.runtime()),
            None => Ok(None),
        };
        match connected {
            Ok(Some(client)) => {
                let pid = client.hello().pid;
                // Subscribe from the last event read, so that one committed since `catch_up` is not missed.
                match client.events(Some(self.seq), true) {
                    Ok(events) => {
                        self.send(FactsMsg::Supervisor(SupervisorSeen::Running { pid }))?;
                        self.follow(events)?;
                    }
                    Err(error) => self.send(FactsMsg::Problem(error.to_string()))?,
                }
            }
            Ok(None) => self.send(FactsMsg::Supervisor(SupervisorSeen::Stopped { problem: None }))?,
            Err(error) => {
                let problem = Some(error.to_string());
                self.send(FactsMsg::Supervisor(SupervisorSeen::Stopped { problem }))?;
            }
        }
        // Also after a disconnect: a supervisor that restarts needs a moment until it listens again.
        thread::sleep(POLL_INTERVAL);
        Ok(())
    }

    /// Forwards news in batches until the supervisor disconnects.
    fn follow(&mut self, mut events: Events) -> Result<(), Gone> {
        loop {
            let mut gauges: Vec<Gauge> = Vec::new();
            let mut has_news = false;
            let mut wait = IDLE_WAIT;
            let mut first_at = None;
            loop {
                match events.next_within(wait) {
                    Ok(None) => break,
                    Ok(Some(Incoming::Gauge(gauge))) => gauges.push(gauge),
                    // The content is ignored: `catch_up` reads the events from the database.
                    Ok(Some(_)) => has_news = true,
                    Err(_) => return Ok(()),
                }
                wait = BATCH_GAP;
                let began = *first_at.get_or_insert_with(Instant::now);
                if began.elapsed() >= BATCH_MAX {
                    break;
                }
            }
            if has_news && let Err(error) = self.catch_up() {
                self.send(FactsMsg::Problem(error.to_string()))?;
            }
            if !gauges.is_empty() {
                self.send(FactsMsg::Gauges(gauges))?;
            }
        }
    }

    /// Reads and sends the events since the last read, if there are any.
    fn catch_up(&mut self) -> Result<(), CodecError> {
        if self.reader.is_none() {
            self.reader = Reader::find(self.workspace.db())?;
            if self.reader.is_none() {
                // A new workspace has no database yet: show an empty one instead of an error.
                let empty = Loaded { state: paddock_model::state::State::default(), events: Vec::new() };
                let _ = self.send(FactsMsg::Loaded(Box::new(empty)));
                return Ok(());
            }
            self.data_version = None;
            return self.load();
        }
        let Some(reader) = &self.reader else { return Ok(()) };
        let version = reader.data_version()?;
        if self.data_version == Some(version) {
            return Ok(());
        }
        // Remember the version from before the read. A write during the read changes it again, so the next
        // call finds it; taken after the read, the version could hide that write.
        self.data_version = Some(version);
        if reader.last_seq()?.saturating_sub(self.seq) > RELOAD_AFTER {
            return self.load();
        }
        loop {
            let wanted =
                EventQuery { since_seq: Some(self.seq), limit: Some(BATCH), ..EventQuery::default() };
            let stored = reader.events(&wanted)?;
            let Some(last) = stored.last() else { return Ok(()) };
            self.seq = last.seq;
            let is_all = stored.len() < BATCH as usize;
            let read = stored.iter().map(|one| Ok((codec::from_stored(one)?, line(one))));
            let happened = read.collect::<Result<Vec<_>, CodecError>>()?;
            if self.send(FactsMsg::Happened(happened)).is_err() || is_all {
                return Ok(());
            }
        }
    }

    /// Loads and sends the whole state.
    fn load(&mut self) -> Result<(), CodecError> {
        let Some(reader) = &self.reader else { return Ok(()) };
        self.data_version = Some(reader.data_version()?);
        let loaded = load(reader)?;
        self.seq = loaded.state.counters().seq;
        let _ = self.send(FactsMsg::Loaded(Box::new(loaded)));
        Ok(())
    }
}

/// Reads the state and its newest [`EVENTS_MAX`] events from the database.
///
/// # Errors
/// Fails if the database cannot be read, or holds a row or an event that this version does not understand.
pub fn load(reader: &Reader) -> Result<Loaded, CodecError> {
    let state = codec::load_snapshot(reader)?;
    let wanted =
        EventQuery { limit: u32::try_from(EVENTS_MAX).ok(), newest_first: true, ..EventQuery::default() };
    let newest = reader.events(&wanted)?;
    // Events written between the two reads are left out; `catch_up` reads them next.
    let events = newest.iter().rev().filter(|one| one.seq <= state.counters().seq).map(line).collect();
    Ok(Loaded { state, events })
}
