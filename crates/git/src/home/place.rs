//! A place as its work comes home.

use std::path::Path;

use crate::error::GitError;
use crate::repository::Repository;

/// A place with a repository of its own, and where its work comes home.
#[derive(Debug, Clone, Copy)]
pub struct PlaceHome<'a> {
    /// The project's repository.
    pub repository: &'a Repository,
    /// Folder of the place.
    pub folder: &'a Path,
    /// Paddock's own folder for the place, which looks like the git directory of a linked worktree.
    pub shadow: &'a Path,
    /// The work branch, without `refs/heads/`.
    pub branch: &'a str,
    /// The objective, for the refs that keep work for a person.
    pub objective: &'a str,
    /// Name of the place, one part of a ref's name.
    pub name: &'a str,
}

impl PlaceHome<'_> {
    /// Returns a fault of this place, after which nothing came home.
    pub(crate) fn fault(&self, what: impl Into<String>) -> GitError {
        GitError::Place {
            place: self.folder.to_owned(),
            what: what.into(),
            way_out: format!(
                "nothing was taken over, and what came home before is on the branch {}; `git -C {} fsck` shows \
                 more",
                self.branch,
                self.folder.display()
            ),
        }
    }

    /// Refuses a name that is no part of a ref's name.
    pub(crate) fn check_name(&self) -> Result<(), GitError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let is_name = !self.name.is_empty() && self.name.bytes().all(is_plain);
        match is_name && git2::Reference::is_valid_name(&format!("refs/{}", self.name)) {
            true => Ok(()),
            false => Err(GitError::Unexpected(format!("`{}` is no name of a place", self.name))),
        }
    }
}
