//! Reads what agents write, each in its own format: readable lines as they come, and at the end what was said,
//! used and gone wrong.
//!
//! A reader is incremental and total: it takes any bytes in any pieces, never panics, and its memory is bounded.
//! Adding an agent is one file here and one row in [`FORMATS`].

mod line;
mod plain;

use jiff::tz::TimeZone;

use crate::domain::failure::Failure;
use crate::domain::session::Exit;
use crate::domain::usage::{Tokens, Usage};

pub use line::{LINE_MAX_BYTES, Line, LineKind};

/// The stream that bytes came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// What a reader has to know besides the bytes.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Now, in Unix milliseconds: when what comes next was written.
    pub now_ms: i64,
    /// The time zone of times without one, as agents write them.
    pub zone: TimeZone,
}

/// What the agent waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Until when, in Unix milliseconds, if it says so.
    pub until_ms: Option<i64>,
    /// Why it waits.
    pub why: Failure,
}

/// What a transcript says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// The agent's own last words: where its summary stands. Never the prompt.
    pub final_text: String,
    /// What this run used. Of a counter that goes on (below), what it stands at.
    pub usage: Usage,
    /// The counter of the whole conversation, of agents that count over all runs that resume it: `usage.tokens`
    /// is then the same, and what earlier runs used has to be taken off.
    pub counter: Option<Tokens>,
    /// The agent's own name for the conversation, for resuming it.
    pub agent_session: Option<String>,
    /// Why it failed; none: nothing says that it did.
    pub failure: Option<Failure>,
    /// It waits, as far as it has come.
    pub wait: Option<Wait>,
}

/// One agent's way of writing.
trait Format: std::fmt::Debug + Send {
    /// Takes the next bytes.
    fn push(&mut self, stream: Stream, bytes: &[u8], setting: &Setting, lines: &mut Vec<Line>);
    /// What has been said so far; with the exit, nothing more comes.
    fn reading(&self, exit: Option<&Exit>, setting: &Setting) -> Reading;
    /// What is left at the end.
    fn end(&mut self, setting: &Setting, lines: &mut Vec<Line>);
}

/// A format that can be read.
struct Row {
    name: &'static str,
    /// Whether it tells what a session cost in dollars.
    has_cost: bool,
    reader: fn() -> Box<dyn Format>,
}

const FORMATS: &[Row] = &[Row { name: "plain", has_cost: false, reader: || Box::<plain::Plain>::default() }];

/// The names of the formats, and whether each tells what a session cost in dollars.
pub fn formats() -> impl Iterator<Item = (&'static str, bool)> {
    FORMATS.iter().map(|row| (row.name, row.has_cost))
}

/// Reads one run of one agent.
#[derive(Debug)]
pub struct Reader {
    format: Box<dyn Format>,
    setting: Setting,
    lines: Vec<Line>,
}

impl Reader {
    /// A reader of that format (`settings.transcript`); what is unknown is read as plain text.
    #[must_use]
    pub fn new(transcript: &str, setting: Setting) -> Self {
        let row = FORMATS.iter().find(|row| row.name == transcript);
        let format =
            row.map_or_else(|| Box::<plain::Plain>::default() as Box<dyn Format>, |row| (row.reader)());
        Self { format, setting, lines: Vec::new() }
    }

    /// Says what time it is: waits are counted from here.
    pub fn at(&mut self, now_ms: i64) {
        self.setting.now_ms = now_ms;
    }

    /// Takes the next bytes of a stream.
    pub fn push(&mut self, stream: Stream, bytes: &[u8]) {
        self.format.push(stream, bytes, &self.setting, &mut self.lines);
    }

    /// The readable lines that have come since the last time this was asked. Whoever does not want them drops
    /// them: they are kept until then.
    pub fn take_lines(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.lines)
    }

    /// What has been said so far, while the agent runs.
    #[must_use]
    pub fn so_far(&self) -> Reading {
        self.format.reading(None, &self.setting)
    }

    /// Nothing more comes: what was said, and the lines that were left. Without an exit nobody knows how it ended.
    #[must_use]
    pub fn finish(mut self, exit: Option<&Exit>) -> (Reading, Vec<Line>) {
        self.format.end(&self.setting, &mut self.lines);
        (self.format.reading(exit, &self.setting), self.lines)
    }
}
