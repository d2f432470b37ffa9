//! Reads the transcript of a session that is over: the agent's summary, its usage, why it failed, and the id
//! of its conversation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::super::clock::now_ms;
use super::super::world::World;
use paddock_agents::summary;
use paddock_agents::transcript::{Before, Reader, Reading, Setting, Stream, side};
use paddock_model::failure::FailureClass;
use paddock_model::ids::SessionId;
use paddock_model::planning::planner_folder;
use paddock_model::session::{Exit, ProcessEnd, Session, SessionKind, Stop};
use paddock_model::settings::AgentSettings;
use paddock_model::state::State;
use paddock_model::summary::SessionSummary;
use paddock_model::usage::{Account, Usage};
use paddock_os::plain;
use paddock_runner::log::{LogReader, Stream as LogStream};

/// Bytes of a log read at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// Bytes read from the end of a plain transcript. The summary is there, and plain output holds no usage to
/// count.
const PLAIN_TAIL_BYTES: u64 = 4 << 20;

/// A session whose transcript is to be read.
pub(super) struct Source {
    session: SessionId,
    /// Name of the transcript format.
    transcript: String,
    /// Variables from the agent's settings.
    env: BTreeMap<String, String>,
    exit: Option<Exit>,
    began_ms: i64,
    ended_ms: Option<i64>,
    worktree: PathBuf,
    /// The agent's id of the conversation that the session was to continue.
    resumed: Option<String>,
    /// The conversation that the session resumed.
    before: Before,
}

impl Source {
    /// Collects from the state what the reading needs.
    pub(super) fn from_session(state: &State, session: &Session) -> Self {
        let settings = state.project(&session.objective.project).map(|project| &project.settings);
        let agent = settings.and_then(|settings| settings.agent(&session.agent));
        let resumed = session.resume.as_ref().and_then(|resume| state.session(resume.session));
        Self {
            session: session.id,
            transcript: agent.map_or("plain", |agent: &AgentSettings| agent.transcript.as_str()).to_owned(),
            env: agent.map(|agent| agent.env.clone()).unwrap_or_default(),
            exit: session.process.as_ref().map(exit_of_agent),
            began_ms: session.started_ms.unwrap_or(session.planned_ms),
            ended_ms: session.finished_ms,
            worktree: worktree_of(state, session),
            resumed: session.resume.as_ref().map(|resume| resume.agent_session.clone()),
            before: Before::from_counter(
                session.resume.is_some(),
                resumed.and_then(|session| session.account.counter),
            ),
        }
    }
}

/// Returns the folder in which a session ran.
fn worktree_of(state: &State, session: &Session) -> PathBuf {
    let key = &session.objective;
    let planner = || {
        let project = state.project(&key.project)?;
        Some(planner_folder(&project.settings, &key.project))
    };
    let path = match session.kind {
        SessionKind::Planner => planner(),
        SessionKind::Work | SessionKind::FollowUp | SessionKind::Correction | SessionKind::Conflict => {
            let worktree = state.objective(key).and_then(|objective| objective.worktree.as_ref());
            worktree.map(|worktree| worktree.path.clone())
        }
    };
    path.map(PathBuf::from).unwrap_or_default()
}

/// Returns how an agent ended, for the reader of its transcript. A program that was stopped because it did not end
/// after the agent's own end has ended well, as far as the agent is concerned.
pub(super) fn exit_of_agent(process: &ProcessEnd) -> Exit {
    match process.stop {
        Some(Stop::Finished) => Exit::Code(0),
        _ => process.exit.clone(),
    }
}

impl Source {
    /// Completes a reading with what the agent's program keeps in files of its own, at places that environment
    /// variables name.
    pub(super) fn complete(&self, world: &World, reading: &mut Reading, ended_ms: i64) {
        let inherited = world.environment.for_agents();
        let env = |name: &str| match self.env.get(name) {
            Some(own) => Some(own.clone()),
            None => {
                inherited.get(std::ffi::OsStr::new(name)).and_then(|value| value.clone().into_string().ok())
            }
        };
        let (worktree, resumed) = (self.worktree.as_path(), self.resumed.as_deref());
        let run = side::Run { worktree, began_ms: self.began_ms, ended_ms, resumed };
        side::complete(&self.transcript, reading, &env, &run);
    }
}

