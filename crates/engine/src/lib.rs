//! Every decision about objectives, sessions, the queue and projects.
//!
//! It knows [`paddock_model`] alone. Nothing in here does I/O, reads a clock, or draws a random number.

pub(crate) mod assignment;
pub mod decide;
pub mod effect;
pub mod explain;
pub(crate) mod graph;
pub mod input;
pub(crate) mod judge;
mod listing;
pub(crate) mod needs;
pub mod review;
pub mod tamper;
pub mod tests_run;
pub mod train;
mod widen;

use paddock_model::answers::Answers;

/// The engine's answers to what clients ask of a state.
pub const ANSWERS: Answers = Answers {
    why: explain::why_with,
    nothing_planned: explain::nothing_planned,
    needs: needs::needs,
    in_order: train::in_order,
};
