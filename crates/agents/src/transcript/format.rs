//! What a format reads, and what it says.

use jiff::tz::TimeZone;

use super::pen::Lines;
use paddock_model::failure::Failure;
use paddock_model::session::Exit;
use paddock_model::usage::{Tokens, Usage};

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
    /// The agent's own last message, or the end of it. Never the prompt.
    pub final_text: String,
    /// All that the agent itself said, or the end of it: its summary is the last one in here. Of plain text, all of
    /// the output.
    pub said: String,
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
pub(super) trait Format: std::fmt::Debug + Send {
    /// Takes the next bytes.
    fn push(&mut self, stream: Stream, bytes: &[u8], setting: &Setting, lines: &mut Lines);
    /// What has been said so far; with the exit, nothing more comes.
    fn reading(&self, exit: Option<&Exit>, setting: &Setting) -> Reading;
    /// What is left at the end.
    fn end(&mut self, setting: &Setting, lines: &mut Lines);
}
