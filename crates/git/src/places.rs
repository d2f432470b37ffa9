//! The places in which sessions work, of either kind: linked worktrees (`worktree`) and repositories of their own
//! (`own`). Callers of these functions need not know which kind a place is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::error::GitError;
use super::obstacles::refuse_in_worktree;
use super::own;
use super::repository::Repository;
use super::worktree::{
    Place, Upstream, Worktree, WorktreeSpec, absolute, add, admin_of, lock_of, prepare_branch, refuse_link,
};
use paddock_model::ids::ObjectId;
use paddock_os::fail_points::fail_point;

/// Makes the place of an objective, or finds the one made before: what began as one kind stays of that kind.
///
/// # Errors
/// [`GitError::Foreign`] if Paddock did not make the folder or the branch, else whatever git reports.
pub fn add_worktree(repository: &Repository, spec: &WorktreeSpec) -> Result<Worktree, GitError> {
    let lock = lock_of(repository.common_dir());
    let _one_at_a_time = lock.lock().unwrap_or_else(PoisonError::into_inner);
    let path = absolute(&spec.path)?;
    let place = Place { repository, path: &path, marker: &spec.marker };
    let own = |git_dir, reused| {
        let (path, branch) = (path.clone(), spec.branch.clone());
        Worktree { path, git_dir, branch, reused, is_own: true }
    };
    if let Some(shadow) = existing_own(&place)? {
        prepare_branch(repository, spec, true)?;
        return Ok(own(shadow, true));
    }
    match &spec.own {
        Some(upstream) if place.existing()?.is_none() => {
            prepare_branch(repository, spec, false)?;
            Ok(own(make_own(&place, spec, upstream)?, false))
        }
        _ => add(&place, spec),
    }
}

/// Returns the shadow of the own place at a path, if Paddock made it for this owner. Clears away what a crash
/// left half made.
///
/// Fails with [`GitError::Foreign`] if the place belongs to another owner.
fn existing_own(place: &Place<'_>) -> Result<Option<PathBuf>, GitError> {
    refuse_link(place.path)?;
    match own::find(place.repository, place.path)? {
        Some((shadow, marker)) if marker == place.marker => {
            if place.path.is_dir() {
                return Ok(Some(shadow));
            }
            // Somebody deleted the folder: what came home is on the branch.
            own::forget(place.repository, place.path)?;
        }
        Some(_) => return Err(place.foreign()),
        // A shadow without a marker is one that a crash left half made.
        None if place.intent_file()?.exists() => own::forget(place.repository, place.path)?,
        None => {}
    }
    Ok(None)
}

/// Makes an own place and marks it as Paddock's.
fn make_own(place: &Place<'_>, spec: &WorktreeSpec, upstream: &Upstream) -> Result<PathBuf, GitError> {
    let (repository, full) = (place.repository, format!("refs/heads/{}", spec.branch));
    let head = match repository.commit_of(&full)? {
        Some(head) => head,
        None => {
            repository.set_ref(&full, None, &spec.base, "paddock: start")?;
            spec.base.clone()
        }
    };
    repository.refuse_needed(&head)?;
    let intent = place.intent_file()?;
    if let Some(parent) = place.path.parent() {
        fs::create_dir_all(parent).map_err(GitError::io(parent))?;
    }
    fs::write(&intent, place.marker).map_err(GitError::io(&intent))?;
    fail_point!("place.intent");
    let shadow = own::make(repository, place.path, place.marker, (&spec.branch, &head), upstream)?;
    // The intent goes last: while it exists, an unmarked shadow counts as half made.
    fs::remove_file(&intent).map_err(GitError::io(&intent))?;
    Ok(shadow)
}

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
