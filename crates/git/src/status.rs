//! Reading the uncommitted state of a worktree without following or running anything that an agent left
//! there.

use std::collections::BTreeSet;
use std::path::Path;

use git2::{Delta, Diff, DiffOptions};

use super::error::GitError;
use super::repository::{Repository, object_id, oid};
use super::target::symbolic_head;
use super::whole::SKIP_WORKTREE;
use super::worktree::Worktree;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Returns the uncommitted paths of a worktree: staged, changed, deleted, and untracked but not ignored. A
/// nested repository is one path that ends in `/`. Leaves out paths at or below one of `exclude`.
///
/// # Errors
/// Fails if the worktree or its index cannot be read.
pub fn worktree_status(
    repository: &Repository,
    worktree: &Worktree,
    exclude: &[String],
) -> Result<Vec<RepoPath>, GitError> {
    let inside = Inside::open(repository, worktree)?;
    let mut paths = inside.staged()?;
    paths.extend(inside.unstaged()?);
    paths.retain(|path| !is_excluded(path, exclude));
    Ok(paths.into_iter().collect())
}

/// Returns whether a path is one of the excluded paths or below one.
pub(crate) fn is_excluded(path: &RepoPath, exclude: &[String]) -> bool {
    exclude.iter().any(|excluded| {
        let excluded = excluded.trim_start_matches("./").trim_end_matches('/').as_bytes();
        match path.as_bytes().strip_prefix(excluded) {
            Some(rest) => !excluded.is_empty() && (rest.is_empty() || rest[0] == b'/'),
            None => false,
        }
    })
}

/// libgit2 on the repository, with a worktree's folder, index and HEAD set by hand. libgit2 would otherwise
/// read the worktree's `.git` file and `commondir`, which an agent may have pointed elsewhere.
pub(crate) struct Inside {
    pub(crate) library: git2::Repository,
    pub(crate) index: git2::Index,
    pub(crate) head: Option<ObjectId>,
}

impl Inside {
    pub(crate) fn open(repository: &Repository, worktree: &Worktree) -> Result<Self, GitError> {
        let library = repository.library()?;
        // `false` keeps libgit2 from writing a `.git` file into the worktree.
        library.set_workdir(&worktree.path, false)?;
        let mut index = git2::Index::open(&worktree.git_dir.join("index"))?;
        library.set_index(&mut index)?;
        let head = head_commit(&library, &worktree.git_dir)?;
        Ok(Self { library, index, head })
    }

    fn head_tree(&self) -> Result<Option<git2::Tree<'_>>, GitError> {
        let Some(head) = &self.head else { return Ok(None) };
        Ok(Some(self.library.find_commit(oid(head)?)?.tree()?))
    }

    /// Returns the paths that differ between HEAD and the index.
    pub(crate) fn staged(&self) -> Result<BTreeSet<RepoPath>, GitError> {
        let tree = self.head_tree()?;
        let diff = self.library.diff_tree_to_index(tree.as_ref(), Some(&self.index), Some(&mut options()))?;
        Ok(self.paths(&diff))
    }

    /// Returns the paths that differ between the index and the working tree, and untracked paths.
    pub(crate) fn unstaged(&self) -> Result<BTreeSet<RepoPath>, GitError> {
        let mut options = options();
        // Every untracked file is named, not just its folder: each is checked against the scope and salvaged
        // by its path.
        options.include_untracked(true).recurse_untracked_dirs(true);
        let diff = self.library.diff_index_to_workdir(Some(&self.index), Some(&mut options))?;
        Ok(self.paths(&diff))
    }

    fn paths(&self, diff: &Diff<'_>) -> BTreeSet<RepoPath> {
        let mut paths = BTreeSet::new();
        for delta in diff.deltas() {
            let bytes = delta.new_file().path_bytes().or_else(|| delta.old_file().path_bytes());
            let Some(bytes) = bytes else { continue };
            let path = RepoPath::new(bytes);
            if delta.status() != Delta::Deleted || !self.is_sparse(&path) {
                paths.insert(path);
            }
        }
        paths
    }

    /// Returns whether a sparse checkout leaves the path out: its absence from the working tree is no
    /// deletion.
    fn is_sparse(&self, path: &RepoPath) -> bool {
        self.index.get_path(path.as_path(), 0).is_some_and(|entry| entry.flags_extended & SKIP_WORKTREE != 0)
    }
}

/// Returns the options of both diffs. Submodules are ignored, because libgit2 would open their repositories;
/// contents are not looked at for whether they are binary, because only paths are wanted.
fn options() -> DiffOptions {
    let mut options = DiffOptions::new();
    options.ignore_submodules(true).include_typechange(true).skip_binary_check(true);
    options
}

/// Returns the commit that a worktree's HEAD leads to, or `None` if its branch has no commit.
pub(crate) fn head_commit(library: &git2::Repository, git_dir: &Path) -> Result<Option<ObjectId>, GitError> {
    if let Some(branch) = symbolic_head(git_dir) {
        return super::refs::commit_of(library, &format!("refs/heads/{branch}"));
    }
    let file = git_dir.join("HEAD");
    let text = std::fs::read_to_string(&file).map_err(GitError::io(&file))?;
    match git2::Oid::from_str(text.trim()).and_then(|id| library.find_commit(id)) {
        Ok(commit) => object_id(commit.id()).map(Some),
        // An agent may have written anything into HEAD: what leads to no commit is no commit.
        Err(_) => Ok(None),
    }
}
