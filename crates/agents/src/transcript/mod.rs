//! Reads what agents write, each in its own format: readable lines as they come, and at the end what was said,
//! used and gone wrong.
//!
//! A reader is incremental and total: it takes any bytes in any pieces, never panics, and its memory is bounded.
//! Adding an agent is one file here and one row in [`FORMATS`].

mod aider;
mod claude;
mod codex;
mod copilot;
mod format;
mod gemini;
mod json;
mod jsonl;
mod kimi;
mod line;
mod narrator;
mod opencode;
mod pen;
mod plain;
mod qwen;
mod scripted;
pub mod side;
mod splitter;
mod tail;
mod tally;
mod words;

use paddock_model::session::Exit;

use format::Format;
use jsonl::Jsonl;
use pen::Lines;

pub use format::{Reading, Setting, Stream, Wait};
pub use line::{LINE_MAX_BYTES, Line, LineKind};

/// When an agent says how much it has used: until then no limit on it can act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Never.
    Never,
    /// With its end.
    AtEnd,
    /// Again and again while it works.
    During,
}

/// What a format tells of usage, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct UsageReporting {
    /// Tokens.
    pub tokens: When,
    /// The cost in dollars.
    pub usd: When,
}

/// A format that can be read.
struct Row {
    name: &'static str,
    usage_reporting: UsageReporting,
    reader: fn() -> Box<dyn Format>,
}

const fn row(name: &'static str, tokens: When, usd: When, reader: fn() -> Box<dyn Format>) -> Row {
    Row { name, usage_reporting: UsageReporting { tokens, usd }, reader }
}

fn boxed<F: Format + Default + 'static>() -> Box<dyn Format> {
    Box::<F>::default()
}

const FORMATS: &[Row] = &[
    row("plain", When::Never, When::Never, boxed::<plain::Plain>),
    row("scripted", When::During, When::During, boxed::<scripted::Scripted>),
    row("claude", When::During, When::AtEnd, boxed::<Jsonl<claude::Claude>>),
    row("codex", When::AtEnd, When::Never, boxed::<Jsonl<codex::Codex>>),
    row("kimi", When::AtEnd, When::Never, boxed::<Jsonl<kimi::Kimi>>),
    row("opencode", When::During, When::During, boxed::<Jsonl<opencode::Opencode>>),
    row("gemini", When::AtEnd, When::Never, boxed::<Jsonl<gemini::Gemini>>),
    row("qwen", When::During, When::Never, boxed::<Jsonl<qwen::Qwen>>),
    row("copilot", When::AtEnd, When::Never, boxed::<Jsonl<copilot::Copilot>>),
    row("aider", When::During, When::During, boxed::<aider::Aider>),
];

/// The names of the formats, and whether each tells what a session cost in dollars.
pub fn formats() -> impl Iterator<Item = (&'static str, bool)> {
    FORMATS.iter().map(|row| (row.name, row.usage_reporting.usd != When::Never))
}

/// Whether the transcript of that name tells what a session cost.
#[must_use]
pub fn reports_cost(transcript: &str) -> bool {
    formats().any(|(name, cost)| name == transcript && cost)
}

/// What that format (`settings.transcript`) tells of usage, and when; what is unknown is plain text.
#[must_use]
pub fn usage_reporting(transcript: &str) -> UsageReporting {
    let row = FORMATS.iter().find(|row| row.name == transcript);
    row.map_or(UsageReporting { tokens: When::Never, usd: When::Never }, |row| row.usage_reporting)
}

/// Reads one run of one agent.
#[derive(Debug)]
pub struct Reader {
    format: Box<dyn Format>,
    setting: Setting,
    lines: Lines,
}

impl Reader {
    /// A reader of that format (`settings.transcript`); what is unknown is read as plain text.
    #[must_use]
    pub fn new(transcript: &str, setting: Setting) -> Self {
        let row = FORMATS.iter().find(|row| row.name == transcript);
        let format = row.map_or_else(boxed::<plain::Plain>, |row| (row.reader)());
        Self { format, setting, lines: Lines::default() }
    }

    /// Says what time it is: waits are counted from here.
    pub fn at(&mut self, now_ms: i64) {
        self.setting.now_ms = now_ms;
    }

    /// Takes the next bytes of a stream.
    pub fn push(&mut self, stream: Stream, bytes: &[u8]) {
        self.format.push(stream, bytes, &self.setting, &mut self.lines);
    }

    /// The readable lines that have come since the last time this was asked; of very many, the newest.
    pub fn take_lines(&mut self) -> Vec<Line> {
        self.lines.take()
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
        (self.format.reading(exit, &self.setting), self.lines.take())
    }
}
