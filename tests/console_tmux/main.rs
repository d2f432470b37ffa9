//! The built console in a real terminal: a tmux of each test's own. Screens are waited for, never times.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(dead_code, reason = "the place and the supervisor are those of the spine's tests")]

mod away;
mod demo;
mod files;
mod first;
#[path = "../spine/place.rs"]
mod place;
mod senses;
#[path = "../spine/supervisor.rs"]
mod supervisor;
mod texts;
mod tmux;
mod work;
