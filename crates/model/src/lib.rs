//! What objectives, sessions, the queue and projects are, and how events change them.
//!
//! Nothing in here does I/O, reads a clock, or draws a random number.

pub mod agent;
pub mod answers;
pub(crate) mod apply;
pub mod budget;
pub mod bypass;
pub mod clock;
pub mod command;
pub mod cut;
pub mod event;
pub mod facts;
pub mod failure;
pub mod finding;
pub mod gate;
pub mod hierarchy;
pub mod ids;
pub mod markers;
pub mod needs;
pub mod objective;
pub mod operate;
pub mod path;
pub mod plan;
pub mod planning;
pub mod project;
pub mod proof;
pub mod reason;
pub mod scope;
pub mod session;
pub mod settings;
pub mod side_runs;
pub mod slot_tuning;
pub mod state;
pub mod stored;
pub mod summary;
pub mod tamper;
pub mod train;
pub mod usage;
pub mod verdicts;
