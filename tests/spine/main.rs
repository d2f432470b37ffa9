//! The spine, end to end: the built binary on real workspaces and repositories, with agents that are shell
//! scripts. Nothing here depends on speed; deadlines only catch what would never happen.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod asleep;
mod commands;
mod gates;
mod graphs;
mod hostile;
mod input;
mod names;
mod place;
mod supervisor;
