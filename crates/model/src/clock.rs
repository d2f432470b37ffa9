//! Waits, and a wall clock that people and time servers set.
//!
//! A wait is recorded as the moment at which it is over, so that it outlives every supervisor. A clock that is set
//! forward ends it early, which costs a try; one that is set back would make a pause of seconds last for as long as
//! the clock was wrong, and that may be years.

/// No pause that Paddock makes by itself is meant to be longer, in milliseconds.
pub(crate) const PAUSE_MAX_MS: i64 = 600_000;

/// Whether a pause until that moment is over: the moment has come, or it is so far away that the clock must have
/// been set back since.
#[must_use]
pub fn is_over(until_ms: i64, now_ms: i64) -> bool {
    until_ms <= now_ms || until_ms.saturating_sub(now_ms) > PAUSE_MAX_MS
}

/// How far two moments are apart, in milliseconds, whichever of them was first.
#[must_use]
pub fn distance_ms(one_ms: i64, other_ms: i64) -> i64 {
    one_ms.saturating_sub(other_ms).saturating_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_at_its_time_and_when_the_clock_was_set_back() {
        assert!(!is_over(1_000, 999));
        assert!(is_over(1_000, 1_000) && is_over(1_000, i64::MAX));
        let year_ms = 365 * 86_400_000;
        assert!(is_over(1_000, 1_000 - year_ms) && is_over(i64::MAX, i64::MIN));
        assert_eq!(distance_ms(5, 9), distance_ms(9, 5));
    }
}
