//! The git crate on real repositories.

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
