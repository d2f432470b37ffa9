//! `paddock session log`: prints the output of a session's agent, and follows it.

use std::io::Write;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::tz::TimeZone;

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::log_text::Cleaner;
use super::{output, session};
use paddock_agents::transcript::{self, Line, Reader, Setting};
use paddock_model::ids::SessionId;
use paddock_report::text::harmless;
use paddock_runner::log::{LogReader, Stream};

/// Maximum number of bytes that are read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// Interval between two reads of a followed log.
const FOLLOW_PAUSE: Duration = Duration::from_millis(100);
/// Interval between two reads of the state while a log is followed. The exit record usually shows the end
/// sooner.
const STATE_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct Log {
    /// Number of the session
    number: u64,
    /// Follow the log until the session has ended
    #[arg(short, long)]
    follow: bool,
    /// Print raw bytes (most agents write events as JSON); control sequences reach your terminal
    #[arg(long)]
    raw: bool,
    /// Print standard error instead of standard output
    #[arg(long)]
    stderr: bool,
}

impl Log {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let session = session::find(&state, self.number)?;
        // The format is that of the agent's present settings; an agent that was removed since reads as plain
        // text.
        let settings = state.project(&session.objective.project).map(|project| &project.settings);
        let agent = settings.and_then(|settings| settings.agent(&session.agent));
        let transcript = agent.map_or("plain", |agent| agent.transcript.as_str()).to_owned();
        let folder = context.workspace.session_dir(SessionId(self.number));
        // A transcript of events is rendered with both streams in it; plain output has nothing to render, and
        // shows one stream.
        let has_events = !matches!(transcript.as_str(), "plain" | "scripted");
        let (mut sink, streams) = match (self.raw, self.stderr) {
            (false, false) if has_events => (Sink::readable(&transcript), Stream::ALL.to_vec()),
            (raw, is_error) => {
                let stream = if is_error { Stream::Stderr } else { Stream::Stdout };
                (if raw { Sink::Raw } else { Sink::Clean(Box::default()) }, vec![stream])
            }
        };
        let mut logs: Vec<_> = streams.into_iter().map(|s| (s, LogReader::open(&folder, s), 0)).collect();
        // A log may be followed for hours; the state of a large workspace need not stay in memory.
        drop(state);
        let mut end = End { context, number: self.number, state_read: None };
        loop {
            // The end is checked before the read: output written between the two would otherwise be lost.
            let is_over = !self.follow || end.is_reached()?;
            for (stream, log, offset) in &mut logs {
                *offset = copy(log, *stream, *offset, &mut sink)?;
            }
            if is_over {
                sink.finish()?;
                return Ok(Exit::Good);
            }
            std::thread::sleep(FOLLOW_PAUSE);
        }
    }
}

/// Finds out whether a session can still write to its log.
struct End<'c> {
    context: &'c Context,
    number: u64,
    /// When the state was read last.
    state_read: Option<Instant>,
}

impl End<'_> {
    /// Returns whether the session has ended, so that its log is complete.
    fn is_reached(&mut self) -> Result<bool, Failure> {
        let folder = self.context.workspace.session_dir(SessionId(self.number));
        if folder.join("exit.json").exists() {
            return Ok(true);
        }
        if self.state_read.is_some_and(|at| at.elapsed() < STATE_PAUSE) {
            return Ok(false);
        }
        self.state_read = Some(Instant::now());
        // A keeper that vanished leaves no exit record. The supervisor then records the session as lost.
        let state = self.context.state()?;
        Ok(state.session(SessionId(self.number)).is_none_or(|session| !session.status.has_processes()))
    }
}

/// Copies a stream from `offset` to its present end into the sink. Returns the offset to continue from.
fn copy(reader: &LogReader, stream: Stream, mut offset: u64, sink: &mut Sink) -> Result<u64, Failure> {
    loop {
        let chunk = reader.read_at(offset, CHUNK_BYTES)?;
        // The keeper caps the size of logs and drops segments.
        if chunk.gap_bytes > 0 {
            output::note(&format!("[{} bytes were dropped here to keep the log small]", chunk.gap_bytes));
        }
        offset = chunk.next_offset();
        if chunk.bytes.is_empty() {
            return Ok(offset);
        }
        sink.write(stream, &chunk.bytes)?;
    }
}

/// Where output goes, and how it is shown.
enum Sink {
    /// Unchanged bytes.
    Raw,
    /// Text without control sequences.
    Clean(Box<Cleaner>),
    /// The agent's events as lines; the reader is `None` once it has finished.
    Readable(Option<Reader>, TimeZone),
}

impl Sink {
    fn readable(transcript: &str) -> Self {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let zone = TimeZone::system();
        Self::Readable(Some(Reader::new(transcript, Setting { now_ms, zone: zone.clone() })), zone)
    }

    fn write(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Clean(cleaner) => output::print(&cleaner.clean(bytes)),
            Self::Readable(Some(reader), zone) => {
                let stream = match stream {
                    Stream::Stdout => transcript::Stream::Out,
                    Stream::Stderr => transcript::Stream::Err,
                };
                reader.push(stream, bytes);
                output::print(&rendered(&reader.take_lines(), zone))
            }
            Self::Readable(None, _) => Ok(()),
            Self::Raw => {
                let mut out = std::io::stdout().lock();
                out.write_all(bytes)?;
                Ok(out.flush()?)
            }
        }
    }

    fn finish(&mut self) -> Result<(), Failure> {
        match self {
            Self::Clean(cleaner) => output::print(&cleaner.finish()),
            Self::Readable(reader, zone) => match reader.take() {
                Some(reader) => output::print(&rendered(&reader.finish(None).1, zone)),
                None => Ok(()),
            },
            Self::Raw => Ok(()),
        }
    }
}

/// Renders each entry with its time and kind; continuation lines are indented below its first line.
fn rendered(lines: &[Line], zone: &TimeZone) -> String {
    let mut out = String::new();
    for line in lines {
        let at = line.at_ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let time =
            at.map_or_else(|| " ".repeat(8), |at| at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string());
        for (place, text) in line.text.lines().enumerate() {
            let (time, kind) = if place == 0 { (time.as_str(), line.kind.word()) } else { ("", "") };
            let row = format!("{time:8} {kind:6}  {}", harmless(text));
            out.push_str(row.trim_end());
            out.push('\n');
        }
    }
    out
}
