//! The workspace, project files, the environment and plans, on real files and repositories.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "config/locks.rs"]
mod locks;
#[path = "config/plans.rs"]
mod plans;
#[path = "config/projects.rs"]
mod projects;
#[path = "config/workspaces.rs"]
mod workspaces;
