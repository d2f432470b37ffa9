//! Failure rates of queue entries, learned from their outcomes, from which the size of batches follows.

use serde::{Deserialize, Serialize};

/// Weight of the newest outcome. Outcomes are counted in thousandths, so that older ones can shrink in
/// integers.
const ONE: u64 = 1_000;
/// With each new outcome, the older ones lose one part in this many of their weight. Old outcomes are about
/// other work by other agents and say less about the next entry.
const MEMORY: u64 = 200;

/// Outcomes of queue entries, weighted by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rate {
    /// Weight of the entries that landed, in thousandths.
    pub passed: u64,
    /// Weight of the entries that the gate rejected, in thousandths.
    pub failed: u64,
}

impl Rate {
    /// Records the outcome of one entry.
    pub(crate) fn record(&mut self, has_failed: bool) {
        self.passed -= self.passed / MEMORY;
        self.failed -= self.failed / MEMORY;
        match has_failed {
            true => self.failed += ONE,
            false => self.passed += ONE,
        }
    }

    /// Returns the failure rate, smoothed by assuming that `failures` of `outcomes` earlier entries failed.
    fn smoothed(&self, failures: f64, outcomes: f64) -> f64 {
        let (passed, failed) = (self.passed as f64 / ONE as f64, self.failed as f64 / ONE as f64);
        (failed + failures) / (passed + failed + outcomes)
    }
}

/// Failure rates of a project's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rates {
    /// Rate of entries that enter the queue without a verdict of their own.
    pub fresh: Rate,
    /// Rate of entries that were green on their own merge ahead of their turn. They fail only by interaction
    /// with others.
    pub passed_ahead: Rate,
    /// A given rate in millionths, which replaces the learned ones; benchmarks set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<u32>,
}

impl Rates {
    /// Records the outcome of one entry.
    pub(crate) fn record(&mut self, had_passed: bool, has_failed: bool) {
        match had_passed {
            true => self.passed_ahead.record(has_failed),
            false => self.fresh.record(has_failed),
        }
    }

    /// Returns the probability that an entry fails in its turn.
    ///
    /// The rates start at 1 in 10, and at 1 in 40 for entries that passed ahead of their turn. Published
    /// measurements of other merge queues lie between 1 and 5 %.
    #[must_use]
    pub fn failure(&self, has_passed: bool) -> f64 {
        match (has_passed, self.given) {
            (_, Some(given)) => f64::from(given) / 1e6,
            (true, None) => self.passed_ahead.smoothed(0.25, 10.0),
            (false, None) => self.fresh.smoothed(0.5, 5.0),
        }
    }
}

/// Returns how many of the `allowed` slots are worth using, given the duration of a gate run alone and next
/// to another.
///
/// With V slots, a round of gate runs resolves at most log2(V + 1) bits, and each run takes V^a times as
/// long, where a = log2(together / alone). The result maximises bits per time.
#[must_use]
pub fn useful_slots(allowed: u32, alone_ms: u64, together_ms: u64) -> u32 {
    let slowdown = together_ms.max(1) as f64 / alone_ms.max(1) as f64;
    let exponent = slowdown.max(1.0).log2();
    let gain = |slots: u32| f64::from(slots + 1).log2() / f64::from(slots).powf(exponent);
    (1..=allowed.max(1)).fold(1, |best, slots| if gain(slots) > gain(best) { slots } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failure_rate_follows_outcomes_and_forgets_slowly() {
        let mut rates = Rates::default();
        assert!((rates.failure(false) - 0.1).abs() < 1e-9);
        (0..100).for_each(|_| rates.record(false, false));
        assert!(rates.failure(false) < 0.01, "{rates:?}");
        (0..400).for_each(|_| rates.record(false, true));
        assert!(rates.failure(false) > 0.8, "{rates:?}");
        assert!((rates.failure(true) - 0.025).abs() < 1e-9);
    }

    #[test]
    fn slots_that_slow_each_other_down_are_not_used() {
        assert_eq!(useful_slots(4, 1_000, 1_625), 1);
        assert_eq!(useful_slots(4, 1_000, 1_000), 4);
        assert_eq!(useful_slots(4, 1_000, 1_200), 4);
        assert_eq!(useful_slots(1, 1_000, 1_000), 1);
    }
}
