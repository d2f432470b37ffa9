//! The spine, end to end: the built binary on real workspaces and repositories, with agents that are shell
//! scripts. Nothing here depends on speed; deadlines only catch what would never happen.

mod asleep;
mod commands;
mod gates;
mod graphs;
mod hostile;
mod input;
mod names;
