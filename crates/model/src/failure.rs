//! Why an agent's run failed, beyond its exit status, and what that means (SPEC 1.2, 3.3).
//!
//! Readers of transcripts find it in what the agent itself says of its end, in structured fields first; never in
//! what it talks about.

use super::cut;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest text kept of a failure, in bytes.
pub(crate) const FAILURE_TEXT_MAX_BYTES: usize = 500;

/// What stopped an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// Too many requests; it goes on by itself after a while.
    RateLimit,
    /// What was paid for is used up, until it is renewed.
    Quota,
    /// The provider has no capacity, or an error of its own.
    Overloaded,
    /// The connection failed or broke.
    Network,
    /// Not logged in, a wrong or expired key, no permission.
    Authentication,
    /// The conversation no longer fits into the model's context.
    ContextTooLong,
    /// It would have had to ask a person: trust in a folder, permission for a tool.
    Refused,
    /// It ended by an error of its own: wrong arguments, an exception.
    Crashed,
    /// A signal ended it that Paddock did not send.
    Killed,
    /// It failed, and did not say why in a form that is known.
    Other,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The session is interrupted: the same again after the agent has cooled down, or by another agent; no
    /// retry is spent.
    CoolDown,
    /// A person has to do something before this agent can work.
    Human,
    /// A retry that is told less and works in smaller steps.
    Smaller,
    /// The session has failed: a retry.
    Retry,
}

impl FailureClass {
    /// In words, for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::RateLimit => "rate limit",
            Self::Quota => "quota spent",
            Self::Overloaded => "provider overloaded",
            Self::Network => "network error",
            Self::Authentication => "authentication error",
            Self::ContextTooLong => "context too long",
            Self::Refused => "refused by a trust or permission check",
            Self::Crashed => "crashed",
            Self::Killed => "killed from outside",
            Self::Other => "failed",
        }
    }

    /// What follows.
    #[must_use]
    pub fn remedy(self) -> Remedy {
        match self {
            Self::RateLimit | Self::Quota | Self::Overloaded | Self::Network => Remedy::CoolDown,
            Self::Authentication | Self::Refused => Remedy::Human,
            Self::ContextTooLong => Remedy::Smaller,
            Self::Crashed | Self::Killed | Self::Other => Remedy::Retry,
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What stopped it.
    pub class: FailureClass,
    /// When the agent says that it can go on, in Unix milliseconds.
    pub reset_ms: Option<i64>,
    /// The agent's own words on one line, cut to [`FAILURE_TEXT_MAX_BYTES`]; may be empty.
    pub text: String,
}

impl Failure {
    /// A failure of that class, its text on one line and cut.
    #[must_use]
    pub fn new(class: FailureClass, text: &str) -> Self {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { class, reset_ms: None, text: cut::marked(&line, FAILURE_TEXT_MAX_BYTES) }
    }

    /// The same with the time at which the agent can go on; only what is over by itself has one.
    #[must_use]
    pub fn until(mut self, reset_ms: Option<i64>) -> Self {
        self.reset_ms = reset_ms.filter(|_| self.class.remedy() == Remedy::CoolDown);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.is_empty() {
            true => write!(f, "{}", self.class),
            false => write!(f, "{}: {}", self.class, self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failures_text_is_one_line_and_bounded() {
        let failure = Failure::new(FailureClass::RateLimit, &format!("a\n b\t{}", "登".repeat(400)));
        assert!(failure.text.starts_with("a b 登") && failure.text.ends_with("登…"), "{}", failure.text);
        assert!(failure.text.len() <= FAILURE_TEXT_MAX_BYTES);
        assert_eq!(Failure::new(FailureClass::Killed, " ").to_string(), "killed from outside");
    }
}
