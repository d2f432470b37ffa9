//! Whether a gate worktree has to be set up again: it has to when any input of its set-up changed.
//!
//! Two files in the worktree's git directory record the set-up: the wanted key is written before the command
//! runs and renamed to the done key after it succeeded. A crash or failure in between leaves no done key, so
//! that the command runs again.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::error::GitError;
use super::repository::Repository;
use super::worktree::{Worktree, absolute, admin_of};

/// File with the key of the last set-up that succeeded, in the worktree's own git directory.
const DONE_FILE: &str = "paddock-set-up";
/// File with the key of the set-up in progress.
const WANTED_FILE: &str = "paddock-set-up.wanted";

/// Returns whether the worktree has to be set up: its last set-up has another key, there was none, or `anew`
/// asks for it. If it has to, the worktree counts as not set up from here on.
///
/// # Errors
/// Fails if the file system reports an error.
pub fn must_set_up(worktree: &Worktree, key: &str, anew: bool) -> Result<bool, GitError> {
    let done = worktree.git_dir.join(DONE_FILE);
    if !anew && fs::read_to_string(&done).is_ok_and(|known| known == key) {
        return Ok(false);
    }
    match fs::remove_file(&done) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(GitError::io(&done)(error)),
        _ => {}
    }
    let wanted = worktree.git_dir.join(WANTED_FILE);
    fs::write(&wanted, key).map_err(GitError::io(&wanted))?;
    Ok(true)
}

/// Records that the set-up in progress has succeeded.
pub fn record_set_up(repository: &Repository, worktree: &Path) {
    let Ok(Some(git_dir)) = absolute(worktree).and_then(|path| admin_of(repository, &path)) else { return };
    let (wanted, done) = (git_dir.join(WANTED_FILE), git_dir.join(DONE_FILE));
    // Without the record the set-up runs once more, which does no harm.
    if let Err(error) = fs::rename(&wanted, &done) {
        tracing::debug!(%error, "the set-up of a gate worktree is run again");
    }
}
