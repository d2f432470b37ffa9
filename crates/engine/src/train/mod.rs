//! The merge queue as a pure state machine: `plan(view) -> actions`.
//!
//! The plan is made from scratch at every event. Between two plans nothing is remembered but the chain of
//! merges that was made and the gate's verdicts on trees, so a lost or doubled event does no harm.
//!
//! A batch is a prefix of the chain. After a batch has landed, the rest of the chain is made again on the new
//! tip and has the same trees as before. Verdicts belong to trees, not to runs, so every verdict of a search
//! stays valid after a landing.

mod cuts;
mod order;
mod plan;
#[cfg(test)]
mod plan_tests;

pub use order::{OVERTAKEN_MAX, in_order};
pub use plan::{Action, View, plan};

/// Members of a batch, at most. A longer batch gains nothing unless fewer than 1 in 100 entries fail, and
/// with this bound the chain's row in the database stays under 10 kB.
pub(crate) const BATCH_MAX: usize = 64;
