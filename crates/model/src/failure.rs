//! Classes of agents' failures, beyond the exit status, and the remedy for each.
//!
//! Readers of transcripts derive them from what the agent itself reports at its end, from structured fields
//! first. The agent's prose is no evidence: it may talk about failures of the program on which it works.

use super::cut;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest text of a failure, in bytes.
pub(crate) const FAILURE_TEXT_MAX_BYTES: usize = 500;

/// Why an agent failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The provider's limit on requests was reached. It is lifted after a while.
    RateLimit,
    /// The paid quota is used up until it is renewed.
    Quota,
    /// The provider has no capacity, or an internal error.
    Overloaded,
    /// The connection failed or broke off.
    Network,
    /// The agent is not logged in, its key is wrong or expired, or a permission is missing.
    Authentication,
    /// The conversation no longer fits into the model's context.
    ContextTooLong,
    /// The agent needed a permission that only a person can give: trust in a folder, or use of a tool.
    Refused,
    /// The agent ended with an error of its own: wrong arguments, an exception.
    Crashed,
    /// A signal that Paddock did not send ended the agent.
    Killed,
    /// The agent failed and gave no reason in a known form.
    Other,
}

/// What Paddock does about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The agent cools down. The session counts as interrupted and is repeated later, or by another agent,
    /// without using up a retry.
    CoolDown,
    /// A person must act before this agent can work.
    Human,
    /// The session is repeated with a shorter prompt and in smaller steps, which uses up a retry.
    Smaller,
    /// The session counts as failed and is repeated, which uses up a retry.
    Retry,
}

impl FailureClass {
    /// Returns the class in words, for people.
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

    /// Returns the remedy for failures of this class.
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

/// A failure of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Class of the failure.
    pub class: FailureClass,
    /// When the agent says that it can work again, in Unix milliseconds.
    pub reset_ms: Option<i64>,
    /// The agent's own words on one line, cut to [`FAILURE_TEXT_MAX_BYTES`]. May be empty.
    pub text: String,
}

impl Failure {
    /// Returns a failure whose text is on one line and cut.
    #[must_use]
    pub fn new(class: FailureClass, text: &str) -> Self {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { class, reset_ms: None, text: cut::marked(&line, FAILURE_TEXT_MAX_BYTES) }
    }

    /// Sets the time at which the agent can work again. It is ignored for classes that time alone does not
    /// repair.
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
