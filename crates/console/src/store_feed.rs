//! The thread that keeps the facts: reads the state from the database, then every event as it is told of one by
//! the supervisor; without a supervisor it looks now and then whether anything was written.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::{Duration, Instant};

use super::data::{EVENTS_MAX, FactsMsg, Loaded, SupervisorSeen};
use super::msg::{Msg, World};
use paddock_config::Workspace;
use paddock_ipc::{Client, Events, Gauge, Incoming};
use paddock_report::events::line;
use paddock_store::codec::{self, CodecError};
use paddock_store::{EventQuery, Reader};

/// How often it is looked for a supervisor and for writes when none is connected.
const LOOK_PAUSE: Duration = Duration::from_millis(500);
/// How many events are read at once.
const BATCH: u32 = 1000;
/// So many events behind, the state is read anew instead.
const RELOAD_AFTER: u64 = 20_000;
/// How long a subscription waits before it is looked whether the loop still listens.
const WAIT: Duration = Duration::from_secs(30);
/// How long more news is waited for before what has come is handed on.
const GATHER: Duration = Duration::from_millis(5);
/// And how long at most, however dense it comes.
const GATHER_MAX: Duration = Duration::from_millis(50);

/// Starts the thread.
///
/// # Errors
/// When the system gives none.
pub(crate) fn start(world: &World) -> std::io::Result<()> {
    let (workspace, messages) = (world.workspace.clone(), world.messages.clone());
    let run = move || {
        let mut keeper = Keeper { workspace, messages, reader: None, seq: 0, data_version: None };
        let kept = panic::catch_unwind(AssertUnwindSafe(|| while keeper.round().is_ok() {}));
        if kept.is_err() {
            let _ = keeper.send(FactsMsg::Problem("a fault of Paddock: start the console again".to_owned()));
        }
    };
    thread::Builder::new().name("facts".into()).spawn(run).map(drop)
}

/// The loop does not listen any more.
struct Gone;

struct Keeper {
    workspace: Workspace,
    messages: SyncSender<Msg>,
    reader: Option<Reader>,
    seq: u64,
    data_version: Option<i64>,
}

impl Keeper {
    fn send(&self, news: FactsMsg) -> Result<(), Gone> {
        self.messages.send(Msg::Facts(news)).map_err(|_| Gone)
    }

    /// Once through: catch up with the database, then follow a supervisor until it is gone, or wait a little.
    fn round(&mut self) -> Result<(), Gone> {
        if let Err(error) = self.catch_up() {
            self.reader = None;
            self.send(FactsMsg::Problem(error.to_string()))?;
        }
        let connected = match self.reader {
            Some(_) => Client::connect(&self.workspace.runtime()),
            None => Ok(None),
        };
        match connected {
            Ok(Some(client)) => {
                let pid = client.hello().pid;
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
        thread::sleep(LOOK_PAUSE);
        Ok(())
    }

    fn follow(&mut self, mut events: Events) -> Result<(), Gone> {
        loop {
            let mut gauges: Vec<Gauge> = Vec::new();
            let mut has_news = false;
            let mut wait = WAIT;
            let mut since = None;
            loop {
                match events.next_within(wait) {
                    Ok(None) => break,
                    Ok(Some(Incoming::Gauge(gauge))) => gauges.push(gauge),
                    Ok(Some(_)) => has_news = true,
                    Err(_) => return Ok(()),
                }
                wait = GATHER;
                let began = *since.get_or_insert_with(Instant::now);
                if began.elapsed() >= GATHER_MAX {
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

    /// Reads what was written since, if anything was.
    fn catch_up(&mut self) -> Result<(), CodecError> {
        if self.reader.is_none() {
            self.reader = Reader::find(self.workspace.db())?;
            if self.reader.is_none() {
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

    fn load(&mut self) -> Result<(), CodecError> {
        let Some(reader) = &self.reader else { return Ok(()) };
        self.data_version = Some(reader.data_version()?);
        let loaded = load(reader)?;
        self.seq = loaded.state.counters().seq;
        let _ = self.send(FactsMsg::Loaded(Box::new(loaded)));
        Ok(())
    }
}

/// Everything as it is stored: the state, and the newest events that it contains.
///
/// # Errors
/// When the database cannot be read, or holds what this program does not understand.
pub fn load(reader: &Reader) -> Result<Loaded, CodecError> {
    let state = codec::load_snapshot(reader)?;
    let wanted =
        EventQuery { limit: u32::try_from(EVENTS_MAX).ok(), newest_first: true, ..EventQuery::default() };
    let newest = reader.events(&wanted)?;
    let events = newest.iter().rev().filter(|one| one.seq <= state.counters().seq).map(line).collect();
    Ok(Loaded { state, events })
}
