//! The merge queue in a seeded simulator: its promises, and what it costs beside other strategies.
//!
//! `PADDOCK_QUEUE_SEEDS=N` runs so many queues, `PADDOCK_QUEUE_SEED=K` only that one.

mod chaos;
mod efficiency;
mod figures;
mod queue;
mod settings;
mod target;
mod world;
mod zuul;
