//! Whether a rewritten branch still holds some work: as the same patches, or with nothing left to merge.
//!
//! `git pull --rebase` and squash merges give landed work other commits. By its commits it would count as
//! lost, although every line of it is there.

use std::collections::BTreeSet;

use git2::{Diff, DiffFormat, DiffOptions, Oid, Repository as Library};
use sha2::{Digest, Sha256};

use super::candidate::{Merged, merge_tree, trivial_tree};
use super::error::GitError;
use super::repository::{Repository, oid};
use paddock_model::ids::ObjectId;

/// Most commits of the branch that are compared, newest first. A user who rewrites more starts anew.
const COMMITS_MAX: usize = 5_000;
/// Most merges that are tried, one for each piece of work that is not found by its patches.
const MERGES_MAX: usize = 200;

/// SHA-256 of a change: paths, modes, and lines that were added or removed.
type Fingerprint = [u8; 32];

/// A branch that was rewritten, compared with work that landed before.
pub struct Rewritten<'r> {
    repository: &'r Repository,
    library: Library,
    target: ObjectId,
    /// Patches of the commits that the branch has beyond the old tip.
    patches: BTreeSet<Fingerprint>,
    merges: usize,
}

impl std::fmt::Debug for Rewritten<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rewritten").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Repository {
    /// Reads what `target` has beyond `tip`, the commit on which work landed before.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub fn rewritten(&self, target: &ObjectId, tip: &ObjectId) -> Result<Rewritten<'_>, GitError> {
        let library = self.library()?;
        let patches = patches(&library, oid(target)?, oid(tip)?, Merges::Skip)?;
        let patches = patches.into_iter().flatten().collect();
        Ok(Rewritten { repository: self, library, target: target.clone(), patches, merges: 0 })
    }
}

impl Rewritten<'_> {
    /// Returns whether the branch holds the work that `landing`, a merge commit, brought in. `head` is the head
    /// of the work's own branch; `None` if it is not known: then the landing's second parent counts.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub fn holds(&mut self, landing: &ObjectId, head: Option<&ObjectId>) -> Result<bool, GitError> {
        let parents: Vec<Oid> = self.library.find_commit(oid(landing)?)?.parent_ids().collect();
        let [onto, second] = parents[..] else { return Ok(false) };
        // Commits that were made on the branch after it landed are no part of the landing.
        let library = &self.library;
        let is_landed =
            |head: &Oid| *head == second || library.graph_descendant_of(second, *head).unwrap_or(false);
        let head = head.map(oid).transpose()?.filter(is_landed).unwrap_or(second);
        let work = patches(library, head, onto, Merges::Check)?;
        // A merge has no patch of its own; what it changed is only found by merging.
        let is_known = |patch: &Option<Fingerprint>| patch.is_some_and(|patch| self.patches.contains(&patch));
        let is_found = !work.is_empty() && work.iter().all(is_known);
        Ok(is_found || self.adds_nothing(head)?)
    }

    /// Returns whether a merge of `head` would leave the branch's tree as it is.
    fn adds_nothing(&mut self, head: Oid) -> Result<bool, GitError> {
        if self.merges >= MERGES_MAX {
            return Ok(false);
        }
        self.merges += 1;
        let target = oid(&self.target)?;
        let tree = self.library.find_commit(target)?.tree_id();
        if let Some(merged) = trivial_tree(&self.library, target, head)? {
            return Ok(merged == tree);
        }
        let head = super::repository::object_id(head)?;
        Ok(match merge_tree(self.repository, &self.target, &head)? {
            Merged::Tree(merged) => merged == tree,
            Merged::Conflict { .. } => false,
        })
    }
}

/// How merge commits, which have no patch of their own, are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Merges {
    /// They are left out.
    Skip,
    /// One that changes something itself counts as a commit whose patch is unknown.
    Check,
}

/// Returns the patch of each commit that `to` has beyond `from`; `None` if it is unknown. Commits without any
/// change are left out.
fn patches(
    library: &Library,
    to: Oid,
    from: Oid,
    merges: Merges,
) -> Result<Vec<Option<Fingerprint>>, GitError> {
    let mut walk = library.revwalk()?;
    walk.push(to)?;
    walk.hide(from)?;
    let mut found = Vec::new();
    for id in walk.take(COMMITS_MAX) {
        let commit = library.find_commit(id?)?;
        if commit.parent_count() > 1 {
            let is_unknown = merges == Merges::Check && !is_plain_merge(library, &commit)?;
            found.extend(is_unknown.then_some(None));
            continue;
        }
        let parent = commit.parents().next().map(|parent| parent.tree()).transpose()?;
        let mut options = DiffOptions::new();
        // As text even if it is none: a binary file would have no lines to compare.
        options.force_text(true).context_lines(0);
        let diff = library.diff_tree_to_tree(parent.as_ref(), Some(&commit.tree()?), Some(&mut options))?;
        if diff.deltas().len() > 0 {
            found.push(Some(fingerprint(&diff)?));
        }
    }
    Ok(found)
}

/// Returns the fingerprint of a difference: the same for the same change at another place of the history. git's
/// own patch ids end at a NUL byte, so they do not tell binary files apart.
fn fingerprint(diff: &Diff<'_>) -> Result<Fingerprint, GitError> {
    let mut hasher = Sha256::new();
    diff.print(DiffFormat::Patch, |delta, _, line| {
        for file in [delta.old_file(), delta.new_file()] {
            hasher.update(file.path_bytes().unwrap_or_default());
            hasher.update(u32::from(file.mode()).to_le_bytes());
        }
        // Line numbers and ids of files, which headers hold, differ from place to place.
        if matches!(line.origin(), '+' | '-' | '<' | '>' | '=') {
            hasher.update([u8::try_from(line.origin()).unwrap_or_default()]);
            hasher.update(line.content().len().to_le_bytes());
            hasher.update(line.content());
        }
        true
    })?;
    Ok(hasher.finalize().into())
}

/// Returns whether a merge commit has exactly the tree that merging its parents gives.
fn is_plain_merge(library: &Library, commit: &git2::Commit<'_>) -> Result<bool, GitError> {
    let (first, second) = (commit.parent(0)?, commit.parent(1)?);
    if commit.parent_count() > 2 {
        return Ok(false);
    }
    let Ok(mut index) = library.merge_commits(&first, &second, None) else { return Ok(false) };
    Ok(!index.has_conflicts() && index.write_tree_to(library)? == commit.tree_id())
}
