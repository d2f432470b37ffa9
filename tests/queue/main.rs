//! The merge queue on real repositories: tests that branches tamper with, gates that check nothing, hang or run
//! nothing, pushes, and who will collide with whom.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod agreement;
mod batches;
mod canary;
mod folders;
mod gates;
mod guards;
mod merges;
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../spine/place.rs"]
mod place;
mod publishing;
mod pushes;
mod retarget;
mod room;
mod signing;
mod situations;
mod slots;
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../spine/supervisor.rs"]
mod supervisor;
mod tampering;
