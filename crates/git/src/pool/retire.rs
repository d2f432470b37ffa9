//! Putting the folder of a worktree that is removed into the pool.

use std::fs;
use std::path::Path;

use super::super::error::GitError;
use super::super::remove::{Removal, remove_or_put};
use super::super::repository::Repository;
use super::super::worktree::Worktree;
use super::shelf::Pool;
use paddock_os::fail_points::fail_point;

/// Removes a worktree as [`super::super::remove_worktree`] does, but puts the working files into a pool that
/// holds fewer than `most` entries. [`super::tend_pool`] resets them.
///
/// # Errors
/// As [`super::super::remove_worktree`].
pub fn retire_worktree(
    repository: &Repository,
    worktree: &Worktree,
    kept_dir: &Path,
    (pool, most): (&Pool, usize),
) -> Result<Removal, GitError> {
    remove_or_put(repository, worktree, kept_dir, &|folder| pool.put(folder, most))
}

impl Pool {
    /// Moves a folder into the pool, where [`super::tend_pool`] resets it. The folder holds nobody's work any
    /// more. Returns `false` if it stays where it is, for the caller to delete: the pool lies elsewhere, or
    /// holds `most` entries already.
    pub(crate) fn put(&self, folder: &Path, most: usize) -> bool {
        match self.is_for(folder).then(|| self.try_put(folder, most)) {
            Some(Ok(is_in)) => is_in,
            Some(Err(error)) => {
                tracing::info!(%error, folder = %folder.display(), "a worktree does not go to the pool");
                false
            }
            None => false,
        }
    }

    fn try_put(&self, folder: &Path, most: usize) -> Result<bool, GitError> {
        if self.names()?.len() >= most {
            return Ok(false);
        }
        self.make()?;
        let entry = self.new_entry()?;
        fs::rename(folder, &entry.folder).map_err(GitError::io(folder))?;
        fail_point!("pool.retired");
        // Without the records of the time when it was taken, the folder is reset from nothing.
        if let Err(error) = fs::rename(self.out_of(folder)?, &entry.private) {
            tracing::debug!(%error, "nothing is known of a folder in the pool");
        }
        Ok(true)
    }
}
