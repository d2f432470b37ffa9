//! What people ask of objectives and of the hierarchy: on the built binary with agents that are shell scripts,
//! and, where a moment has to be held that passes too fast, against the decisions themselves.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(dead_code, reason = "the place and the supervisor are those of the spine's tests")]

mod aims;
mod aside;
mod back;
mod decisions;
mod kept;
mod needs;
mod paused;
mod people;
#[path = "../spine/place.rs"]
mod place;
mod shaped;
#[path = "../spine/supervisor.rs"]
mod supervisor;
