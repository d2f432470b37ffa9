//! Detached worktrees for planners: a whole checkout of one commit, on no branch. They are kept between
//! sessions, so that unchanged files keep their modification times and ignored caches stay.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::PoisonError;

use super::error::GitError;
use super::gate_folder::MARKER;
use super::program::{CHECKOUT_TIME_MAX, Call};
use super::repository::Repository;
use super::space::checkout_error;
use super::whole::{check_whole, unsparse};
use super::worktree::{Place, Worktree, absolute, lock_of};
use paddock_model::ids::ObjectId;

/// Brings the detached worktree at `dir` to a commit: makes it if it is missing, else resets and cleans it.
/// Ignored files stay. No process may run in the worktree.
///
/// Checks out every file of the commit, even if the user's own checkout is sparse.
///
/// # Errors
/// [`GitError::Foreign`] if something lies there that Paddock did not make; [`GitError::NotWhole`] if git
/// leaves files out all the same; else whatever git reports.
pub fn prepare_detached(
    repository: &Repository,
    dir: &Path,
    commit: &ObjectId,
) -> Result<Worktree, GitError> {
    let path = absolute(dir)?;
    let place = Place { repository, path: &path, marker: MARKER };
    repository.refuse_needed(commit)?;
    // A reset touches no other worktree, so it runs without the lock.
    let (git_dir, reused) = {
        let lock = lock_of(repository.common_dir());
        let _one_at_a_time = lock.lock().unwrap_or_else(PoisonError::into_inner);
        match place.existing()? {
            Some(git_dir) => (git_dir, true),
            None => (place.make(None, &["--detach", commit.as_str()])?, false),
        }
    };
    if reused {
        reset(repository, &git_dir, &path, commit)?;
    }
    let worktree = Worktree { path, git_dir, branch: String::new(), reused, is_own: false };
    // A planner would take missing files for missing work.
    check_whole(repository, &worktree)?;
    Ok(worktree)
}

fn reset(repository: &Repository, git_dir: &Path, path: &Path, commit: &ObjectId) -> Result<(), GitError> {
    // No process runs in the worktree, so a lock was left by a killed one and would fail every later run.
    for lock in ["index.lock", "HEAD.lock"] {
        remove_stale(&git_dir.join(lock))?;
    }
    // A session may have stopped in a merge or revert here. Nothing of it is anybody's work.
    for rest in ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "AUTO_MERGE"] {
        remove_stale(&git_dir.join(rest))?;
    }
    // Earlier builds of Paddock made these folders as sparse as the user's checkout, and a session may hide
    // files from git.
    unsparse(repository, git_dir, path)?;
    let call = || Call::new(repository).in_worktree(git_dir, path).whole().limit(CHECKOUT_TIME_MAX);
    call()
        .args(["checkout", "--quiet", "--force", "--detach", commit.as_str()])
        .run()
        .map_err(|error| checkout_error(repository, path, commit.as_str(), error))?;
    // The second `-f` also deletes nested repositories.
    call().args(["clean", "--quiet", "-ffd"]).run()?;
    Ok(())
}

fn remove_stale(file: &Path) -> Result<(), GitError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io(file)(error)),
        _ => Ok(()),
    }
}
