//! The pure heart: what objectives, sessions, the queue and projects are, and every decision about them.
//!
//! Nothing in here does I/O, reads a clock, or draws a random number.

pub mod graph;
pub mod ids;
pub mod scope;
pub mod settings;
pub mod summary;
