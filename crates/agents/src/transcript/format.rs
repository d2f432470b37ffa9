//! The interface of formats: their input and their readings.

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

/// Facts that a reader needs in addition to the bytes.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Time at which the next bytes were written, in Unix milliseconds.
    pub now_ms: i64,
    /// Time zone of the times that agents write without one.
    pub zone: TimeZone,
}

/// A pause of an agent that waits until its provider answers again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// End of the wait, in Unix milliseconds, if the agent reports it.
    pub until_ms: Option<i64>,
    /// Failure that makes the agent wait.
    pub why: Failure,
}

/// Everything that a transcript says about a session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// The agent's last message, or the end of it. Never the prompt.
    pub final_text: String,
    /// All messages of the agent, or the end of them; the last summary in them counts. For plain text, the
    /// whole output.
    pub said: String,
    /// Usage of this run. For an agent with a cumulative counter (below), the counter's present value.
    pub usage: Usage,
    /// Cumulative counter of the whole conversation, for agents that count over all runs that resume it.
    /// `usage.tokens` is then the same value, and the usage of earlier runs has to be subtracted.
    pub counter: Option<Tokens>,
    /// The agent's own id of the conversation, with which it can be resumed.
    pub agent_session: Option<String>,
    /// Why the agent failed; `None` if nothing says that it did.
    pub failure: Option<Failure>,
    /// The wait that the agent is in; `None` while it works, and after its end.
    pub wait: Option<Wait>,
}

/// The format of an agent's output.
pub(super) trait Format: std::fmt::Debug + Send {
    /// Reads the next bytes.
    fn push(&mut self, stream: Stream, bytes: &[u8], setting: &Setting, lines: &mut Lines);
    /// Returns the reading so far, or, with an exit, the final one.
    fn reading(&self, exit: Option<&Exit>, setting: &Setting) -> Reading;
    /// Reads what is left at the end: a last line without a line feed.
    fn end(&mut self, setting: &Setting, lines: &mut Lines);
}
