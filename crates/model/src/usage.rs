//! Usage of sessions, as agents report it. An amount that was not reported is unknown, never zero.

use serde::{Deserialize, Serialize};

use super::failure::Failure;

/// Numbers of tokens; each token is counted in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// Tokens that the model read, except those from a cache. Tokens written to a cache are included.
    pub input: u64,
    /// Tokens that the model read from a cache.
    pub cached: u64,
    /// Tokens that the model wrote, including its reasoning.
    pub output: u64,
}

impl Tokens {
    /// Returns the total.
    #[must_use]
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.cached).saturating_add(self.output)
    }

    /// Returns the sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cached: self.cached.saturating_add(other.cached),
            output: self.output.saturating_add(other.output),
        }
    }

    /// Returns the increase of a cumulative counter since it showed `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            // An agent may reset its counter; nothing is then known about the increase, and it must not
            // underflow.
            input: self.input.saturating_sub(before.input),
            cached: self.cached.saturating_sub(before.cached),
            output: self.output.saturating_sub(before.output),
        }
    }
}

/// Usage of a session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens; `None` if the agent did not report them.
    pub tokens: Option<Tokens>,
    /// Cost in millionths of a dollar; `None` if the agent did not report it.
    pub usd_micros: Option<u64>,
    /// Whether the cost is Paddock's estimate: the agent was stopped before it reported one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub usd_is_estimate: bool,
    /// Model that did most of the work.
    pub model: Option<String>,
}

impl Usage {
    /// Returns the cost in dollars, for people.
    #[must_use]
    pub fn usd(&self) -> Option<f64> {
        self.usd_micros.map(dollars)
    }

    /// Returns the cost as people read it, with `~` before an estimate; `None` if it is unknown.
    #[must_use]
    pub fn usd_text(&self) -> Option<String> {
        let sign = if self.usd_is_estimate { "~" } else { "" };
        self.usd_micros.map(|micros| format!("{sign}{}", usd_text(micros)))
    }
}

/// Converts millionths of a dollar to dollars.
#[must_use]
pub fn dollars(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Returns an amount of millionths of a dollar as people read it: `$12.30`, and with more digits where two would
/// say nothing: `$0.0018`.
#[must_use]
pub fn usd_text(micros: u64) -> String {
    let usd = dollars(micros);
    match micros {
        0 | 10_000.. => format!("${usd:.2}"),
        1_000..10_000 => format!("${usd:.4}"),
        100..1_000 => format!("${usd:.5}"),
        1..100 => format!("${usd:.6}"),
    }
}

/// Like [`usd_text`], for an amount in dollars.
#[must_use]
pub fn usd_of(usd: f64) -> String {
    micros(usd).map_or_else(|| format!("${usd:.2}"), usd_text)
}

/// Converts dollars to millionths; `None` if the number is not a plausible amount.
#[must_use]
pub fn micros(usd: f64) -> Option<u64> {
    // No session costs a billion dollars. The bound keeps the conversion exact.
    (usd.is_finite() && (0.0..1e9).contains(&usd)).then(|| (usd * 1e6).round() as u64)
}

/// An agent's reports about its session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    /// Usage of this session alone.
    #[serde(default)]
    pub usage: Usage,
    /// Why the agent failed; `None` if it did not.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// The agent's own id of its conversation, with which it can be resumed.
    #[serde(default)]
    pub agent_session: Option<String>,
    /// Final value of the conversation's cumulative counter, for agents that count over all sessions of a
    /// conversation. The session that resumes it subtracts this value.
    #[serde(default)]
    pub counter: Option<Tokens>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_exact_to_the_millionth_and_implausible_ones_are_refused() {
        assert_eq!(micros(0.07842980000000001), Some(78_430));
        assert_eq!(micros(0.0), Some(0));
        assert_eq!((micros(-1.0), micros(f64::NAN), micros(f64::INFINITY)), (None, None, None));
        assert_eq!(Usage::default().usd(), None);
    }

    #[test]
    fn a_small_cost_is_never_shown_as_nothing() {
        let shown = [0, 7, 420, 1_803, 9_996, 10_000, 78_430, 1_500_000].map(usd_text);
        let expected = ["$0.00", "$0.000007", "$0.00042", "$0.0018", "$0.0100", "$0.01", "$0.08", "$1.50"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_counter_that_was_reset_does_not_underflow() {
        let (before, now) =
            (Tokens { input: 9, cached: 1, output: 2 }, Tokens { input: 5, cached: 4, output: 2 });
        assert_eq!(now.since(before), Tokens { input: 0, cached: 3, output: 0 });
    }
}
