//! What commits name and git keeps elsewhere: files of git LFS, and commits of submodules.

use std::collections::BTreeMap;

use git2::Oid;

use super::limits::POINTER_BYTES_MAX;
use super::pointer::Pointer;
use crate::error::GitError;
use crate::harvest::COMMITS_MAX;
use crate::objects::{Leaf, blob_within, changed_leaves, is_gitlink};
use paddock_model::path::RepoPath;

/// What one path of a commit names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thing {
    /// A file of git LFS.
    File(Pointer),
    /// A commit of a submodule.
    Commit(Oid),
}

/// Something that a commit names, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    /// What is named.
    pub(crate) thing: Thing,
    /// Path in the commit.
    pub(crate) path: RepoPath,
    /// The commit whose tree names it.
    pub(crate) by: Oid,
}

/// Returns what the commits that lead to `tips`, and not to `hidden`, name anew. What a merge has from one of
/// its parents is not new. Of more than [`COMMITS_MAX`] commits only the tips are looked at.
///
/// Every small file with the text of a pointer counts as one, whatever its attributes say: they may follow in
/// a later commit, and a file that is brought home in vain does no harm.
///
/// # Errors
/// Fails if a commit or a tree cannot be read.
pub(crate) fn named(
    library: &git2::Repository,
    tips: &[Oid],
    hidden: &[Oid],
) -> Result<Vec<Named>, GitError> {
    let mut walk = library.revwalk()?;
    for tip in tips {
        walk.push(*tip)?;
    }
    for base in hidden {
        walk.hide(*base)?;
    }
    let commits: Vec<Oid> = walk.take(COMMITS_MAX + 1).collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    if commits.len() > COMMITS_MAX {
        for tip in tips {
            let base = hidden.first().map(|base| library.find_commit(*base)).transpose()?;
            let base = base.map(|base| base.tree_id());
            let changed = changed_leaves(library, base, Some(library.find_commit(*tip)?.tree_id()))?;
            collect(library, *tip, changed, &mut found);
        }
        return Ok(found);
    }
    for commit in commits {
        collect(library, commit, new_in(library, commit)?, &mut found);
    }
    Ok(found)
}

/// Returns what a commit changes, compared with each of its parents.
fn new_in(library: &git2::Repository, commit: Oid) -> Result<BTreeMap<RepoPath, Option<Leaf>>, GitError> {
    let found = library.find_commit(commit)?;
    let tree = Some(found.tree_id());
    let mut parents = found.parents();
    let first = parents.next().map(|parent| parent.tree_id());
    let mut changed = changed_leaves(library, first, tree)?;
    for parent in parents {
        if changed.is_empty() {
            break;
        }
        let too = changed_leaves(library, Some(parent.tree_id()), tree)?;
        changed.retain(|path, _| too.contains_key(path));
    }
    Ok(changed)
}

fn collect(
    library: &git2::Repository,
    by: Oid,
    changed: BTreeMap<RepoPath, Option<Leaf>>,
    found: &mut Vec<Named>,
) {
    for (path, leaf) in changed {
        if let Some(thing) = leaf.and_then(|leaf| thing(library, leaf)) {
            found.push(Named { thing, path, by });
        }
    }
}

/// Returns what an entry of a tree names beyond itself.
pub(crate) fn thing(library: &git2::Repository, leaf: Leaf) -> Option<Thing> {
    if u32::try_from(leaf.mode).is_ok_and(is_gitlink) {
        return Some(Thing::Commit(leaf.id));
    }
    let max = usize::try_from(POINTER_BYTES_MAX).unwrap_or(usize::MAX);
    let blob = blob_within(library, leaf.id, max)?;
    Pointer::parse(blob.content()).map(Thing::File)
}
