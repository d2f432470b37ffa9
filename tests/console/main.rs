//! The console without a terminal: keys in, effects and frames out.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod fixture;
mod frames;
mod keys;
mod lists;
mod screen;
mod selection;
