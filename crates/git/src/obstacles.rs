//! Things that stand in the place of git's own files: named pipes, sockets, devices.
//!
//! libgit2 opens these files as they come. A named pipe would make it wait, and once freed it would take the
//! file for an empty one: a `packed-refs` without refs, a configuration without settings. So the files that
//! are read at every opening are looked at first.

use std::path::Path;

use super::error::GitError;
use paddock_os::plain::{self, NotPlain};

/// Files of the shared git directory that git reads whenever it opens a repository.
const OF_REPOSITORY: [&str; 8] = [
    "HEAD",
    "config",
    "config.worktree",
    "packed-refs",
    "shallow",
    "info/attributes",
    "info/exclude",
    "objects/info/alternates",
];

/// Files of a worktree's own git directory. `commondir` and `gitdir` are not among them: Paddock knows what
/// they must hold, and writes them again.
const OF_WORKTREE: [&str; 3] = ["HEAD", "index", "config.worktree"];

/// Refuses a repository in whose git directory something else stands in the place of a file.
///
/// # Errors
/// [`GitError::NotPlain`] names it.
pub(crate) fn refuse_in_repository(common_dir: &Path) -> Result<(), GitError> {
    OF_REPOSITORY.iter().try_for_each(|name| refuse(&common_dir.join(name)))
}

/// Like [`refuse_in_repository`], for the git directory of a linked worktree.
///
/// # Errors
/// [`GitError::NotPlain`] names it.
pub(crate) fn refuse_in_worktree(git_dir: &Path) -> Result<(), GitError> {
    OF_WORKTREE.iter().try_for_each(|name| refuse(&git_dir.join(name)))
}

/// Refuses a ref whose file, or whose log, is something else than a file.
///
/// # Errors
/// [`GitError::NotPlain`] names it.
pub(crate) fn refuse_ref(common_dir: &Path, name: &str) -> Result<(), GitError> {
    refuse(&common_dir.join(name))?;
    refuse(&common_dir.join("logs").join(name))
}

fn refuse(path: &Path) -> Result<(), GitError> {
    let not_plain = |what: NotPlain| GitError::NotPlain { path: path.to_owned(), what: what.what() };
    match plain::obstacle(path).map_err(GitError::io(path))? {
        Some(found) => Err(not_plain(found)),
        None => Ok(()),
    }
}
