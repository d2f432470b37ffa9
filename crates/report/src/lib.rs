//! Read models for people and scripts: the status document, the morning report, event lines, and text that is
//! safe on a terminal.

pub mod agents;
pub mod events;
pub mod morning;
pub mod row;
pub mod status;
pub mod status_text;
pub mod text;
