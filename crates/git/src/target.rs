//! The user's target branch: which commit it holds, and which worktrees use it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::repository::Repository;
use paddock_model::ids::ObjectId;
use paddock_os::plain;

/// A worktree that uses a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TargetUse {
    /// Working tree; `None` if its folder is gone.
    pub worktree: Option<PathBuf>,
    /// The worktree's own git directory.
    pub git_dir: PathBuf,
    /// Whether the worktree's HEAD is on the branch.
    pub on_head: bool,
    /// Operation in progress there (`rebase`, `bisect`, `merge`, `cherry-pick`, `revert`), if any.
    pub operation: Option<String>,
}

/// Returns the commit of a branch, or `None` if the branch does not exist.
///
/// # Errors
/// Fails if the repository cannot be read.
pub fn observe(repository: &Repository, target_branch: &str) -> Result<Option<ObjectId>, GitError> {
    repository.commit_of(&format!("refs/heads/{target_branch}"))
}

/// Returns the worktrees in which a branch is checked out, being rebased, or bisected.
///
/// # Errors
/// Fails if the list of worktrees cannot be read.
pub(crate) fn target_uses(repository: &Repository, target_branch: &str) -> Result<Vec<TargetUse>, GitError> {
    let mut uses = Vec::new();
    if let Some(main) = repository.main_worktree() {
        uses.extend(use_of(repository.common_dir(), Some(main.to_owned()), target_branch));
    }
    for admin in admin_folders(repository)? {
        // git keeps its record of a worktree whose folder somebody deleted; its branch still counts as
        // checked out.
        let worktree = admin_target(&admin).filter(|path| path.is_dir());
        uses.extend(use_of(&admin, worktree, target_branch));
    }
    Ok(uses)
}

fn use_of(git_dir: &Path, worktree: Option<PathBuf>, branch: &str) -> Option<TargetUse> {
    let on_head = symbolic_head(git_dir).as_deref() == Some(branch);
    let operation = operation(git_dir);
    if !on_head && !holds_branch(git_dir, branch) {
        return None;
    }
    Some(TargetUse { worktree, git_dir: git_dir.to_owned(), on_head, operation })
}

/// Returns whether a rebase or bisection in the worktree will come back to the branch. HEAD is detached
/// meanwhile, so it does not show the branch.
fn holds_branch(git_dir: &Path, branch: &str) -> bool {
    let full = format!("refs/heads/{branch}");
    let names_branch = |file: &str| {
        plain::read_to_string(git_dir.join(file))
            .is_ok_and(|text| text.trim() == full || text.trim() == branch)
    };
    // `rebase --update-refs` moves further branches when it ends.
    let updates = plain::read_to_string(git_dir.join("rebase-merge/update-refs"));
    names_branch("rebase-merge/head-name")
        || names_branch("rebase-apply/head-name")
        || names_branch("BISECT_START")
        || updates.is_ok_and(|text| text.lines().any(|line| line == full))
}

/// Returns the operation in progress in a worktree, if any.
pub(crate) fn operation(git_dir: &Path) -> Option<String> {
    const MARKS: [(&str, &str); 7] = [
        ("rebase-merge", "rebase"),
        ("rebase-apply", "rebase"),
        ("BISECT_START", "bisect"),
        ("MERGE_HEAD", "merge"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
        // Comes last: a revert of several commits has the folder, too.
        ("sequencer", "cherry-pick"),
    ];
    MARKS.iter().find(|(file, _)| git_dir.join(file).exists()).map(|(_, name)| (*name).to_owned())
}

/// Returns the branch that a worktree's HEAD is on, without `refs/heads/`, or `None` if HEAD is detached.
pub(crate) fn symbolic_head(git_dir: &Path) -> Option<String> {
    let text = plain::read_to_string(git_dir.join("HEAD")).ok()?;
    text.strip_prefix("ref:")?.trim().strip_prefix("refs/heads/").map(str::to_owned)
}

/// Returns the git directories of all linked worktrees, sorted.
pub(crate) fn admin_folders(repository: &Repository) -> Result<Vec<PathBuf>, GitError> {
    let folder = repository.common_dir().join("worktrees");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(GitError::Io { path: folder, source }),
    };
    let mut found = Vec::new();
    for entry in entries {
        found.push(entry.map_err(GitError::io(&folder))?.path());
    }
    found.sort();
    Ok(found)
}

/// Returns the working tree that a linked worktree's git directory belongs to.
pub(crate) fn admin_target(admin: &Path) -> Option<PathBuf> {
    let text = plain::read_to_string(admin.join("gitdir")).ok()?;
    // The file may hold a path relative to the git directory (`worktree.useRelativePaths`).
    let dot_git = admin.join(text.trim_end_matches('\n'));
    dot_git.parent().map(Path::to_owned)
}
