//! Making git forget a worktree, so that nobody ever meets half of its git directory.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::GitError;
use super::repository::Repository;
use paddock_os::clear::remove_own;
use paddock_os::fail_points::fail_point;

/// Makes git forget a worktree. Its git directory is renamed out of git's sight before it is deleted: half of
/// one would be no worktree of Paddock's, and a fault for `git fsck`. A missing one is no error. The caller
/// holds the repository's lock.
pub(crate) fn unregister(repository: &Repository, admin: &Path) -> Result<(), GitError> {
    let folder = unregistered(repository)?;
    fs::create_dir_all(&folder).map_err(GitError::io(&folder))?;
    let aside = folder.join(admin.file_name().unwrap_or_default());
    // A killed removal may have left one of the same name.
    remove_own(&aside).map_err(GitError::io(&aside))?;
    match fs::rename(admin, &aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(GitError::io(admin)(error)),
        _ => {}
    }
    fail_point!("cleanup.forgotten");
    remove_own(&aside).map_err(GitError::io(&aside))
}

/// Deletes what killed removals left of git directories. The caller holds the repository's lock.
pub(crate) fn delete_unregistered(repository: &Repository) -> Result<(), GitError> {
    let folder = unregistered(repository)?;
    remove_own(&folder).map_err(GitError::io(&folder))
}

/// Returns the folder for git directories of worktrees that are being removed.
fn unregistered(repository: &Repository) -> Result<PathBuf, GitError> {
    Ok(repository.own_folder()?.join("unregistered"))
}
