//! The merge queue as a pure state machine: `plan(view) -> actions`, planned anew from one read at every
//! event. Lost or doubled events are harmless, since nothing is remembered between two plans but what was
//! made (a chain of merges) and what the gate said of trees.
//!
//! A batch is a prefix of the chain. Its tree is the same whether the chain is made in one go or what is left
//! of it is made again on top of a landing: so every verdict of a search goes on to count.

mod cuts;
mod order;
mod plan;
#[cfg(test)]
mod plan_tests;

pub use order::{OVERTAKEN_MAX, in_order};
pub use plan::{Action, View, plan};

/// Members of a batch at most: above it nothing is gained down to a failure rate of 1 in 100, and the chain
/// stays in a row of the database of under 10 kB.
pub(crate) const BATCH_MAX: usize = 64;
