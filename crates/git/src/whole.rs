//! Whole working trees: every tracked file is present, whatever the user's own checkout leaves out.
//!
//! `git worktree add` copies the sparse rules of the user's checkout, and git skips index entries that carry
//! the skip-worktree or assume-unchanged bit. So gate folders, planners and agents get every tracked file.
//!
//! A planner's folder that is sparse, or whose index hides files, gets a new index. Agents get whole
//! worktrees too, because nothing tells them what is missing. An agent may make its own worktree sparse:
//! missing files are then no deletions (`status`). Worktrees that earlier builds made sparse stay so until
//! their objective ends. Gate folders do not ask git at all (`gate_folder`). Partial clones, for which a whole
//! checkout would fetch, are refused at `project add`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::error::GitError;
use super::program::Call;
use super::repository::Repository;
use super::worktree::Worktree;
use paddock_model::path::RepoPath;

/// Index flag: the working tree leaves the file out.
pub(crate) const SKIP_WORKTREE: u16 = 1 << 14;
/// Index flag: git takes the file for unchanged without comparing it.
pub(crate) const ASSUME_UNCHANGED: u16 = 1 << 15;
/// Maximum number of paths that an error names.
const NAMED_MAX: usize = 3;

impl Call<'_> {
    /// Makes the call check out every file, whatever the user's sparse checkout and `core.ignoreStat` say.
    pub(crate) fn whole(self) -> Self {
        self.setting("core.sparseCheckout", "false").setting("core.ignoreStat", "false")
    }
}

/// Removes everything that makes a worktree sparse: its rules, the setting in its own configuration, and, if
/// an index entry is hidden, the index, which is read again from HEAD. The user's checkout is not touched.
///
/// # Errors
/// Fails if git or the file system reports an error.
pub(super) fn unsparse(repository: &Repository, git_dir: &Path, path: &Path) -> Result<(), GitError> {
    let info = git_dir.join("info");
    // Through a linked `info` folder, Paddock would delete a file somewhere else.
    remove(&if info.is_symlink() { info } else { info.join("sparse-checkout") })?;
    own_settings(git_dir)?;
    if hidden(repository, git_dir, path).is_ok_and(|hidden| hidden.is_empty()) {
        return Ok(());
    }
    for entry in fs::read_dir(git_dir).map_err(GitError::io(git_dir))? {
        let entry = entry.map_err(GitError::io(git_dir))?;
        // A split index keeps most of its entries in a second file.
        if entry.file_name() == "index" || entry.file_name().as_encoded_bytes().starts_with(b"sharedindex.") {
            remove(&entry.path())?;
        }
    }
    // The checkout that follows deletes files that its commit lacks only if the index lists them, so the
    // index starts with the entries of HEAD. If HEAD leads nowhere, it starts empty.
    let made = Call::new(repository).in_worktree(git_dir, path).whole().args(["read-tree", "HEAD"]).run();
    if let Err(error) = made {
        tracing::debug!(%error, folder = %path.display(), "the index begins empty");
    }
    Ok(())
}

/// Switches sparse checkout off in a worktree's own configuration. With `extensions.worktreeConfig`,
/// `git worktree add` copies the user's settings into it, and every later git call in the worktree would be
/// sparse.
pub(super) fn own_settings(git_dir: &Path) -> Result<(), GitError> {
    let file = git_dir.join("config.worktree");
    if file.is_symlink() {
        return remove(&file); // The link's target does not belong to this worktree.
    }
    if !file.is_file() {
        return Ok(());
    }
    let mut config = git2::Config::open(&file)?;
    for key in ["core.sparseCheckout", "core.sparseCheckoutCone", "index.sparse"] {
        // A value that is no boolean stays: git reports it with file and line.
        if config.get_bool(key).unwrap_or(false) {
            config.set_multivar(key, ".*", "false")?;
        }
    }
    Ok(())
}

/// Fails unless git has checked out, and compares, every tracked file of a worktree.
///
/// # Errors
/// [`GitError::NotWhole`] names some of the files, else whatever git reports.
pub(super) fn check_whole(repository: &Repository, worktree: &Worktree) -> Result<(), GitError> {
    let hidden = hidden(repository, &worktree.git_dir, &worktree.path)?;
    if hidden.is_empty() {
        return Ok(());
    }
    let files = named(&hidden.iter().collect::<Vec<_>>());
    Err(GitError::NotWhole { folder: worktree.path.clone(), count: hidden.len(), files })
}

/// Returns the first few of the paths, for an error.
pub(super) fn named(paths: &[&RepoPath]) -> String {
    let named: Vec<String> = paths.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let more = if paths.len() > named.len() { ", …" } else { "" };
    format!("{}{more}", named.join(", "))
}

/// Returns the index entries of a worktree that git leaves out or takes for unchanged.
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
        // libgit2 cannot read a sparse or split index.
        Err(_) => listed(repository, git_dir, path),
    }
}

/// Like [`hidden`], but asks the git program. `ls-files -v` marks an entry with `S` or `s` if it is left out,
/// and with a lower-case letter if it is taken for unchanged.
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
