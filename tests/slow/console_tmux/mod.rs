//! The built console in a real terminal: each test has a tmux server of its own. The tests wait for what the
//! screen shows, never for a length of time.

mod away;
mod demo;
mod files;
mod first;
mod senses;
mod texts;
mod tmux;
mod work;
