//! The pure heart: what objectives, sessions, the queue and projects are, and every decision about them.
//!
//! Nothing in here does I/O, reads a clock, or draws a random number.

pub mod agent;
pub mod apply;
pub mod aside;
pub mod budget;
pub mod bypass;
pub mod clock;
pub mod command;
pub mod decide;
pub mod effect;
pub mod event;
pub mod explain;
pub mod facts;
pub mod failure;
pub mod gate;
pub mod graph;
pub mod hierarchy;
pub mod ids;
pub mod input;
pub mod judge;
mod listing;
pub mod markers;
pub mod needs;
pub mod objective;
pub mod operate;
pub mod pace;
pub mod path;
pub mod plan;
pub mod planning;
pub mod project;
pub mod proof;
pub mod reason;
pub mod review;
pub mod scope;
pub mod secrets;
pub mod session;
pub mod settings;
pub mod state;
pub mod summary;
pub mod tamper;
pub mod tests_run;
pub mod train;
pub mod usage;
pub mod widen;
