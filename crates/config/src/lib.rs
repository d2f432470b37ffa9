//! The workspace folder, project files and environment: everything a person writes for Paddock to read.
//!
//! Reading is strict and says every fault with file, line, column, key and what is right ([`ConfigError`]).

mod agents;
pub mod branch_name;
pub mod builtin;
pub mod changes;
pub(crate) mod dotenv;
pub mod environment;
pub mod error;
pub mod example;
pub mod goals_file;
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
mod shared_part;
mod shell_syntax;
pub mod show;
mod table;
pub mod templates;
pub mod validate;
pub mod words;
pub(crate) mod workspace;
pub mod write;
mod yaml;

pub use environment::Environment;
pub use error::{ConfigError, Place, Severity};
pub use shared_part::agreement_of;
pub use workspace::{UnfitRuntime, Workspace, WorkspaceError};
