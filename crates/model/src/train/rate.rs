//! How often entries fail, learned from what became of them, and what follows for the size of a batch.

use serde::{Deserialize, Serialize};

/// One outcome, in the unit that outcomes are counted in.
const ONE: u64 = 1_000;
/// The weight of older outcomes shrinks by one part in this many with each new one: what was long ago was
/// other work by other agents.
const MEMORY: u64 = 200;

/// Outcomes of entries, younger ones weighing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rate {
    /// Entries that landed, in thousandths.
    pub passed: u64,
    /// Entries that were sent back by the gate, in thousandths.
    pub failed: u64,
}

impl Rate {
    /// Takes in what became of an entry.
    pub(crate) fn note(&mut self, has_failed: bool) {
        self.passed -= self.passed / MEMORY;
        self.failed -= self.failed / MEMORY;
        match has_failed {
            true => self.failed += ONE,
            false => self.passed += ONE,
        }
    }

    /// The rate of failure, with so many failures and outcomes taken for granted before the first.
    fn smoothed(&self, failures: f64, outcomes: f64) -> f64 {
        let (passed, failed) = (self.passed as f64 / ONE as f64, self.failed as f64 / ONE as f64);
        (failed + failures) / (passed + failed + outcomes)
    }
}

/// The rates of a project's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rates {
    /// Of entries that come to the queue without a verdict of their own.
    pub fresh: Rate,
    /// Of entries that passed on their own merge ahead of their turn: they fail by interaction only.
    pub passed_ahead: Rate,
    /// A rate that is known rather than learned, in millionths; for measurements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<u32>,
}

impl Rates {
    /// Takes in what became of an entry.
    pub(crate) fn note(&mut self, had_passed: bool, has_failed: bool) {
        match had_passed {
            true => self.passed_ahead.note(has_failed),
            false => self.fresh.note(has_failed),
        }
    }

    /// The probability that an entry fails in its turn. One in ten before anything is known, and one in forty
    /// for what passed ahead: what others measured (1 to 5 %).
    #[must_use]
    pub fn failure(&self, has_passed: bool) -> f64 {
        match (has_passed, self.given) {
            (_, Some(given)) => f64::from(given) / 1e6,
            (true, None) => self.passed_ahead.smoothed(0.25, 10.0),
            (false, None) => self.fresh.smoothed(0.5, 5.0),
        }
    }
}

/// How many of the allowed slots are worth using, by what two gates beside each other take against one alone.
/// With V slots a round resolves log2(V + 1) bits at most, and each gate takes V^a times as long.
#[must_use]
pub fn useful_slots(allowed: u32, alone_ms: u64, beside_ms: u64) -> u32 {
    let slowdown = beside_ms.max(1) as f64 / alone_ms.max(1) as f64;
    let exponent = slowdown.max(1.0).log2();
    let gain = |slots: u32| f64::from(slots + 1).log2() / f64::from(slots).powf(exponent);
    (1..=allowed.max(1)).fold(1, |best, slots| if gain(slots) > gain(best) { slots } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_what_happens_and_forgets_slowly() {
        let mut rates = Rates::default();
        assert!((rates.failure(false) - 0.1).abs() < 1e-9);
        (0..100).for_each(|_| rates.note(false, false));
        assert!(rates.failure(false) < 0.01, "{rates:?}");
        (0..400).for_each(|_| rates.note(false, true));
        assert!(rates.failure(false) > 0.8, "{rates:?}");
        assert!((rates.failure(true) - 0.025).abs() < 1e-9);
    }

    #[test]
    fn slots_that_slow_each_other_down_stay_idle() {
        assert_eq!(useful_slots(4, 1_000, 1_625), 1);
        assert_eq!(useful_slots(4, 1_000, 1_000), 4);
        assert_eq!(useful_slots(4, 1_000, 1_200), 4);
        assert_eq!(useful_slots(1, 1_000, 1_000), 1);
    }
}
