//! What people and scripts are shown: the status document, event lines, and text that a terminal can bear.

pub mod agents;
pub mod events;
pub mod morning;
pub mod row;
pub mod status;
pub mod status_text;
pub mod text;
