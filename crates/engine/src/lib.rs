//! The engine: every decision about projects, objectives, sessions and the merge queue.
//!
//! The engine is pure. It depends on [`paddock_model`] alone, does no I/O, reads no clock and draws no random
//! number: the current time comes in with each input. The same inputs therefore always give the same
//! decisions, which is what lets the simulators in `tests/sim` replay and shrink thousands of runs.
//!
//! The supervisor drives it in a loop. Each [`input::Input`] goes to [`decide::step`], which applies the
//! events that follow to the state and returns them together with the [`effect::Effect`]s to execute. The
//! supervisor commits the events first and executes the effects afterwards; the outcome of an effect comes
//! back as another input. After a crash, [`decide::outstanding`] lists the effects whose outcome was never
//! recorded.
//!
//! | module | what it decides |
//! |---|---|
//! | [`decide`] | what follows from an input: events, effects, and the reply to a command |
//! | [`train`] | what the merge queue does next, planned from scratch at every event |
//! | `judge` | what the gate's verdicts mean: repeat a run, ask the base, blame the branch |
//! | `evidence` | what missing tests mean: the work may have removed them, it is sent back, or a person decides |
//! | [`review`] | whether the work that a session left may enter the merge queue |
//! | [`tamper`] | which changes to tests and gate scripts an objective's scope allows |
//! | `widen` | which paths recovery may add to a scope without a person |
//! | `assignment` | which worker and which agent run a session |
//! | [`pool`] | how many worktrees are kept for objectives to come |
//! | `setback` | in which sessions the agent itself did not work |
//! | [`explain`] | why an objective is not moving, and what would clear it |
//! | `needs` | what waits for a person |
//! | `graph` | the graph of dependencies: cycles and critical paths |
//! | [`input`], [`effect`] | the closed lists of what comes in and what goes out |
//!
//! Clients that must not depend on the engine (the console, the reports) reach its answers through
//! [`ANSWERS`].

pub(crate) mod assignment;
pub mod decide;
pub mod effect;
pub(crate) mod evidence;
pub mod explain;
pub(crate) mod graph;
pub mod input;
pub(crate) mod judge;
mod listing;
pub(crate) mod needs;
pub mod pool;
pub mod review;
pub(crate) mod setback;
pub mod tamper;
pub mod train;
mod widen_scope;

use paddock_model::answers::Answers;

/// The engine's answers to the questions that clients ask about a state.
pub const ANSWERS: Answers = Answers {
    why: explain::why_with,
    nothing_planned: explain::nothing_planned,
    needs: needs::needs,
    in_order: train::in_order,
};
