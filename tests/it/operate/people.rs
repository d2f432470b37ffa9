//! Waiting for what agents leave.

use std::time::{Duration, Instant};

use paddock_testkit::DEADLINE;

/// Waits until something holds that nothing tells of.
pub fn until(holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < DEADLINE, "it never came");
        std::thread::sleep(Duration::from_millis(10));
    }
}
