//! The merge queue in a seeded simulator: its promises, and what it costs beside other strategies.
//!
//! `PADDOCK_QUEUE_SEEDS=N` runs so many queues, `PADDOCK_QUEUE_SEED=K` only that one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod chaos;
mod efficiency;
mod figures;
mod queue;
#[expect(dead_code, reason = "the supervisor's simulator uses the rest of it")]
#[path = "../simulator/rng.rs"]
mod rng;
mod settings;
mod target;
mod world;
mod zuul;
