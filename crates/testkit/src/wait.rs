//! Waiting for what nothing reports.

use std::time::{Duration, Instant};

/// After this a test fails instead of waiting on. No test that passes comes near it.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(10);

/// Waits until something holds, at most [`DEADLINE`].
pub fn until(what: &str, holds: impl FnMut() -> bool) {
    assert!(within(DEADLINE, holds), "waited in vain until {what}");
}

/// Waits until something holds, at most so long; whether it holds.
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
