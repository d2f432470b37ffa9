//! Seeded simulators of the engine, with models of git, processes, agents, people and the clock.
//!
//! They use only the engine, and the text of stored rows: no test here starts a process or touches a file.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod ancestry;
mod queue_simulator;
mod rng;
mod simulator;
