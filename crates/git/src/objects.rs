//! Trees and objects: which paths differ, which objects are new, and flushing the new ones to disk.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;

use git2::{Blob, ObjectType, Oid, Tree, TreeEntry};

use super::error::GitError;
use super::program::flush_path;
use super::snapshot::{FOLDER, tree};
use paddock_model::path::RepoPath;

/// An entry of a tree.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    id: Oid,
    mode: i32,
}

impl Entry {
    fn is_tree(self) -> bool {
        self.mode == FOLDER
    }
}

/// What is at a path of a tree and is no folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) id: Oid,
    pub(crate) mode: i32,
}

/// Returns the paths whose content, kind or mode differs between two trees; `None` is an empty tree. Reads
/// only subtrees that differ, each of them once, so its cost follows the change and not the repository.
pub(crate) fn changed_paths(
    library: &git2::Repository,
    old: Option<Oid>,
    new: Option<Oid>,
) -> Result<BTreeSet<RepoPath>, GitError> {
    Ok(changed_leaves(library, old, new)?.into_keys().collect())
}

/// Like [`changed_paths`], with what is at each path in the new tree: a file, a link or a submodule. `None` for
/// what is gone, or is a folder now.
pub(crate) fn changed_leaves(
    library: &git2::Repository,
    old: Option<Oid>,
    new: Option<Oid>,
) -> Result<BTreeMap<RepoPath, Option<Leaf>>, GitError> {
    let mut found = BTreeMap::new();
    let mut due = vec![(Vec::new(), old, new)];
    while let Some((prefix, old, new)) = due.pop() {
        if old == new {
            continue;
        }
        for (name, before, after) in pairs(library, old, new)? {
            let mut path = prefix.clone();
            path.extend_from_slice(&name);
            let subtree = |side: Option<Entry>| side.filter(|entry| entry.is_tree()).map(|entry| entry.id);
            let leaf = |side: Option<Entry>| side.filter(|entry| !entry.is_tree());
            if leaf(before) != leaf(after) {
                let now = leaf(after).map(|entry| Leaf { id: entry.id, mode: entry.mode });
                found.insert(RepoPath::new(path.clone()), now);
            }
            if subtree(before) != subtree(after) {
                path.push(b'/');
                due.push((path, subtree(before), subtree(after)));
            }
        }
    }
    Ok(found)
}

/// A name, and its entries in the old and the new tree.
type Pair = (Vec<u8>, Option<Entry>, Option<Entry>);

/// Returns the names whose entries differ between two trees. A name that is a file on one side and a folder on
/// the other comes twice, once for each.
fn pairs(library: &git2::Repository, old: Option<Oid>, new: Option<Oid>) -> Result<Vec<Pair>, GitError> {
    let read = |id: Option<Oid>| id.map(|id| tree(library, id)).transpose();
    let (old, new) = (read(old)?, read(new)?);
    let mut before = old.iter().flat_map(Tree::iter).peekable();
    let mut after = new.iter().flat_map(Tree::iter).peekable();
    let mut found = Vec::new();
    let entry = |e: &TreeEntry<'_>| Entry { id: e.id(), mode: e.filemode_raw() };
    // Both are sorted in the same way, so one pass over both is enough. In a tree that somebody wrote unsorted,
    // an entry without its counterpart counts as one that differs: none is passed over.
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return Ok(found),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => in_tree(one).cmp(in_tree(other)),
        };
        let one = if order.is_le() { before.next() } else { None };
        let other = if order.is_ge() { after.next() } else { None };
        let (was, is) = (one.as_ref().map(entry), other.as_ref().map(entry));
        if was != is {
            let name = one.as_ref().or(other.as_ref()).map(|e| e.name_bytes().to_vec());
            found.push((name.unwrap_or_default(), was, is));
        }
    }
}

/// Returns the bytes by which git sorts an entry: a folder as if its name ended in `/`.
fn in_tree<'e>(entry: &'e TreeEntry<'_>) -> impl Iterator<Item = u8> + 'e {
    let end = (entry.filemode_raw() == FOLDER).then_some(b'/');
    entry.name_bytes().iter().copied().chain(end)
}

/// Returns the objects that came with the commits from `base` (excluded; `None`: from the root) to `tip`.
pub(crate) fn new_objects(
    library: &git2::Repository,
    base: Option<Oid>,
    tip: Oid,
) -> Result<BTreeSet<Oid>, GitError> {
    let mut walk = library.revwalk()?;
    walk.push(tip)?;
    if let Some(base) = base {
        walk.hide(base)?;
    }
    let mut found = BTreeSet::new();
    for id in walk {
        let id = id?;
        let commit = library.find_commit(id)?;
        // The first parent is enough: an object that came with another parent is found at that parent's own
        // commit.
        let parent = commit.parents().next().map(|parent| parent.tree_id());
        found.insert(id);
        add_new_trees(library, parent, commit.tree_id(), &mut found)?;
    }
    Ok(found)
}

