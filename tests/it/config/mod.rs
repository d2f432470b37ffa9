//! The workspace, project files, the environment and plans, on real files and repositories.

mod locks;
mod plans;
mod projects;
mod simulated;
mod workspaces;
