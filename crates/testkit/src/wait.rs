//! Waits for conditions that no event reports, by polling.

use std::time::{Duration, Instant};

/// Time after which a test fails instead of waiting longer. No test that passes comes near it.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Pause between two checks of a condition.
const INTERVAL: Duration = Duration::from_millis(10);

/// Waits until a condition holds. Fails the test after [`DEADLINE`].
pub fn until(what: &str, holds: impl FnMut() -> bool) {
    assert!(within(DEADLINE, holds), "waited in vain until {what}");
}

/// Waits until a condition holds, for at most `longest`. Returns whether it holds.
pub fn within(longest: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() >= longest {
            return false;
        }
        std::thread::sleep(INTERVAL);
    }
    true
}
