//! Salvage: keeping the uncommitted state of a worktree as a commit that is on no branch.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use git2::{Index, IndexEntry, IndexTime, Oid};
use serde::{Deserialize, Serialize};

use super::candidate::Identity;
use super::error::GitError;
use super::objects::{exists, flush_objects, is_gitlink, new_objects};
use super::repository::{Repository, object_id, oid};
use super::status::{Inside, is_excluded};
use super::worktree::Worktree;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::fail_points::fail_point;

/// What to salvage, and under which name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalvageOrder {
    /// Id of the objective.
    pub objective: String,
    /// Number of the session.
    pub session: u64,
    /// Paths that Paddock itself copied into the worktree.
    pub exclude: Vec<String>,
    /// Author and committer of the commit.
    pub identity: Identity,
    /// Time of the commit, in seconds since 1970.
    pub time_s: i64,
}

/// Salvaged work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Salvage {
    /// Ref that keeps the commit, `refs/paddock/salvage/<objective>/<session>`.
    pub reference: String,
    /// The commit. Its first parent is the worktree's HEAD; a second one holds what was staged, if that
    /// differs.
    pub commit: ObjectId,
    /// Paths that the commit changes, deletions included.
    pub paths: Vec<RepoPath>,
    /// Paths left in place: files over [`FILE_BYTES_MAX`], unreadable files, nested repositories (ending in
    /// `/`), sockets and the like.
    pub left: Vec<RepoPath>,
}

/// Size above which a file is listed and left in place, in bytes.
pub const FILE_BYTES_MAX: u64 = 50 * 1024 * 1024;

/// Stores the uncommitted state of a worktree whose processes are dead, flushed to disk. Returns `None` if
/// the worktree is clean.
///
/// # Errors
/// Fails if a file cannot be read or the repository cannot be written.
pub fn salvage(
    repository: &Repository,
    worktree: &Worktree,
    order: &SalvageOrder,
) -> Result<Option<Salvage>, GitError> {
    let mut inside = Inside::open(repository, worktree)?;
    let staged = without(inside.staged()?, &order.exclude);
    let unstaged = without(inside.unstaged()?, &order.exclude);
    let changed: BTreeSet<RepoPath> = staged.union(&unstaged).cloned().collect();
    if changed.is_empty() {
        return Ok(None);
    }
    fail_point!("salvage.before");
    let (tree, left) = store(&inside, &worktree.path, &changed)?;
    let staged_otherwise = staged.intersection(&unstaged).next().is_some();
    // A file that was staged and then changed again has two uncommitted states, and the index holds the other
    // one. An index with conflicts has no tree; the working tree shows the conflict then.
    let index_tree = if staged_otherwise { inside.index.write_tree_to(&inside.library).ok() } else { None };
    let commit = commit(&inside, order, tree, index_tree)?;
    let library = &inside.library;
    let base = inside.head.as_ref().map(oid).transpose()?;
    // Objects first, then the ref: a crash in between leaves unreferenced objects, and the repeated salvage
    // makes the commit again. The worktree may be deleted once the ref is there.
    flush_objects(repository.common_dir(), &new_objects(library, base, oid(&commit)?)?)?;
    fail_point!("salvage.unreferenced");
    let reference = format!("refs/paddock/salvage/{}/{}", order.objective, order.session);
    // A repeated salvage replaces its own earlier result.
    let before = repository.commit_of(&reference)?;
    repository.set_ref(&reference, before.as_ref(), &commit, "paddock: salvage")?;
    fail_point!("salvage.after");
    let paths = changed.into_iter().filter(|path| !left.contains(path)).collect();
    Ok(Some(Salvage { reference, commit, paths, left }))
}

fn without(paths: BTreeSet<RepoPath>, exclude: &[String]) -> BTreeSet<RepoPath> {
    paths.into_iter().filter(|path| !is_excluded(path, exclude)).collect()
}

