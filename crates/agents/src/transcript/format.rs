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
    /// Usage of this run, as far as the agent reports it. For an agent with a cumulative counter (below) that
    /// reports nothing else, the counter's present value.
    pub usage: Usage,
    /// Cumulative counter of the whole conversation, for agents that count over all runs that resume it. The
    /// usage of earlier runs has to be subtracted ([`Reading::share`]).
    pub counter: Option<Tokens>,
    /// The agent's own id of the conversation, with which it can be resumed.
    pub agent_session: Option<String>,
    /// Why the agent failed; `None` if nothing says that it did.
    pub failure: Option<Failure>,
    /// Whether the agent has reported its end and nothing shows that it went on. Its program may still run.
    pub is_over: bool,
    /// Why it makes no sense to let the agent go on: it tries the same again and again, in vain.
    pub stuck: Option<Failure>,
    /// The wait that the agent is in; `None` while it works, and after its end.
    pub wait: Option<Wait>,
}

/// What a run had before it: the conversation that it resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// The run began a conversation.
    Nothing,
    /// The run resumed a conversation whose counter is not known.
    Unknown,
    /// The run resumed a conversation whose counter showed this.
    Counted(Tokens),
}

impl Before {
    /// Returns what a run had before it, from whether it resumed a conversation and that one's counter.
    #[must_use]
    pub fn from_counter(is_resumed: bool, counter: Option<Tokens>) -> Self {
        match (is_resumed, counter) {
            (false, _) => Self::Nothing,
            (true, None) => Self::Unknown,
            (true, Some(counter)) => Self::Counted(counter),
        }
    }
}

impl Reading {
    /// Returns the tokens of this run alone, and the conversation's counter at its end. Both are `None` if they
    /// are unknown.
    #[must_use]
    pub fn share(&self, before: Before) -> (Option<Tokens>, Option<Tokens>) {
        let tokens = self.usage.tokens;
        match (self.counter, before) {
            (Some(now), Before::Nothing) => (Some(now), Some(now)),
            (Some(now), Before::Unknown) => (tokens, Some(now)),
            (Some(now), Before::Counted(then)) => (Some(now.since(then)), Some(now)),
            // A failed run may report no counter, and a stopped one only its own answers.
            (None, Before::Counted(then)) => (tokens, Some(then.plus(tokens.unwrap_or_default()))),
            (None, _) => (tokens, None),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_of_a_conversation_counts_only_its_own_tokens() {
        let tokens = |count: u64| Some(Tokens { input: count, cached: 0, output: 0 });
        let counted = |count: u64| Before::from_counter(true, tokens(count));
        let unknown = Before::from_counter(true, None);
        let share = |own: Option<Tokens>, counter: Option<Tokens>, before: Before| {
            let usage = Usage { tokens: own, ..Usage::default() };
            Reading { usage, counter, ..Reading::default() }.share(before)
        };
        // Counts over all runs, and reports nothing else: 10, then 15, then fails.
        assert_eq!(share(tokens(10), tokens(10), Before::Nothing), (tokens(10), tokens(10)));
        assert_eq!(share(tokens(25), tokens(25), counted(10)), (tokens(15), tokens(25)));
        assert_eq!(share(None, None, counted(25)), (None, tokens(25)));
        // Is stopped after answers of 10, before it reports the counter; then goes on.
        assert_eq!(share(tokens(10), None, Before::Nothing), (tokens(10), None));
        assert_eq!(share(tokens(15), tokens(25), unknown), (tokens(15), tokens(25)));
        assert_eq!(share(tokens(5), None, counted(25)), (tokens(5), tokens(30)));
        assert_eq!(share(tokens(7), tokens(37), counted(30)), (tokens(7), tokens(37)));
        // The total of a first run may contain more than its answers.
        assert_eq!(share(tokens(10), tokens(12), Before::Nothing), (tokens(12), tokens(12)));
    }
}
