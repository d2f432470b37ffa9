//! Paddock's git work, on real repositories.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harvesting;
mod hostile;
mod landing;
mod publishing;
mod repositories;
mod support;
mod worktrees;
