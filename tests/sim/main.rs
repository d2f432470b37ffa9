//! Paddock's decisions in seeded simulators, whose git, processes, agents, people and clock are models.
//!
//! They use what decides alone: nothing here starts a process or touches a file.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod ancestry;
mod queue_simulator;
mod rng;
mod simulator;
