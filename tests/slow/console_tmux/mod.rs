//! The built console in a real terminal: a tmux of each test's own. Screens are waited for, never times.

mod away;
mod demo;
mod files;
mod first;
mod senses;
mod texts;
mod tmux;
mod work;
