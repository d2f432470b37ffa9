//! The untracked files of a session's worktree.
//!
//! git hides files by rules that a session can write for all others: `.git/info/exclude`, a
//! `core.excludesFile` of the repository, a `.gitignore` that it does not commit. So Paddock looks for itself:
//! only the `.gitignore` files of the commit that the worktree is on hide a file, and, where the caller says so,
//! the user's own rules. Nothing is opened but folders.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, DirEntry};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

use git2::{Index, Oid};
use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::ignore_rules::{IgnoreRules, RULES_BYTES_MAX};
use super::objects::{blob_within, is_gitlink};
use super::snapshot::Snapshot;
use paddock_model::path::RepoPath;

/// Returns the untracked files and links below a folder that no rule hides: those of the commit `head`, and
/// `by_user`. A repository of its own, or a folder that cannot be listed, is one path that ends in `/`. Leaves
/// out pipes, sockets and devices, as git does.
///
/// # Errors
/// Fails if the top folder cannot be listed.
pub(crate) fn untracked(
    library: &git2::Repository,
    root: &Path,
    index: &Index,
    head: Option<Oid>,
    by_user: Option<&IgnoreRules>,
    any_case: bool,
) -> Result<BTreeSet<RepoPath>, GitError> {
    // Without the commit no rule is known, and everything is shown.
    let tree = head.and_then(|head| library.find_commit(head).ok()).map(|commit| commit.tree_id());
    let walk = Walk {
        library,
        root,
        tracked: Tracked::new(index, any_case),
        head: Snapshot::new(library, tree),
        by_user,
        any_case,
    };
    walk.all()
}

/// An untracked path whose folder holds tracked files, or is the top folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Top {
    /// The path; that of a folder ends in `/`.
    pub(crate) path: RepoPath,
    pub(crate) is_folder: bool,
}

/// Returns the highest untracked paths below a folder, whatever rules hide. Lists only folders with tracked
/// files in them.
///
/// # Errors
/// Fails if the top folder cannot be listed.
pub(crate) fn tops(root: &Path, index: &Index, any_case: bool) -> Result<Vec<Top>, GitError> {
    let tracked = Tracked::new(index, any_case);
    let mut found = Vec::new();
    let mut due: Vec<Vec<u8>> = vec![Vec::new()];
    while let Some(folder) = due.pop() {
        let full = root.join(RepoPath::new(folder.as_slice()).as_path());
        let entries = match fs::read_dir(&full) {
            Ok(entries) => entries,
            Err(error) if folder.is_empty() => return Err(GitError::io(&full)(error)),
            Err(_) => continue,
        };
        for entry in entries.flatten().filter(|entry| entry.file_name() != ".git") {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let mut path = [folder.as_slice(), entry.file_name().as_bytes()].concat();
            let key = tracked.key(&path);
            let is_known = tracked.files.contains(&key) || tracked.submodules.contains(&key);
            path.extend(is_folder.then_some(b'/'));
            match is_folder && tracked.folders.contains(&key) {
                true => due.push(path),
                false if is_known => {}
                false => found.push(Top { path: RepoPath::new(path), is_folder }),
            }
        }
    }
    Ok(found)
}

/// What the index holds.
struct Tracked {
    files: HashSet<Vec<u8>>,
    submodules: HashSet<Vec<u8>>,
    /// Folders of any of these.
    folders: HashSet<Vec<u8>>,
    any_case: bool,
}

impl Tracked {
    fn new(index: &Index, any_case: bool) -> Self {
        let (files, submodules, folders) = (HashSet::new(), HashSet::new(), HashSet::new());
        let mut tracked = Self { files, submodules, folders, any_case };
        for entry in index.iter() {
            let path = tracked.key(&entry.path);
            for end in path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end) {
                // The folders above a known one are known, too.
                if !tracked.folders.insert(path[..end].to_vec()) {
                    break;
                }
            }
            match is_gitlink(entry.mode) {
                true => tracked.submodules.insert(path),
                false => tracked.files.insert(path),
            };
        }
        tracked
    }

    /// Returns a path as the sets have it: where git ignores the case of names, `A` and `a` are one file.
    fn key(&self, path: &[u8]) -> Vec<u8> {
        if self.any_case { path.to_ascii_lowercase() } else { path.to_vec() }
    }
}

