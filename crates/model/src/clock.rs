//! Waits that survive a restart, under a wall clock that people and time servers set.
//!
//! A wait is stored as the time of its end, so that it outlives the supervisor. If the clock is set forward,
//! the wait ends early, which costs one more attempt. If it is set back, a pause of seconds would last as
//! long as the clock was wrong, possibly for years; [`is_over`] prevents that.
//!
//! People and time servers set the wall clock. The machine's monotonic clock never jumps and stops while the
//! machine sleeps, so durations are measured with it: keepers count limits and stalls on it alone. What must
//! outlive a supervisor is recorded as a moment of the wall clock. `supervisor::clock` compares both clocks
//! before each decision; when they differ by three seconds, `clock_jumped` is recorded and no running session
//! is charged for that time. For the time without a supervisor the keeper's claim holds the monotonic clock,
//! and the supervisor that finds the session again corrects its minutes (`session_slept`).

/// Longest pause that Paddock makes by itself, in milliseconds.
pub(crate) const PAUSE_MAX_MS: i64 = 600_000;

/// Returns whether a pause until `until_ms` is over. A longer pause than Paddock makes means that the clock
/// was set back, and counts as over.
#[must_use]
pub fn is_over(until_ms: i64, now_ms: i64) -> bool {
    until_ms <= now_ms || until_ms.saturating_sub(now_ms) > PAUSE_MAX_MS
}

/// Returns the distance between two times in milliseconds, whichever is the earlier.
#[must_use]
pub fn distance_ms(one_ms: i64, other_ms: i64) -> i64 {
    one_ms.saturating_sub(other_ms).saturating_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_over_at_its_end_or_when_the_clock_was_set_back() {
        assert!(!is_over(1_000, 999));
        assert!(is_over(1_000, 1_000) && is_over(1_000, i64::MAX));
        let year_ms = 365 * 86_400_000;
        assert!(is_over(1_000, 1_000 - year_ms) && is_over(i64::MAX, i64::MIN));
        assert_eq!(distance_ms(5, 9), distance_ms(9, 5));
    }
}
