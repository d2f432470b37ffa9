//! Real agent programs: what their recorded transcripts are read as, and whole runs with programs that replay them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod properties;
mod recordings;
