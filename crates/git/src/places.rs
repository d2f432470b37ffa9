//! The places in which sessions work, of either kind: linked worktrees (`worktree`) and repositories of their own
//! (`own`). Callers of these functions need not know which kind a place is.

use std::path::Path;

use super::error::GitError;
use super::obstacles::refuse_in_worktree;
use super::own;
use super::repository::Repository;
use super::worktree::{Place, Worktree, absolute, admin_of, refuse_link};
use paddock_model::ids::ObjectId;

/// Finds the place that was made at a path for a branch, without asking the place itself.
///
/// # Errors
/// [`GitError::Unexpected`] if there is none, [`GitError::Foreign`] if a link lies there now.
pub fn find_worktree(repository: &Repository, path: &Path, branch: &str) -> Result<Worktree, GitError> {
    let path = absolute(path)?;
    refuse_link(&path)?;
    let (git_dir, is_own) = match own::find(repository, &path)? {
        Some((shadow, _)) => (shadow, true),
        None => {
            let gone =
                || GitError::Unexpected(format!("git has no worktree registered at {}", path.display()));
            (admin_of(repository, &path)?.ok_or_else(gone)?, false)
        }
    };
    refuse_in_worktree(&git_dir)?;
    Ok(Worktree { path, git_dir, branch: branch.to_owned(), reused: true, is_own })
}

/// Ties a place to the project again, whatever a session did to the files that do so, and brings an own place
/// to what the project has. `tip` is the tip of integration; `has_moved` says whether Paddock changed the
/// place's files since its last session. No process may run in the place.
///
/// # Errors
/// [`GitError::Foreign`] if another repository lies there now, else whatever the file system reports.
pub fn mend_worktree(
    repository: &Repository,
    worktree: &Worktree,
    tip: &ObjectId,
    has_moved: bool,
) -> Result<(), GitError> {
    match worktree.is_own {
        true => own::give_place(repository, worktree, tip, has_moved).map(drop),
        false => Place { repository, path: &worktree.path, marker: "" }.repair(&worktree.git_dir),
    }
}