/// Returns the objects that the commits from `known` (excluded) to `tip` made themselves: what none of a commit's
/// parents has at the same path. Nothing else leads to them.
pub(crate) fn made_objects(
    library: &git2::Repository,
    known: &[Oid],
    tip: Oid,
) -> Result<BTreeSet<Oid>, GitError> {
    let mut walk = library.revwalk()?;
    walk.push(tip)?;
    for commit in known {
        walk.hide(*commit)?;
    }
    let mut found = BTreeSet::new();
    for id in walk {
        let commit = library.find_commit(id?)?;
        let mut made: Option<BTreeSet<Oid>> = None;
        if commit.parent_count() == 0 {
            add_new_trees(library, None, commit.tree_id(), &mut found)?;
        }
        for parent in commit.parents() {
            let mut new = BTreeSet::new();
            add_new_trees(library, Some(parent.tree_id()), commit.tree_id(), &mut new)?;
            made = Some(match made {
                Some(made) => made.intersection(&new).copied().collect(),
                None => new,
            });
        }
        found.insert(commit.id());
        found.extend(made.unwrap_or_default());
    }
    Ok(found)
}

/// Adds the trees and blobs of `new` that `old` does not have at the same path.
fn add_new_trees(
    library: &git2::Repository,
    old: Option<Oid>,
    new: Oid,
    found: &mut BTreeSet<Oid>,
) -> Result<(), GitError> {
    let mut due = vec![(old, new)];
    while let Some((old, new)) = due.pop() {
        // A tree that was found before has been walked already.
        if old == Some(new) || !found.insert(new) {
            continue;
        }
        for (_, before, after) in pairs(library, old, Some(new))? {
            match after {
                Some(after) if after.is_tree() => {
                    due.push((before.filter(|entry| entry.is_tree()).map(|entry| entry.id), after.id));
                }
                // The commit of a submodule is no object of this repository.
                Some(after) if u32::try_from(after.mode).is_ok_and(is_gitlink) => {}
                Some(after) => {
                    found.insert(after.id);
                }
                None => {}
            }
        }
    }
    Ok(())
}

/// Number of threads that flush in parallel: file systems join waiting flushes into one write of their
/// journal.
const FLUSHES_AT_ONCE: usize = 16;

/// Flushes the loose objects among `objects`, and the folders that name them.
pub(crate) fn flush_objects(common_dir: &Path, objects: &BTreeSet<Oid>) -> Result<(), GitError> {
    let place = |id: &Oid| {
        let text = id.to_string();
        common_dir.join("objects").join(&text[..2]).join(&text[2..])
    };
    // A missing file means that the object is packed, which flushes it, or is a submodule's commit.
    let files: BTreeSet<PathBuf> = objects.iter().map(place).filter(|file| file.exists()).collect();
    let folders: BTreeSet<PathBuf> =
        files.iter().filter_map(|file| Some(file.parent()?.to_owned())).collect();
    // Files first: a name that survives a power loss must lead to whole content.
    flush_all(&files)?;
    flush_all(&folders)
}

fn flush_all(paths: &BTreeSet<PathBuf>) -> Result<(), GitError> {
    let paths: Vec<&PathBuf> = paths.iter().collect();
    let share = paths.len().div_ceil(FLUSHES_AT_ONCE).max(1);
    // git may pack loose objects at any moment, as after an agent's commit of many files: what is gone since it
    // was looked at is in a pack, which git flushed before it removed the file.
    let flush_one = |path: &Path| match flush_path(path) {
        Err(GitError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(()),
        flushed => flushed,
    };
    let flush = |paths: &[&PathBuf]| paths.iter().try_for_each(|path| flush_one(path));
    if paths.len() <= 1 {
        return flush(&paths);
    }
    thread::scope(|scope| {
        let workers: Vec<_> = paths.chunks(share).map(|paths| scope.spawn(move || flush(paths))).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(flushed) => flushed,
            Err(_) => Err(GitError::Unexpected("a thread that flushes git objects panicked".to_owned())),
        })
    })
}

/// Returns a blob of at most `max_bytes`. A larger one is never read: its size stands at its beginning. `None`
/// also for an object that is missing or no blob.
pub(crate) fn blob_within(library: &git2::Repository, id: Oid, max_bytes: usize) -> Option<Blob<'_>> {
    blob_bytes(library, id).filter(|bytes| *bytes <= max_bytes)?;
    library.find_blob(id).ok()
}

/// Returns the size of a blob in bytes, without reading it; `None` for an object that is missing or no blob.
pub(crate) fn blob_bytes(library: &git2::Repository, id: Oid) -> Option<usize> {
    let (size, kind) = library.odb().ok()?.read_header(id).ok()?;
    (kind == ObjectType::Blob).then_some(size)
}

/// Returns whether an entry's mode is that of a submodule.
pub(crate) fn is_gitlink(mode: u32) -> bool {
    mode == 0o160_000
}

/// Returns whether an object of any kind exists.
pub(crate) fn exists(library: &git2::Repository, id: Oid) -> bool {
    library.find_object(id, Some(ObjectType::Any)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_is_packed_while_others_are_flushed_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("there");
        std::fs::write(&there, "x").unwrap();
        let gone = folder.path().join("gone");
        flush_all(&BTreeSet::from([there.clone(), gone.clone()])).unwrap();
        flush_all(&BTreeSet::from([gone])).unwrap();
        // Anything else is an error.
        assert!(flush_all(&BTreeSet::from([there.join("below a file")])).is_err());
    }
}
