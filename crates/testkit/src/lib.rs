//! The sandbox of all tests: a folder with its own workspace, repositories, agents and git configuration, in
//! which the built program runs as a user runs it.
//!
//! Every function here fails a test by panicking.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

pub mod alone;
pub mod bounded;
pub mod git;
mod program;
mod sandbox;
mod supervisor;
mod wait;

pub use program::program;
pub use sandbox::{Sandbox, outcome_of, outcome_with_panics};
pub use supervisor::{Supervisor, count, is, place_of};
pub use wait::{DEADLINE, until, within};
