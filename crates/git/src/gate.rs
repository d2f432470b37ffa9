//! Gate worktrees: kept between runs, so that unchanged files keep their times and ignored caches stay.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::PoisonError;

use super::error::GitError;
use super::program::{CHECKOUT_TIME_MAX, Call};
use super::remove::{Removal, discard};
use super::repository::Repository;
use super::whole::{check_whole, unsparse};
use super::worktree::{Place, Worktree, absolute, lock_of};
use paddock_model::ids::ObjectId;

/// Whose a gate's or planner's worktree is.
const MARKER: &str = "paddock: detached";

/// Brings the detached worktree at `dir` to a commit: made when absent, else reset and cleaned, where ignored
/// files stay. No process may be at work in it.
///
/// Every file of the commit is there, also where the user's own checkout is sparse.
///
/// # Errors
/// [`GitError::Foreign`] when something lies there that Paddock did not make; [`GitError::NotWhole`] when git
/// leaves files out all the same; whatever git refuses.
pub fn prepare_gate(repository: &Repository, dir: &Path, commit: &ObjectId) -> Result<Worktree, GitError> {
    prepare(repository, dir, commit, false)
}

/// As [`prepare_gate`], and ignored files go, too.
///
/// # Errors
/// As [`prepare_gate`].
pub fn prepare_anew(repository: &Repository, dir: &Path, commit: &ObjectId) -> Result<Worktree, GitError> {
    prepare(repository, dir, commit, true)
}

fn prepare(
    repository: &Repository,
    dir: &Path,
    commit: &ObjectId,
    is_bare: bool,
) -> Result<Worktree, GitError> {
    let path = absolute(dir)?;
    let place = Place { repository, path: &path, marker: MARKER };
    let (git_dir, reused) = {
        let lock = lock_of(repository.common_dir());
        let _one_at_a_time = lock.lock().unwrap_or_else(PoisonError::into_inner);
        match place.existing()? {
            Some(git_dir) => (git_dir, true),
            None => (place.make(None, &["--detach", commit.as_str()])?, false),
        }
    };
    if reused {
        reset(repository, &git_dir, &path, commit, is_bare)?;
    }
    let worktree = Worktree { path, git_dir, branch: String::new(), reused };
    check_whole(repository, &worktree)?;
    Ok(worktree)
}

/// Removes the worktree at `dir`, with all that lies in it. No process may be at work in it.
///
/// # Errors
/// [`GitError::Foreign`] when something lies there that Paddock did not make; whatever the file system refuses.
pub fn remove_gate(repository: &Repository, dir: &Path) -> Result<Removal, GitError> {
    let path = absolute(dir)?;
    let place = Place { repository, path: &path, marker: MARKER };
    if path.is_dir() && place.existing()?.is_none() {
        return Err(GitError::Foreign {
            what: format!("the folder {}", path.display()),
            way_out: "remove it yourself if nobody needs it".to_owned(),
        });
    }
    discard(repository, &path)
}

fn reset(
    repository: &Repository,
    git_dir: &Path,
    path: &Path,
    commit: &ObjectId,
    is_bare: bool,
) -> Result<(), GitError> {
    for lock in ["index.lock", "HEAD.lock"] {
        remove_stale(&git_dir.join(lock))?;
    }
    // Left by a test run that rebased or merged: nothing of it is anybody's work.
    for rest in ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "AUTO_MERGE"] {
        remove_stale(&git_dir.join(rest))?;
    }
    // Folders of earlier builds are as sparse as the user's checkout was, and code under test may hide files.
    unsparse(repository, git_dir, path)?;
    let call = || Call::new(repository).in_worktree(git_dir, path).whole().limit(CHECKOUT_TIME_MAX);
    call().args(["checkout", "--quiet", "--force", "--detach", commit.as_str()]).run()?;
    call().args(["clean", "--quiet", if is_bare { "-ffdx" } else { "-ffd" }]).run()?;
    Ok(())
}

fn remove_stale(file: &Path) -> Result<(), GitError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io(file)(error)),
        _ => Ok(()),
    }
}
