//! Compares the wall clock with the monotonic clock, which never jumps and stops while the machine sleeps.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use paddock_os::processes;

/// Smallest difference between the two clocks that counts as a jump, in milliseconds. Time servers correct
/// the wall clock by up to half a millisecond a second, and the clocks are compared far more often than once
/// an hour.
const JUMP_MIN_MS: i64 = 3_000;

/// Longest time between reading the one clock and the other. Only a process that was stopped in between takes
/// longer; the next comparison is soon enough then.
const READ_MAX: Duration = Duration::from_millis(500);

/// Returns the wall clock in Unix milliseconds.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Returns the beginning of today in the user's time zone, in Unix milliseconds.
pub(super) fn day_start_ms() -> i64 {
    let now = jiff::Zoned::now();
    // `start_of_day` fails only at the edge of the calendar; a budget of the last 24 hours is a sensible
    // stand-in.
    now.start_of_day().map_or_else(|_| now_ms() - 86_400_000, |start| start.timestamp().as_millisecond())
}

/// The readings of both clocks at the last comparison.
#[derive(Debug)]
pub(super) struct Clock {
    wall_ms: i64,
    awake: Instant,
}

impl Clock {
    /// Reads both clocks.
    pub(super) fn new() -> Self {
        Self { wall_ms: now_ms(), awake: Instant::now() }
    }

    /// Compares the clocks again. Returns how much further the wall clock went than the monotonic clock, in
    /// milliseconds, if that is a jump: the machine slept, or somebody set its clock. Negative if the clock
    /// was set back.
    pub(super) fn jumped_ms(&mut self) -> Option<i64> {
        let before = Instant::now();
        let (wall_ms, now) = (now_ms(), Instant::now());
        // The process was stopped between the two readings: they belong to different moments.
        if now.duration_since(before) > READ_MAX {
            return None;
        }
        self.seen(wall_ms, now.saturating_duration_since(self.awake), now)
    }

    fn seen(&mut self, wall_ms: i64, awake: Duration, now: Instant) -> Option<i64> {
        let awake_ms = i64::try_from(awake.as_millis()).unwrap_or(i64::MAX);
        let by_ms = wall_ms.saturating_sub(self.wall_ms).saturating_sub(awake_ms);
        (self.wall_ms, self.awake) = (wall_ms, now);
        (by_ms.saturating_abs() >= JUMP_MIN_MS).then_some(by_ms)
    }
}

/// Returns how long the machine has been awake since its awake clock showed `began_ms`. `None` where the
/// system has no such clock that several processes can compare.
pub(super) fn awake_since(began_ms: u64) -> Option<Duration> {
    processes::awake_clock_ms().map(|now_ms| Duration::from_millis(now_ms.saturating_sub(began_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(wall_ms: i64, awake_ms: u64) -> Option<i64> {
        let now = Instant::now();
        let mut clock = Clock { wall_ms: 1_000_000, awake: now };
        let seen = clock.seen(1_000_000 + wall_ms, Duration::from_millis(awake_ms), now);
        assert_eq!(clock.seen(1_000_000 + wall_ms, Duration::ZERO, now), None, "a jump is reported once");
        seen
    }

    #[test]
    fn sleep_and_a_clock_that_is_set_are_jumps_and_passing_time_is_not() {
        assert_eq!(after(20_000, 20_000), None);
        assert_eq!(after(3_600_000, 3_599_000), None, "a time server's correction");
        assert_eq!(after(8 * 3_600_000, 20_000), Some(8 * 3_600_000 - 20_000));
        assert_eq!(after(-3_600_000, 1_000), Some(-3_601_000));
    }
}
