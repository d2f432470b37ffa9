//! Trees and objects: which paths differ, which objects are new, and flushing the new ones to disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread;

use git2::{ObjectType, Oid, Tree};

use super::error::GitError;
use super::program::flush_path;
use paddock_model::path::RepoPath;

/// An entry of a tree.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    id: Oid,
    mode: i32,
}

impl Entry {
    fn is_tree(self) -> bool {
        self.mode == 0o040_000
    }
}

/// Returns the paths whose content, kind or mode differs between two trees; `None` is an empty tree. Reads
/// only subtrees that differ, so its cost follows the change and not the repository.
pub(crate) fn changed_paths(
    library: &git2::Repository,
    old: Option<Oid>,
    new: Option<Oid>,
) -> Result<BTreeSet<RepoPath>, GitError> {
    let mut found = BTreeSet::new();
    let mut due = vec![(Vec::new(), old, new)];
    while let Some((prefix, old, new)) = due.pop() {
        if old == new {
            continue;
        }
        for (name, before, after) in pairs(library, old, new)? {
            let mut path = prefix.clone();
            path.extend_from_slice(&name);
            // A name may be a file on one side and a folder on the other, so both comparisons are made.
            let subtree = |side: Option<Entry>| side.filter(|entry| entry.is_tree()).map(|entry| entry.id);
            let leaf = |side: Option<Entry>| side.filter(|entry| !entry.is_tree());
            if leaf(before) != leaf(after) {
                found.insert(RepoPath::new(path.clone()));
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

/// Returns the names whose entries differ between two trees.
fn pairs(library: &git2::Repository, old: Option<Oid>, new: Option<Oid>) -> Result<Vec<Pair>, GitError> {
    let mut names: BTreeMap<Vec<u8>, (Option<Entry>, Option<Entry>)> = BTreeMap::new();
    let read = |id: Option<Oid>| id.map(|id| library.find_tree(id)).transpose();
    let entries = |tree: &Tree<'_>| -> Vec<(Vec<u8>, Entry)> {
        tree.iter().map(|e| (e.name_bytes().to_vec(), Entry { id: e.id(), mode: e.filemode_raw() })).collect()
    };
    for (name, entry) in read(old)?.as_ref().map(entries).unwrap_or_default() {
        names.entry(name).or_default().0 = Some(entry);
    }
    for (name, entry) in read(new)?.as_ref().map(entries).unwrap_or_default() {
        names.entry(name).or_default().1 = Some(entry);
    }
    let differing = names.into_iter().filter(|(_, (before, after))| before != after);
    Ok(differing.map(|(name, (before, after))| (name, before, after)).collect())
}

/// Returns object and mode of a path in a tree.
pub(crate) fn entry_at(tree: &Tree<'_>, path: &RepoPath) -> Option<(Oid, i32)> {
    tree.get_path(path.as_path()).ok().map(|entry| (entry.id(), entry.filemode_raw()))
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
    let flush = |paths: &[&PathBuf]| paths.iter().try_for_each(|path| flush_path(path));
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

/// Returns whether an entry's mode is that of a submodule.
pub(crate) fn is_gitlink(mode: u32) -> bool {
    mode == 0o160_000
}

/// Returns whether an object of any kind exists.
pub(crate) fn exists(library: &git2::Repository, id: Oid) -> bool {
    library.find_object(id, Some(ObjectType::Any)).is_ok()
}