/// The rules for a folder: those of its own `.gitignore`, then those of the folders above it.
struct Rules {
    own: IgnoreRules,
    /// Length of the folder's path with the slash behind it.
    front: usize,
    above: Option<Rc<Rules>>,
}

/// One walk over a working tree.
struct Walk<'a> {
    library: &'a git2::Repository,
    root: &'a Path,
    tracked: Tracked,
    head: Snapshot<'a>,
    by_user: Option<&'a IgnoreRules>,
    any_case: bool,
}

/// A folder to list, as a path with a slash at its end (empty for the top), and the rules above it.
type Due = (Vec<u8>, Option<Rc<Rules>>);

impl Walk<'_> {
    fn all(&self) -> Result<BTreeSet<RepoPath>, GitError> {
        let mut found = BTreeSet::new();
        let mut due: Vec<Due> = vec![(Vec::new(), None)];
        while let Some((folder, above)) = due.pop() {
            let full = self.root.join(RepoPath::new(folder.as_slice()).as_path());
            let entries = fs::read_dir(&full).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let entries = match entries {
                Ok(entries) => entries,
                Err(error) if folder.is_empty() => return Err(GitError::io(&full)(error)),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    continue;
                }
                Err(_) => {
                    // Closed by its owner, or nested deeper than a path can name: it may hold anything.
                    found.insert(RepoPath::new(folder));
                    continue;
                }
            };
            let rules = self.rules(&folder, above);
            for entry in &entries {
                self.visit(entry, &folder, rules.as_ref(), &mut due, &mut found);
            }
        }
        Ok(found)
    }

    /// Returns the rules for what is in a folder.
    fn rules(&self, folder: &[u8], above: Option<Rc<Rules>>) -> Option<Rc<Rules>> {
        let file = RepoPath::new([folder, b".gitignore"].concat());
        // git does not follow a link here either.
        let id = self.head.entry(&file).filter(|(_, mode)| matches!(mode, 0o100_644 | 0o100_755));
        let text = id.and_then(|(id, _)| blob_within(self.library, id, RULES_BYTES_MAX));
        match text.and_then(|text| IgnoreRules::parse(text.content(), self.any_case)) {
            Some(own) => Some(Rc::new(Rules { own, front: folder.len(), above })),
            None => above,
        }
    }

    fn visit(
        &self,
        entry: &DirEntry,
        folder: &[u8],
        rules: Option<&Rc<Rules>>,
        due: &mut Vec<Due>,
        found: &mut BTreeSet<RepoPath>,
    ) {
        let name = entry.file_name();
        let Ok(kind) = entry.file_type() else { return };
        // The worktree's own, or that of a repository inside, which is one path.
        if name == ".git" {
            return;
        }
        let mut path = [folder, name.as_bytes()].concat();
        let key = self.tracked.key(&path);
        if !kind.is_dir() {
            let is_shown = !self.tracked.files.contains(&key) && !self.is_hidden(rules, &path, false);
            if (kind.is_file() || kind.is_symlink()) && is_shown {
                found.insert(RepoPath::new(path));
            }
            return;
        }
        let is_submodule = self.tracked.submodules.contains(&key);
        if is_submodule || self.is_hidden(rules, &path, true) {
            return;
        }
        let is_repository = fs::symlink_metadata(entry.path().join(".git")).is_ok();
        path.push(b'/');
        match is_repository && !self.tracked.folders.contains(&key) {
            true => drop(found.insert(RepoPath::new(path))),
            false => due.push((path, rules.cloned())),
        }
    }

    /// Returns whether a rule hides a path. The rules of deeper folders come first, those of the user last.
    fn is_hidden(&self, rules: Option<&Rc<Rules>>, path: &[u8], is_folder: bool) -> bool {
        let mut at = rules;
        while let Some(rules) = at {
            let inner = RepoPath::new(&path[rules.front..]);
            if let Some(hides) = rules.own.hides(inner.as_path(), is_folder) {
                return hides;
            }
            at = rules.above.as_ref();
        }
        let by_user = self.by_user.and_then(|own| own.hides(RepoPath::new(path).as_path(), is_folder));
        by_user.unwrap_or(false)
    }
}