/// Writes HEAD's tree with the changed paths as they are in the working tree. Uses an index in memory and no
/// filters: a filter is a program that an agent may have planted.
fn store(
    inside: &Inside,
    root: &Path,
    changed: &BTreeSet<RepoPath>,
) -> Result<(Oid, Vec<RepoPath>), GitError> {
    let library = &inside.library;
    let mut index = Index::new()?;
    if let Some(head) = &inside.head {
        index.read_tree(&library.find_commit(oid(head)?)?.tree()?)?;
    }
    let mut left = Vec::new();
    for path in changed {
        let file = root.join(path.as_path());
        match content(library, &file)? {
            Content::Object(id, mode) => {
                index.add(&entry(path, id, mode))?;
            }
            Content::Gone => remove(&mut index, path)?,
            Content::Left => left.push(path.clone()),
        }
    }
    Ok((index.write_tree_to(library)?, left))
}

/// Removes a path that is missing or is a folder now. A submodule stays: its folder is no content of this
/// repository.
fn remove(index: &mut Index, path: &RepoPath) -> Result<(), GitError> {
    match index.get_path(path.as_path(), 0) {
        Some(entry) if !is_gitlink(entry.mode) => Ok(index.remove(path.as_path(), 0)?),
        _ => Ok(()),
    }
}

/// What is at a path.
enum Content {
    Object(Oid, u32),
    Gone,
    Left,
}

fn content(library: &git2::Repository, file: &Path) -> Result<Content, GitError> {
    let facts = match fs::symlink_metadata(file) {
        Ok(facts) => facts,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            // Not a folder: a parent of the path has become a file, which is a changed path itself.
            return Ok(Content::Gone);
        }
        Err(source) => return Err(GitError::Io { path: file.to_owned(), source }),
    };
    // git stores a link's target as a blob; the link is never followed.
    if facts.is_symlink() {
        let target = fs::read_link(file).map_err(GitError::io(file))?;
        return Ok(Content::Object(library.blob(target.as_os_str().as_bytes())?, 0o120_000));
    }
    if facts.is_dir() {
        let nested = fs::symlink_metadata(file.join(".git")).is_ok();
        return Ok(if nested { Content::Left } else { Content::Gone });
    }
    if !facts.is_file() || facts.len() > FILE_BYTES_MAX {
        return Ok(Content::Left);
    }
    // git knows two modes of files and goes by the owner's right to execute.
    let mode = if facts.permissions().mode() & 0o100 == 0 { 0o100_644 } else { 0o100_755 };
    match fs::read(file) {
        Ok(bytes) => Ok(Content::Object(library.blob(&bytes)?, mode)),
        // An agent may have made its own file unreadable; one such file must not stop the salvage of the
        // others.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(Content::Left),
        Err(source) => Err(GitError::Io { path: file.to_owned(), source }),
    }
}

fn entry(path: &RepoPath, id: Oid, mode: u32) -> IndexEntry {
    IndexEntry {
        ctime: IndexTime::new(0, 0),
        mtime: IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    }
}

/// Writes the salvage commit, and before it the commit of what was staged if there is one.
fn commit(
    inside: &Inside,
    order: &SalvageOrder,
    tree: Oid,
    index_tree: Option<Oid>,
) -> Result<ObjectId, GitError> {
    let library = &inside.library;
    let signature = order.identity.signature(order.time_s)?;
    let head = inside.head.as_ref().map(oid).transpose()?;
    // HEAD may lead to a missing commit; the uncommitted work is still worth keeping.
    let head = head.filter(|id| exists(library, *id)).map(|id| library.find_commit(id)).transpose()?;
    let write = |message: &str, tree: Oid, parents: &[&git2::Commit<'_>]| {
        library.commit(None, &signature, &signature, message, &library.find_tree(tree)?, parents)
    };
    let name = format!("{} (session {})", order.objective, order.session);
    let staged = match index_tree {
        Some(tree) => {
            let parents: Vec<_> = head.iter().collect();
            let id = write(&format!("Salvage what was staged for {name}\n"), tree, &parents)?;
            Some(library.find_commit(id)?)
        }
        None => None,
    };
    let parents: Vec<_> = head.iter().chain(staged.iter()).collect();
    object_id(write(&format!("Salvage uncommitted work of {name}\n"), tree, &parents)?)
}
