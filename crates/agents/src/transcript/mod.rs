//! Transcripts: the output of agents, each in its own format. A reader makes readable lines as the output
//! comes, and at the end a reading: the agent's words, its usage and its failure.
//!
//! A reader is incremental and total: it accepts any bytes in any pieces, never panics, and has bounded
//! memory. A new agent takes one file here and one row in [`FORMATS`].

mod aider;
mod claude;
mod codex;
mod copilot;
mod fields;
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
mod trace;
mod unfold;
mod words;

use paddock_model::session::Exit;

use format::Format;
use jsonl::Jsonl;
use pen::Lines;

pub use format::{Before, Reading, Setting, Stream, Wait};
pub use line::{LINE_MAX_BYTES, Line, LineKind};

/// When an agent reports its usage. A limit on tokens or USD cannot stop a session before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Never.
    Never,
    /// Once, when the agent ends.
    AtEnd,
    /// Repeatedly, while the agent works.
    During,
}

/// When a format reports each kind of usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct UsageReporting {
    /// Tokens.
    pub tokens: When,
    /// The cost in dollars.
    pub usd: When,
}

/// A format, and how to make its reader.
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

/// Iterates over the names of the formats, and whether each reports the cost of a session in dollars.
pub fn formats() -> impl Iterator<Item = (&'static str, bool)> {
    FORMATS.iter().map(|row| (row.name, row.usage_reporting.usd != When::Never))
}

/// Returns whether this is the name of a format: one of [`formats`], or `jsonl:` and the path of the field that
/// holds the agent's words.
#[must_use]
pub fn is_format(name: &str) -> bool {
    let has_path = name.strip_prefix(fields::PREFIX).is_some_and(|path| fields::keys(path).is_some());
    has_path || formats().any(|(format, _)| format == name)
}

/// Returns whether the format of this name reports the cost of a session.
#[must_use]
pub fn reports_cost(transcript: &str) -> bool {
    formats().any(|(name, cost)| name == transcript && cost)
}

/// Returns when the format of this name (`settings.transcript`) reports usage. An unknown name is plain text,
/// which never does.
#[must_use]
pub fn usage_reporting(transcript: &str) -> UsageReporting {
    let row = FORMATS.iter().find(|row| row.name == transcript);
    row.map_or(UsageReporting { tokens: When::Never, usd: When::Never }, |row| row.usage_reporting)
}

/// A reader of the output of one run of an agent.
#[derive(Debug)]
pub struct Reader {
    format: Box<dyn Format>,
    setting: Setting,
    lines: Lines,
}

impl Reader {
    /// Returns a reader for the format of this name (`settings.transcript`). An unknown name is read as plain
    /// text.
    #[must_use]
    pub fn new(transcript: &str, setting: Setting) -> Self {
        let row = FORMATS.iter().find(|row| row.name == transcript);
        let keys = transcript.strip_prefix(fields::PREFIX).and_then(fields::keys);
        let format: Box<dyn Format> = match (row, keys) {
            (Some(row), _) => (row.reader)(),
            (None, Some(keys)) => Box::new(fields::Fields::new(keys)),
            (None, None) => boxed::<plain::Plain>(),
        };
        Self { format, setting, lines: Lines::default() }
    }

    /// Sets the present time, from which the agent's waits are counted.
    pub fn at(&mut self, now_ms: i64) {
        self.setting.now_ms = now_ms;
    }

    /// Reads the next bytes of a stream.
    pub fn push(&mut self, stream: Stream, bytes: &[u8]) {
        self.format.push(stream, bytes, &self.setting, &mut self.lines);
    }

    /// Returns the readable lines since the last call. Of very many lines only the newest are kept.
    pub fn take_lines(&mut self) -> Vec<Line> {
        self.lines.take()
    }

    /// Returns the reading so far, while the agent runs.
    #[must_use]
    pub fn so_far(&self) -> Reading {
        self.format.reading(None, &self.setting)
    }

    /// Ends the output. Returns the final reading and the remaining lines. `exit` is `None` if nobody knows
    /// how the agent ended, as in a lost session.
    #[must_use]
    pub fn finish(mut self, exit: Option<&Exit>) -> (Reading, Vec<Line>) {
        self.format.end(&self.setting, &mut self.lines);
        (self.format.reading(exit, &self.setting), self.lines.take())
    }
}
