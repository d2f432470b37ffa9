//! Reading the uncommitted state of a worktree without following or running anything that an agent left
//! there.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use git2::{Delta, Diff, DiffOptions, IndexEntry, ObjectType};

use super::error::GitError;
use super::ignore_rules::IgnoreRules;
use super::line_ends::as_checked_out;
use super::repository::{Repository, object_id, oid};
use super::set_up::Baseline;
use super::target::symbolic_head;
use super::untracked::untracked;
use super::whole::{ASSUME_UNCHANGED, SKIP_WORKTREE};
use super::worktree::Worktree;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::plain;

/// Size in bytes above which a changed file is compared by a stream. libgit2 holds a file in memory as a whole
/// if attributes or settings convert its line ends.
const STREAMED_BYTES_MIN: u64 = 16 << 20;

/// Returns the uncommitted paths of a session's worktree: staged, changed, deleted, and untracked but not
/// ignored. A nested repository is one path that ends in `/`. Leaves out paths at or below one of `exclude`, and
/// what is as the checkout or the set-up of the worktree left it.
///
/// Only the `.gitignore` files of the worktree's commit and the user's own rules ignore a file; the
/// repository's `info/exclude` does not, nor does a `.gitignore` that is not committed.
///
/// # Errors
/// Fails if the worktree or its index cannot be read.
pub fn worktree_status(
    repository: &Repository,
    worktree: &Worktree,
    exclude: &[String],
) -> Result<Vec<RepoPath>, GitError> {
    let mut inside = Inside::open(repository, worktree)?;
    let staged = inside.staged()?;
    let unstaged = inside.unstaged_of_session(worktree, UsersRules::Apply)?;
    let unstaged = inside.without_checkout(repository, worktree, unstaged);
    let baseline = Baseline::load(&worktree.git_dir);
    let mut paths: BTreeSet<RepoPath> = staged.into_iter().chain(unstaged).collect();
    paths.retain(|path| !is_excluded(path, exclude) && !baseline.is_untouched(&worktree.path, path));
    Ok(paths.into_iter().collect())
}

/// Whether the rules by which the user ignores files in every repository count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UsersRules {
    /// They count: the user does not want to hear of these files.
    Apply,
    /// They do not: the files are lost with the worktree if nobody saves them.
    Pass,
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

    /// Returns the paths of a session's worktree that differ between the index and the working tree, and
    /// untracked paths. What an agent's git was told to pass over (rules, marks in the index) does not count.
    pub(crate) fn unstaged_of_session(
        &mut self,
        worktree: &Worktree,
        users: UsersRules,
    ) -> Result<BTreeSet<RepoPath>, GitError> {
        let mut paths = self.compare_by_streams(&worktree.path)?;
        let diff = self.library.diff_index_to_workdir(Some(&self.index), Some(&mut options()))?;
        paths.extend(self.paths(&diff));
        let any_case = self.library.config()?.get_bool("core.ignoreCase").unwrap_or(false);
        let by_user = match users {
            UsersRules::Apply => IgnoreRules::of_user(any_case),
            UsersRules::Pass => None,
        };
        let branch = format!("refs/heads/{}", worktree.branch);
        let head = match &self.head {
            Some(head) => Some(head.clone()),
            // On a branch without a commit, the files still come from the session's own branch.
            None => super::refs::commit_of(&self.library, &branch).unwrap_or(None),
        };
        let head = head.as_ref().map(oid).transpose()?;
        let (library, index) = (&self.library, &self.index);
        paths.extend(untracked(library, &worktree.path, index, head, by_user.as_ref(), any_case)?);
        Ok(paths)
    }

    /// Returns the paths without those whose files are as a checkout writes them.
    pub(crate) fn without_checkout(
        &self,
        repository: &Repository,
        worktree: &Worktree,
        paths: BTreeSet<RepoPath>,
    ) -> BTreeSet<RepoPath> {
        let same = as_checked_out(repository, worktree, self, &paths);
        paths.into_iter().filter(|path| !same.contains(path)).collect()
    }

    /// Makes libgit2 compare every tracked file that is there, whatever marks an agent set in the index, except
    /// large ones whose times changed: these are compared here, by streams. Returns those that differ. The
    /// index is changed in memory alone.
    fn compare_by_streams(&mut self, root: &Path) -> Result<BTreeSet<RepoPath>, GitError> {
        let mut differing = BTreeSet::new();
        let entries: Vec<IndexEntry> = self.index.iter().collect();
        for mut entry in entries {
            let path = RepoPath::new(entry.path.as_slice());
            let file = root.join(path.as_path());
            let Ok(facts) = std::fs::symlink_metadata(&file) else { continue };
            let marks = (entry.flags, entry.flags_extended);
            entry.flags &= !ASSUME_UNCHANGED;
            entry.flags_extended &= !SKIP_WORKTREE;
            if facts.is_file() && facts.len() > STREAMED_BYTES_MIN && is_touched(&entry, &facts) {
                // A file that cannot be read counts as changed; salvage says that it was left.
                let found = git2::Oid::hash_file(ObjectType::Blob, &file).ok();
                differing.extend((found != Some(entry.id)).then_some(path));
                entry.flags |= ASSUME_UNCHANGED;
            }
            if marks != (entry.flags, entry.flags_extended) {
                self.index.add(&entry)?;
            }
        }
        Ok(differing)
    }

    /// Returns the paths that differ between the index and the working tree, and untracked paths that git's
    /// own rules show: in a checkout of the user, everything that the user's git obeys counts.
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

/// Returns whether a file may have changed since it was added to the index.
fn is_touched(entry: &IndexEntry, facts: &std::fs::Metadata) -> bool {
    // The index has 32 bits of each.
    let low = |number: i64| u32::try_from(number & 0xffff_ffff).unwrap_or_default();
    let seconds = low(i64::from(entry.mtime.seconds()));
    let size = u32::try_from(facts.len() & 0xffff_ffff).unwrap_or_default();
    let is_exact = entry.mtime.nanoseconds() == 0 || low(facts.mtime_nsec()) == entry.mtime.nanoseconds();
    entry.file_size != size || seconds != low(facts.mtime()) || !is_exact
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
    let text = plain::read_to_string(&file).map_err(GitError::io(&file))?;
    match git2::Oid::from_str(text.trim()).and_then(|id| library.find_commit(id)) {
        Ok(commit) => object_id(commit.id()).map(Some),
        // An agent may have written anything into HEAD: what leads to no commit is no commit.
        Err(_) => Ok(None),
    }
}
