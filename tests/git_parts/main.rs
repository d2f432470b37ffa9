//! Paddock's git work, on real repositories.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bypass;
mod chains;
mod differences;
mod harvesting;
mod hostile;
mod landing;
mod publishing;
mod radar;
mod repositories;
mod support;
mod worktrees;
