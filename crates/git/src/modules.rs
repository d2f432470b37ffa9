//! The repositories of submodules, below `modules/` of a git directory.
//!
//! git keeps them there by the names that `.gitmodules` gives them: those of the user's checkout in the
//! project's repository, those of a linked worktree or of an own place in its own git directory. Commits of
//! submodules that come home from an own place enter the project's ones; from there they are lent to gates and
//! to new places, because nobody else may have them yet.

/// How deep submodules may be nested in each other.
pub(crate) const DEPTH_MAX: usize = 8;

mod declared;
mod folder;
mod lend;
mod url;

pub(crate) use declared::{Declared, declared, submodules_of};
pub(crate) use folder::{existing, make, place_of};
pub(crate) use lend::KEPT;
pub use lend::lend_modules;
pub(crate) use url::absolute_url;