/// Reads the session's transcript. A log that cannot be read counts as empty. `commits` is the number of
/// commits that the session made.
pub(super) fn read(world: &World, source: &Source, commits: usize) -> (Option<SessionSummary>, Account) {
    let dir = world.workspace.session_dir(source.session);
    let prompt = plain::read_to_string(dir.join("prompt.md")).unwrap_or_default();
    // Relative times, such as "resets in 2 hours", count from the end of the session and not from the
    // harvest, which may run hours later.
    let ended_ms = source.ended_ms.unwrap_or_else(now_ms);
    let setting = Setting { now_ms: ended_ms, zone: TimeZone::system() };
    let mut reader = Reader::new(&source.transcript, setting);
    for (log, stream) in [(LogStream::Stdout, Stream::Out), (LogStream::Stderr, Stream::Err)] {
        feed(&mut reader, &LogReader::open(&dir, log), stream, source.transcript == "plain");
    }
    let (mut reading, _) = reader.finish(source.exit.as_ref());
    source.complete(world, &mut reading, ended_ms);
    let summary = summary::find(&reading.said, &prompt);
    (summary, account(reading, source, commits))
}

/// Passes a log to the reader: all of it, or the end of a plain one.
fn feed(reader: &mut Reader, log: &LogReader, stream: Stream, is_plain: bool) {
    let from = if is_plain { PLAIN_TAIL_BYTES } else { u64::MAX };
    let mut offset = log.length().unwrap_or(0).saturating_sub(from);
    while let Ok(chunk) = log.read_at(offset, CHUNK_BYTES) {
        if chunk.bytes.is_empty() {
            break;
        }
        if chunk.gap_bytes > 0 {
            // The log's cap dropped bytes here. Without the line break the halves around the gap would become
            // one line.
            reader.push(stream, b"\n");
        }
        reader.push(stream, &chunk.bytes);
        drop(reader.take_lines());
        offset = chunk.next_offset();
    }
}

/// Returns the end of a transcript as readable lines, in about `max_bytes` bytes.
pub(super) fn readable_end(dir: &Path, transcript: &str, max_bytes: u64) -> String {
    let mut reader = Reader::new(transcript, Setting { now_ms: 0, zone: TimeZone::UTC });
    for (log, stream) in [(LogStream::Stdout, Stream::Out), (LogStream::Stderr, Stream::Err)] {
        let log = LogReader::open(dir, log);
        // Readable lines are much shorter than the JSON events that they come from.
        let mut offset = log.length().unwrap_or(0).saturating_sub(8 * max_bytes);
        let mut is_half = offset > 0;
        while let Ok(chunk) = log.read_at(offset, CHUNK_BYTES) {
            if chunk.bytes.is_empty() {
                break;
            }
            // The first line is half an event if reading began in the middle: skip to its end.
            let whole = if is_half { memchr::memchr(b'\n', &chunk.bytes) } else { Some(0) };
            if let Some(from) = whole {
                reader.push(stream, &chunk.bytes[from..]);
                is_half = false;
            }
            offset = chunk.next_offset();
        }
        reader.push(stream, b"\n");
    }
    let (_, lines) = reader.finish(None);
    // From the last line backwards, and at least one line, however long.
    let mut end: Vec<String> = Vec::new();
    let mut left = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    for line in lines.iter().rev().map(|line| format!("{}: {}", line.kind.word(), line.text)) {
        left = left.saturating_sub(line.len() + 1);
        if left == 0 && !end.is_empty() {
            break;
        }
        end.push(line);
    }
    end.reverse();
    end.join("\n")
}

/// Returns the session's account: its own share of the usage, its failure, its conversation.
fn account(reading: Reading, source: &Source, commits: usize) -> Account {
    let (tokens, counter) = reading.share(source.before);
    let usage = Usage { tokens, ..reading.usage };
    // An agent that was refused a tool, but committed work and ended well, found another way: that is no
    // failure.
    let was_refused = |class| class == FailureClass::Refused && source.exit == Some(Exit::Code(0));
    let failure = reading.failure.filter(|failure| commits == 0 || !was_refused(failure.class));
    Account { usage, failure, agent_session: reading.agent_session, counter }
}
