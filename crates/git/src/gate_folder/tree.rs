//! What a commit says must be in a folder.

use std::collections::{BTreeMap, BTreeSet};

use git2::{Oid, Repository};

use super::super::error::GitError;
use super::super::objects::is_gitlink;
use paddock_model::path::RepoPath;

/// Mode of a tree's entry that is a symbolic link.
const LINK: i32 = 0o120_000;
/// Mode of a tree's entry that is a folder.
const FOLDER: i32 = 0o040_000;

/// A file or link of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) blob: Oid,
    pub(super) is_link: bool,
    pub(super) is_executable: bool,
}

/// Everything that a tree contains.
#[derive(Debug)]
pub(super) struct Tracked {
    pub(super) files: BTreeMap<RepoPath, Entry>,
    /// Submodules, with the commit that each must be at.
    pub(super) submodules: BTreeMap<RepoPath, Oid>,
    /// Folders that hold any of these, without the top.
    pub(super) folders: BTreeSet<RepoPath>,
}

impl Tracked {
    /// Reads a tree.
    ///
    /// # Errors
    /// Fails if the tree or a part of it cannot be read.
    pub(super) fn read(library: &Repository, tree: Oid) -> Result<Self, GitError> {
        let mut tracked =
            Self { files: BTreeMap::new(), submodules: BTreeMap::new(), folders: BTreeSet::new() };
        let mut due = vec![(RepoPath::new(""), tree)];
        while let Some((folder, tree)) = due.pop() {
            for entry in &library.find_tree(tree)? {
                let path = below(&folder, entry.name_bytes());
                let (id, mode) = (entry.id(), entry.filemode_raw());
                if mode == FOLDER {
                    tracked.folders.insert(path.clone());
                    due.push((path, id));
                } else if u32::try_from(mode).is_ok_and(is_gitlink) {
                    tracked.submodules.insert(path, id);
                } else {
                    let entry = Entry { blob: id, is_link: mode == LINK, is_executable: mode & 0o111 != 0 };
                    tracked.files.insert(path, entry);
                }
            }
        }
        Ok(tracked)
    }
}

/// Returns the path of a name in a folder. The top folder is the empty path.
pub(super) fn below(folder: &RepoPath, name: &[u8]) -> RepoPath {
    if folder.as_bytes().is_empty() {
        return RepoPath::new(name);
    }
    RepoPath::new([folder.as_bytes(), b"/", name].concat())
}

/// Returns the folder of a path; the empty path for one at the top.
pub(super) fn parent(path: &RepoPath) -> RepoPath {
    let bytes = path.as_bytes();
    let end = bytes.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    RepoPath::new(&bytes[..end])
}

/// Returns the last part of a path.
pub(super) fn name(path: &RepoPath) -> &[u8] {
    path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// Returns whether a path lies inside a folder.
pub(super) fn is_below(path: &RepoPath, folder: &RepoPath) -> bool {
    let rest = path.as_bytes().strip_prefix(folder.as_bytes());
    rest.is_some_and(|rest| rest.first() == Some(&b'/'))
}
