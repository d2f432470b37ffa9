//! The merge queue as a pure state machine: `plan(view) -> actions`.
//!
//! The plan is made from scratch at every event. Between two plans nothing is remembered but the chain of
//! merges that was made and the gate's verdicts on trees, so a lost or doubled event does no harm.
//!
//! A batch is a prefix of the chain. After a batch has landed, the rest of the chain is made again on the new
//! tip and has the same trees as before. Verdicts belong to trees, not to runs, so every verdict of a search
//! stays valid after a landing.
//!
//! # How the queue works
//!
//! - **Chain.** `git::chain` merges the members one after the other in memory. For every prefix it makes the
//!   one commit that would land it: first parent the tip, second parent the members' merges (with one member:
//!   its head). A member that conflicts with the tip gets a conflict session; one that conflicts only with
//!   members before it is *separate* and waits for its turn. One ref, `refs/paddock/candidate/batch`, keeps
//!   all of them.
//! - **Where to run the gate** (`cuts`). The unknown is the first member that fails, so a run is placed where
//!   red and green are equally likely. Without a red prefix that is a batch of about ln 2 / p members; with
//!   one it is half of the search; above p = 0.38 it is the first member alone. Several slots cut at the
//!   quantiles. A member that is red alone was run as exactly its own merge on the tip, so blame costs no run
//!   beyond the repeats.
//! - **Trees carry verdicts, not runs.** After a prefix has landed, the rest of the chain is made again on
//!   the new tip and has the same trees, so verdicts and running gates stay valid (`Made::is_stale` holds the
//!   trees to expect). A run whose tree matters no longer, or whose terms changed, is cancelled by the next
//!   plan.
//! - **The user's commits** move the tip. The chain follows (`Train::follow_tip`) and keeps its trees until
//!   it is made again, so a commit that changes no file costs no run.
//! - **Order** (`order`). The user's commits first and alone; then entries that were overtaken eight times;
//!   then priority, fewest predicted conflicts, and age. Every prefix of this order may land without breaking
//!   the bound, and `landable` checks that again for what is tried.
//! - **Rates** (`rate`) are learned from landings and blame, with younger ones weighing more. Entries that
//!   were green ahead of their turn have a rate of their own. `useful_slots` computes how many slots are
//!   worth their contention, and `model::slot_tuning` measures it.
//! - **Idle slots** try the user's own commits and, with several slots, entries ahead of their turn; both
//!   give way at once.
//! - **Withdrawn** by a person (`queue drop`) an objective goes to needs_review: it passed its review, so no
//!   session is due. `queue requeue` appends it again, and earlier verdicts against it no longer count.
//!
//! `tests/sim/queue_simulator` plays thousands of queues through these decisions, and Zuul's situations by
//! name; docs/performance.md compares strategies.

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
