//! Read models for people and scripts: the status document, the morning report, event lines, and text that is
//! safe on a terminal.

pub mod agents;
pub mod event_lines;
pub mod event_types;
pub mod evidence;
pub mod lineage;
pub mod morning;
pub mod runners;
pub mod status;
pub mod status_text;
pub mod text;
