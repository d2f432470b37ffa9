//! Tests of the built program that take long or load the machine: it is killed at every moment, met by faults of the
//! disk, driven in a terminal, and given a workspace of the first build.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod console_tmux;
mod crashes;
mod exhaustive;
mod faults;
mod first_build;
mod queue;
mod trust;
