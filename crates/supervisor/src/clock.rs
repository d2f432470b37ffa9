//! The wall clock held against the machine's own, which never jumps and stops while the machine sleeps.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use paddock_os::processes;

/// The two part by less than this when nothing happened: time servers correct half a millisecond a second, and a
/// clock is looked at far oftener than once an hour.
const JUMP_MIN_MS: i64 = 3_000;

/// Reading both takes less, unless the process was stopped in between; the next look is soon enough then.
const READ_MAX: Duration = Duration::from_millis(500);

/// Unix milliseconds.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// When today began where the user is, in Unix milliseconds.
pub(super) fn day_start_ms() -> i64 {
    let now = jiff::Zoned::now();
    now.start_of_day().map_or_else(|_| now_ms() - 86_400_000, |start| start.timestamp().as_millisecond())
}

/// Where both clocks were when they were last seen together.
#[derive(Debug)]
pub(super) struct Clock {
    wall_ms: i64,
    awake: Instant,
}

impl Clock {
    /// Both as they are now.
    pub(super) fn new() -> Self {
        Self { wall_ms: now_ms(), awake: Instant::now() }
    }

    /// How far the wall clock went beyond (or behind) the time awake since the last look, in milliseconds, if that
    /// is a jump: the machine slept, or somebody set its clock.
    pub(super) fn jumped_ms(&mut self) -> Option<i64> {
        let before = Instant::now();
        let (wall_ms, now) = (now_ms(), Instant::now());
        if now.duration_since(before) > READ_MAX {
            return None; // Stopped between the two: they tell of different moments.
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

/// How long the machine has been awake since its clock showed this, in milliseconds.
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
        assert_eq!(clock.seen(1_000_000 + wall_ms, Duration::ZERO, now), None, "a jump is told once");
        seen
    }

    #[test]
    fn sleep_and_a_clock_that_is_set_are_jumps_and_time_that_passes_is_none() {
        assert_eq!(after(20_000, 20_000), None);
        assert_eq!(after(3_600_000, 3_599_000), None, "a time server's correction");
        assert_eq!(after(8 * 3_600_000, 20_000), Some(8 * 3_600_000 - 20_000));
        assert_eq!(after(-3_600_000, 1_000), Some(-3_601_000));
    }
}
