//! `paddock session log`.

use std::io::Write;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::tz::TimeZone;

use super::context::Context;
use super::exit::{Exit, Failure, Outcome};
use super::log_text::Cleaner;
use super::{output, session};
use paddock_agents::transcript::{self, Line, Reader, Setting};
use paddock_model::ids::SessionId;
use paddock_report::text::harmless;
use paddock_runner::log::{LogReader, Stream};

/// How much is read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// How often the end of a followed log is looked at.
const FOLLOW_PAUSE: Duration = Duration::from_millis(100);
/// How often the state is read while a log is followed; the exit record usually tells sooner.
const STATE_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct Log {
    /// The session's number
    number: u64,
    /// Go on until the session has ended
    #[arg(short, long)]
    follow: bool,
    /// The bytes as they are (of most agents: events as JSON); your terminal will obey them
    #[arg(long)]
    raw: bool,
    /// Standard error instead of standard output
    #[arg(long)]
    stderr: bool,
}

impl Log {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let session = session::find(&state, self.number)?;
        let settings = state.project(&session.objective.project).map(|project| &project.settings);
        let agent = settings.and_then(|settings| settings.agent(&session.agent));
        let transcript = agent.map_or("plain", |agent| agent.transcript.as_str()).to_owned();
        let folder = context.workspace.session_dir(SessionId(self.number));
        let has_events = !matches!(transcript.as_str(), "plain" | "scripted");
        let (mut sink, streams) = match (self.raw, self.stderr) {
            (false, false) if has_events => (Sink::readable(&transcript), Stream::ALL.to_vec()),
            (raw, is_error) => {
                let stream = if is_error { Stream::Stderr } else { Stream::Stdout };
                (if raw { Sink::Raw } else { Sink::Clean(Box::default()) }, vec![stream])
            }
        };
        let mut logs: Vec<_> = streams.into_iter().map(|s| (s, LogReader::open(&folder, s), 0)).collect();
        drop(state);
        let mut end = End { context, number: self.number, looked: None };
        loop {
            // Asked before reading: what is written before the end is then read after it.
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

/// Whether nothing can be written any more.
struct End<'c> {
    context: &'c Context,
    number: u64,
    looked: Option<Instant>,
}

impl End<'_> {
    fn is_reached(&mut self) -> Result<bool, Failure> {
        let folder = self.context.workspace.session_dir(SessionId(self.number));
        if folder.join("exit.json").exists() {
            return Ok(true);
        }
        if self.looked.is_some_and(|at| at.elapsed() < STATE_PAUSE) {
            return Ok(false);
        }
        self.looked = Some(Instant::now());
        // A keeper that vanished leaves no record; the supervisor says so.
        let state = self.context.state()?;
        Ok(state.session(SessionId(self.number)).is_none_or(|session| !session.status.has_processes()))
    }
}

fn copy(reader: &LogReader, stream: Stream, mut offset: u64, sink: &mut Sink) -> Result<u64, Failure> {
    loop {
        let chunk = reader.read_at(offset, CHUNK_BYTES)?;
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

enum Sink {
    Raw,
    Clean(Box<Cleaner>),
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

/// Each line with its time and what it tells of; further lines of it stand below its first.
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
