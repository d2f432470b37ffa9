//! Looking up paths in a tree.
//!
//! libgit2 parses a whole folder for every path that it is asked for, and keeps none that is larger than 4
//! KiB: asking it for each of `n` files of one folder costs `n²`. A [`Snapshot`] parses each folder once, and
//! finds a name in it by binary search.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use git2::{Oid, Tree};

use super::error::GitError;
use paddock_model::path::RepoPath;

/// Entries of folders that one generation of [`Folders`] holds. An entry takes about 64 bytes, so a snapshot
/// takes at most about 128 MB, and a folder of this many files is still parsed once.
const ENTRIES_MAX: usize = 1 << 20;

/// Mode of a folder in a tree.
pub(crate) const FOLDER: i32 = 0o040_000;

/// A tree whose paths are looked up. Remembers the folders that it has parsed.
pub(crate) struct Snapshot<'r> {
    library: &'r git2::Repository,
    root: Option<Oid>,
    folders: RefCell<Folders<'r>>,
}

/// Parsed folders by their ids, in two generations: when the newer one is full it becomes the older one, so
/// what is still asked for survives and the memory stays bounded.
#[derive(Default)]
struct Folders<'r> {
    newer: HashMap<Oid, Option<Rc<Tree<'r>>>>,
    older: HashMap<Oid, Option<Rc<Tree<'r>>>>,
    /// Number of entries in the newer generation.
    entries: usize,
}

impl<'r> Snapshot<'r> {
    /// Returns a snapshot of the tree with this id; `None` is an empty tree.
    pub(crate) fn new(library: &'r git2::Repository, tree: Option<Oid>) -> Self {
        Self { library, root: tree, folders: RefCell::default() }
    }

    /// Returns a snapshot of the tree of a commit.
    ///
    /// # Errors
    /// Fails if the commit is missing.
    pub(crate) fn of_commit(library: &'r git2::Repository, commit: Oid) -> Result<Self, GitError> {
        Ok(Self::new(library, Some(library.find_commit(commit)?.tree_id())))
    }

    /// Returns the id of the tree; `None` for an empty tree without one.
    pub(crate) fn id(&self) -> Option<Oid> {
        self.root
    }

    /// Returns object and mode of a path. A path that ends in `/` is that of a folder.
    pub(crate) fn entry(&self, path: &RepoPath) -> Option<(Oid, i32)> {
        let bytes = path.as_bytes();
        let (bytes, must_be_folder) = bytes.strip_suffix(b"/").map_or((bytes, false), |bytes| (bytes, true));
        let (mut id, mut mode) = (self.root?, FOLDER);
        for name in bytes.split(|byte| *byte == b'/') {
            if mode != FOLDER {
                return None;
            }
            let folder = self.folder(id)?;
            let entry = folder.get_name_bytes(name)?;
            (id, mode) = (entry.id(), entry.filemode_raw());
        }
        (!must_be_folder || mode == FOLDER).then_some((id, mode))
    }

    /// Returns a parsed folder; `None` if there is no such tree.
    fn folder(&self, id: Oid) -> Option<Rc<Tree<'r>>> {
        let mut folders = self.folders.borrow_mut();
        if let Some(known) = folders.newer.get(&id) {
            return known.clone();
        }
        let known = folders.older.remove(&id);
        let found = known.unwrap_or_else(|| tree(self.library, id).ok().map(Rc::new));
        let entries = found.as_ref().map_or(1, |tree| tree.len().max(1));
        if folders.entries + entries > ENTRIES_MAX {
            folders.older = std::mem::take(&mut folders.newer);
            folders.entries = 0;
        }
        folders.entries += entries;
        folders.newer.insert(id, found.clone());
        found
    }
}

/// Parses a tree object. Every tree that is compared or looked into comes through here, so that tests can
/// count.
pub(crate) fn tree(library: &git2::Repository, id: Oid) -> Result<Tree<'_>, GitError> {
    #[cfg(test)]
    count::add();
    Ok(library.find_tree(id)?)
}

/// The number of tree objects that a thread has parsed.
#[cfg(test)]
pub(crate) mod count {
    use std::cell::Cell;

    thread_local! {
        static PARSED: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn add() {
        PARSED.set(PARSED.get() + 1);
    }

    /// Returns how many trees this parses.
    pub(crate) fn while_running<T>(act: impl FnOnce() -> T) -> (T, usize) {
        let before = PARSED.get();
        let result = act();
        (result, PARSED.get() - before)
    }
}
