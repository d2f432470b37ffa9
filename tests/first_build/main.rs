//! A workspace that the first build left behind, with a session that goes on under its keeper: this build opens it and
//! goes on, and says in JSON all that scripts were promised.
//!
//! `workspace.tar.gz` was made by make.sh and pack.sh with the first build's binary and is never made anew. The session
//! has a stand-in for its keeper here (keeper.sh); `.ci/run full` builds the first build from the history and does the
//! same with real ones.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../spine/bounded.rs"]
mod bounded;
mod goes_on;
mod json;
mod place;
#[expect(dead_code, reason = "these tests need a part of it")]
#[path = "../trust/support/supervisor.rs"]
mod supervisor;

use std::time::{Duration, Instant};

use place::Place;

/// A net for failures, never something that a passing test waits for.
const DEADLINE: Duration = Duration::from_secs(45);

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
