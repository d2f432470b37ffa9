//! What a session used, as its agent told: what was not told is unknown, never zero.

use serde::{Deserialize, Serialize};

use super::failure::Failure;

/// Tokens, each of them counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// Read by the model, without those that a cache held; those written to a cache are in it.
    pub input: u64,
    /// Read from a cache.
    pub cached: u64,
    /// Written by the model, its reasoning included.
    pub output: u64,
}

impl Tokens {
    /// All of them.
    #[must_use]
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.cached).saturating_add(self.output)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cached: self.cached.saturating_add(other.cached),
            output: self.output.saturating_add(other.output),
        }
    }

    /// What a counter that goes on has gained since it stood at `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            input: self.input.saturating_sub(before.input),
            cached: self.cached.saturating_sub(before.cached),
            output: self.output.saturating_sub(before.output),
        }
    }
}

/// What a session used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens; none: the agent did not tell.
    pub tokens: Option<Tokens>,
    /// Cost in millionths of a dollar; none: the agent did not tell.
    pub usd_micros: Option<u64>,
    /// The model that did most of the work.
    pub model: Option<String>,
}

impl Usage {
    /// Cost in dollars, for people.
    #[must_use]
    pub fn usd(&self) -> Option<f64> {
        self.usd_micros.map(dollars)
    }
}

/// Millionths of a dollar as dollars.
#[must_use]
pub fn dollars(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Dollars as millionths; none for what is no amount.
#[must_use]
pub fn micros(usd: f64) -> Option<u64> {
    // Nothing that a session costs comes near the bound; it keeps the conversion exact.
    (usd.is_finite() && (0.0..1e9).contains(&usd)).then(|| (usd * 1e6).round() as u64)
}

/// What an agent's transcript told of a session, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    /// What this session used.
    #[serde(default)]
    pub usage: Usage,
    /// Why its agent failed; none: it did not.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// The agent's own name for its conversation, for resuming it.
    #[serde(default)]
    pub agent_session: Option<String>,
    /// Where the counter of that conversation stood at the end, of agents whose counter goes on over all the
    /// sessions that resume it.
    #[serde(default)]
    pub counter: Option<Tokens>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_exact_to_the_millionth_and_no_nonsense_is_a_cost() {
        assert_eq!(micros(0.07842980000000001), Some(78_430));
        assert_eq!(micros(0.0), Some(0));
        assert_eq!((micros(-1.0), micros(f64::NAN), micros(f64::INFINITY)), (None, None, None));
        assert_eq!(Usage::default().usd(), None);
    }

    #[test]
    fn a_counter_that_was_set_back_gives_nothing_rather_than_a_huge_number() {
        let (before, now) =
            (Tokens { input: 9, cached: 1, output: 2 }, Tokens { input: 5, cached: 4, output: 2 });
        assert_eq!(now.since(before), Tokens { input: 0, cached: 3, output: 0 });
    }
}
