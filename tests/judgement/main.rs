//! Judgement, end to end: whom a gate blames, what review lets through, and what proves a landing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blame;
mod conflicts;
mod ends;
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../spine/place.rs"]
mod place;
mod proofs;
mod reviews;
mod summaries;
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../spine/supervisor.rs"]
mod supervisor;
mod surroundings;
