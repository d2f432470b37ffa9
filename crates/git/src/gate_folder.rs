//! The folders in which the gate runs: each is held against the tree that is about to land, before and after
//! every command.
//!
//! [`hold()`] brings a folder to a commit. Afterwards it holds what a fresh clone of the commit would hold, and
//! the folders that are kept between runs ([`rules`], [`cache`]). [`look()`] compares it with the commit after
//! each command, and writes again what a command changed.
//!
//! Neither asks git whether a file has changed: code under test can write git's index, its flags and its
//! configuration. What is known about a folder lies in the workspace (`record`): a table of all files with
//! their contents (`table`), and git's index as git wrote it. A look trusts change times and inodes, which
//! programs cannot set; where they can set the clock, every file is read.
//!
//! git writes the files, because only git applies the user's filters and line ends. What it wrote is compared
//! with the commit once (`compare`), and from then on with the table. When anything changes by which git
//! converts files (`conversion`), the folder is made anew.

pub mod cache;
mod checkout;
mod clear;
mod compare;
mod conversion;
mod copy;
pub(crate) mod exact;
mod hold;
mod kept;
mod key;
mod look;
mod manifest;
mod prove;
mod record;
mod rules;
#[cfg(test)]
pub(crate) mod samples;
mod seed;
mod set_up;
mod strip;
mod submodules;
mod table;
mod tree;
mod walk;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub(super) use clear::remove as clear;
pub use hold::{Held, HoldOrder, hold, remove_gate, remove_unignored};
pub use key::cache_key;
pub use look::{LookOrder, Looked, look};
pub use rules::{Ecosystem, ecosystems, kept_folders};
pub use seed::{SeedOrder, Seeded, seed};
pub use set_up::set_up_key;
pub use table::StatTrust;

/// Owner of every worktree of a gate or planner.
pub(super) const MARKER: &str = "paddock: detached";

/// The places of a gate folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatePlace {
    /// The folder in which the gate runs.
    pub folder: PathBuf,
    /// Folder in the workspace with what is known about it.
    pub private: PathBuf,
}
