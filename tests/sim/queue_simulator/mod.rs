//! The merge queue in a seeded simulator: its promises, and its cost compared with other strategies.
//!
//! `PADDOCK_QUEUE_SEEDS=N` plays N queues, `PADDOCK_QUEUE_SEED=K` only the one with seed K.

mod chaos;
mod efficiency;
mod figures;
mod queue;
mod settings;
mod target;
mod world;
mod zuul;
