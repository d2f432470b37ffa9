//! `paddock session log`.

use std::io::Write;
use std::time::{Duration, Instant};

use clap::Args;

use super::context::Context;
use super::exit::{Exit, Failure, Outcome};
use super::log_text::Cleaner;
use super::{output, session};
use crate::domain::ids::SessionId;
use crate::runner::log::{LogReader, Stream};

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
    /// The bytes as they are; your terminal will obey them
    #[arg(long)]
    raw: bool,
    /// Standard error instead of standard output
    #[arg(long)]
    stderr: bool,
}

impl Log {
    pub fn carry_out(self, context: &Context) -> Outcome {
        session::find(&context.state()?, self.number)?;
        let stream = if self.stderr { Stream::Stderr } else { Stream::Stdout };
        let folder = context.workspace.session_dir(SessionId(self.number));
        let reader = LogReader::open(&folder, stream);
        let mut sink = Sink { cleaner: (!self.raw).then(Cleaner::default) };
        let mut offset = 0;
        let mut end = End { context, number: self.number, looked: None };
        loop {
            // Asked before reading: what is written before the end is then read after it.
            let is_over = !self.follow || end.is_reached()?;
            offset = copy(&reader, offset, &mut sink)?;
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

fn copy(reader: &LogReader, mut offset: u64, sink: &mut Sink) -> Result<u64, Failure> {
    loop {
        let chunk = reader.read_at(offset, CHUNK_BYTES)?;
        if chunk.gap_bytes > 0 {
            output::note(&format!("[{} bytes were dropped here to keep the log small]", chunk.gap_bytes));
        }
        offset = chunk.next_offset();
        if chunk.bytes.is_empty() {
            return Ok(offset);
        }
        sink.write(&chunk.bytes)?;
    }
}

struct Sink {
    cleaner: Option<Cleaner>,
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match &mut self.cleaner {
            Some(cleaner) => output::print(&cleaner.clean(bytes)),
            None => {
                let mut out = std::io::stdout().lock();
                out.write_all(bytes)?;
                Ok(out.flush()?)
            }
        }
    }

    fn finish(&mut self) -> Result<(), Failure> {
        match &mut self.cleaner {
            Some(cleaner) => output::print(&cleaner.finish()),
            None => Ok(()),
        }
    }
}
