//! Real agent programs: what their recorded transcripts are read as, and whole runs with programs that replay them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod identity;
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../spine/place.rs"]
mod place;
mod properties;
mod recordings;
mod replay;
mod runs;
mod shells;
#[path = "../spine/supervisor.rs"]
mod supervisor;
mod surroundings;
mod tools;
