//! Whole working trees: every tracked file is there, whatever the user's own checkout leaves out.
//!
//! `git worktree add` copies the sparse rules of the user's checkout, and git skips entries that carry the
//! skip-worktree or assume-unchanged bit. A gate that runs in such a folder judges another tree than the one
//! that lands.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::error::GitError;
use super::program::Call;
use super::repository::Repository;
use super::worktree::Worktree;
use paddock_model::path::RepoPath;

/// The index says that the working tree leaves the entry out.
pub(crate) const SKIP_WORKTREE: u16 = 1 << 14;
/// The index says that the file is unchanged, whatever lies there.
const ASSUME_UNCHANGED: u16 = 1 << 15;
/// Paths that an error names.
const NAMED_MAX: usize = 3;

impl Call<'_> {
    /// Checks out every file: neither the user's sparse checkout nor `core.ignoreStat` counts.
    pub(crate) fn whole(self) -> Self {
        self.setting("core.sparseCheckout", "false").setting("core.ignoreStat", "false")
    }
}

/// Removes what makes a worktree sparse: its rules, the setting in its own configuration, and, when an entry of
/// the index is hidden, the index, which is made again from HEAD. The user's checkout is not touched.
///
/// # Errors
/// Whatever git or the file system refuses.
pub(super) fn unsparse(repository: &Repository, git_dir: &Path, path: &Path) -> Result<(), GitError> {
    let info = git_dir.join("info");
    remove(&if info.is_symlink() { info } else { info.join("sparse-checkout") })?;
    own_settings(git_dir)?;
    if hidden(repository, git_dir, path).is_ok_and(|hidden| hidden.is_empty()) {
        return Ok(());
    }
    for entry in fs::read_dir(git_dir).map_err(GitError::io(git_dir))? {
        let entry = entry.map_err(GitError::io(git_dir))?;
        // A split index keeps most of its entries in a file beside it.
        if entry.file_name() == "index" || entry.file_name().as_encoded_bytes().starts_with(b"sharedindex.") {
            remove(&entry.path())?;
        }
    }
    // With the entries of HEAD, the checkout that follows removes the files that its commit lacks. Where HEAD
    // leads nowhere, the checkout begins without any.
    let made = Call::new(repository).in_worktree(git_dir, path).whole().args(["read-tree", "HEAD"]).run();
    if let Err(error) = made {
        tracing::debug!(%error, folder = %path.display(), "the index begins empty");
    }
    Ok(())
}

/// The copy of the user's own settings that `git worktree add` makes (`extensions.worktreeConfig`) would make
/// later calls of git in this worktree sparse: they are switched off in the copy.
pub(super) fn own_settings(git_dir: &Path) -> Result<(), GitError> {
    let file = git_dir.join("config.worktree");
    if file.is_symlink() {
        return remove(&file); // What it leads to is not this worktree's.
    }
    if !file.is_file() {
        return Ok(());
    }
    let mut config = git2::Config::open(&file)?;
    for key in ["core.sparseCheckout", "core.sparseCheckoutCone", "index.sparse"] {
        // One that is no boolean is an error to git, which says so itself.
        if config.get_bool(key).unwrap_or(false) {
            config.set_multivar(key, ".*", "false")?;
        }
    }
    Ok(())
}

/// Fails unless every tracked file of a worktree that was just checked out is meant to be there and is compared.
///
/// # Errors
/// [`GitError::NotWhole`] names files that are not; whatever git refuses.
pub(super) fn check_whole(repository: &Repository, worktree: &Worktree) -> Result<(), GitError> {
    let hidden = hidden(repository, &worktree.git_dir, &worktree.path)?;
    if hidden.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = hidden.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let more = if hidden.len() > named.len() { ", …" } else { "" };
    let files = format!("{}{more}", named.join(", "));
    Err(GitError::NotWhole { folder: worktree.path.clone(), count: hidden.len(), files })
}

/// The entries of a worktree's index that git takes for left out or for unchanged without looking.
fn hidden(repository: &Repository, git_dir: &Path, path: &Path) -> Result<Vec<RepoPath>, GitError> {
    let file = git_dir.join("index");
    match git2::Index::open(&file) {
        Ok(index) => {
            let is_hidden = |entry: &git2::IndexEntry| {
                entry.flags_extended & SKIP_WORKTREE != 0 || entry.flags & ASSUME_UNCHANGED != 0
            };
            let hidden = index.iter().filter(is_hidden);
            Ok(hidden.map(|entry| RepoPath::new(entry.path)).collect())
        }
        // A sparse or a split index, which the library cannot read.
        Err(_) => listed(repository, git_dir, path),
    }
}

/// As [`hidden`], from the git program: an entry begins with `S` or `s` when left out, and with a small letter
/// when taken for unchanged.
fn listed(repository: &Repository, git_dir: &Path, path: &Path) -> Result<Vec<RepoPath>, GitError> {
    let call = Call::new(repository).in_worktree(git_dir, path).whole();
    let listed = call.args(["ls-files", "-v", "-z"]).run()?;
    let is_hidden = |line: &&[u8]| matches!(line.first(), Some(b'S' | b'a'..=b'z'));
    let hidden = listed.split(|byte| *byte == 0).filter(is_hidden);
    Ok(hidden.filter_map(|line| line.get(2..)).map(RepoPath::new).collect())
}

fn remove(file: &Path) -> Result<(), GitError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io(file)(error)),
        _ => Ok(()),
    }
}
