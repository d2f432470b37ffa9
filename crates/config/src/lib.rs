//! The workspace folder, project files, plans and the environment: everything that people write for Paddock.
//!
//! Reading is strict: an unknown key is a fault. It does not stop at the first fault, but reports all of
//! them, each with file, line, column, key and a correction ([`ConfigError`]).
//!
//! `table` has one row per setting, and is where to start for a change of a setting. [`project_file`] reads a
//! file, [`resolve`] combines it with the repository's own file and the built-in agents to settings.

mod agents;
pub mod branch_name;
pub mod builtin;
pub mod changes;
pub(crate) mod dotenv;
pub mod environment;
pub mod error;
pub mod example;
mod gate_commands;
pub mod goals_file;
pub mod index;
mod keep;
pub mod plan_file;
mod plan_keys;
mod plan_text;
pub mod project_file;
pub mod propose;
mod read;
mod reader;
#[cfg(test)]
mod reference;
pub mod resolve;
pub mod schema;
mod sections;
mod settings_table;
mod shared_part;
mod shell_syntax;
pub mod show;
pub mod templates;
pub mod validate;
pub mod variables;
pub mod words;
pub(crate) mod workspace;
pub mod write;
mod yaml;

pub use environment::Environment;
pub use error::{ConfigError, Place, Severity};
pub use shared_part::agreement_of;
pub use workspace::{UnfitRuntime, Workspace, WorkspaceError};
