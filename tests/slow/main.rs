//! Tests of the built program that take long or load the machine: kills at every moment, disk faults, the
//! console in a terminal, and a workspace of the first build.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod console_tmux;
mod crashes;
mod exhaustive;
mod faults;
mod first_build;
mod gate_folder;
mod queue;
mod trust;
