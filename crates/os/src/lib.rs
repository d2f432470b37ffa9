//! The operating system: files, locks, processes and their trees, panics, and the moments at which tests kill the process.
//! Imports nothing of ours.

pub(crate) mod error;
pub mod fail_points;
pub mod files;
pub mod locks;
pub mod open_files;
pub mod panics;
pub mod processes;
pub mod tree;

pub use error::FileError;
