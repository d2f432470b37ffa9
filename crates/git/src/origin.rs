//! The repository that an own place has as its remote `origin`: it follows the integration ref, and it takes
//! no push.
//!
//! A project has one, below the folder of its worktrees. It holds one branch, the target branch, at the tip of
//! the integration ref, and borrows all objects from the project. An agent that is not confined can write
//! there; so each call compares everything in it with what it must be and repairs it. No process is started.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use git2::Oid;

use super::error::GitError;
use super::gate_folder::clear as remove_tree;
use super::refs::{commit_of, keep_ref};
use super::repository::{Repository, object_id, oid};
use layout::Layout;
use paddock_model::ids::ObjectId;

mod layout;

/// Name of the repository in the folder of a project's worktrees. No id of an objective begins with `_`.
pub const ORIGIN_FOLDER: &str = "_origin.git";

/// The sentence that a push gets for an answer.
pub const PUSH_REFUSED: &str =
    "Paddock lands work through its merge queue: commit to your branch and end; nothing was pushed.";

/// Held while a repository is compared: two effects of a project can follow at the same time.
static FOLLOWING: Mutex<()> = Mutex::new(());

/// Makes the repository `_origin.git` in `folder` (`<worktrees_root>/<project>`) if it is missing, repairs
/// whatever is not as it must be, and moves its branch `target_branch` to where `integration_ref` is now.
/// Returns its path.
///
/// The commit that the branch was at before stays in the project, by a ref `refs/paddock/borrowed/<commit>`,
/// if the new one does not descend from it: a place may have fetched it.
///
/// Starts no process. A call that changes nothing reads the integration ref, six small files and their
/// folders. Safe to repeat.
///
/// # Errors
/// [`GitError::Unexpected`] if there is no integration ref, or if the name of the target branch or the path of
/// the project's objects cannot be written into git's files; else whatever libgit2 or the file system reports.
pub fn follow_origin(
    repository: &Repository,
    folder: &Path,
    target_branch: &str,
    integration_ref: &str,
) -> Result<PathBuf, GitError> {
    let path = folder.join(ORIGIN_FOLDER);
    let _one_at_a_time = FOLLOWING.lock().unwrap_or_else(PoisonError::into_inner);
    let library = repository.library()?;
    // Read under the lock: of two calls the later one must not put the branch back.
    let tip = commit_of(&library, integration_ref)?
        .ok_or_else(|| GitError::Unexpected(format!("{integration_ref} does not exist")))?;
    let layout = Layout::new(repository.common_dir(), target_branch, &tip)?;
    if let Some(before) = layout::tip_of(&path).filter(|before| *before != tip) {
        keep_borrowed(&library, &before, &tip)?;
    }
    layout.establish(&path)?;
    Ok(path)
}

/// Returns whether the project with this folder of worktrees has such a repository, whatever its state.
#[must_use]
pub fn has_origin(folder: &Path) -> bool {
    folder.join(ORIGIN_FOLDER).symlink_metadata().is_ok()
}

/// Removes the repository `_origin.git` from `folder`. Does nothing if there is none.
///
/// # Errors
/// Fails if the file system does.
pub fn remove_origin(folder: &Path) -> Result<(), GitError> {
    let path = folder.join(ORIGIN_FOLDER);
    let _one_at_a_time = FOLLOWING.lock().unwrap_or_else(PoisonError::into_inner);
    remove_tree(&path).map_err(GitError::io(&path))
}

/// Keeps the commit that the branch leaves, unless the new tip keeps it. The value was read where an agent
/// can write: what is no commit of the project is nothing that a place borrowed from it.
fn keep_borrowed(library: &git2::Repository, before: &ObjectId, tip: &ObjectId) -> Result<(), GitError> {
    let (old, new): (Oid, Oid) = (oid(before)?, oid(tip)?);
    if library.find_commit(old).is_err() || library.graph_descendant_of(new, old)? {
        return Ok(());
    }
    keep_ref(library, &format!("refs/paddock/borrowed/{}", object_id(old)?), before)
}
