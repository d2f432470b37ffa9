//! Salvage: keeping the uncommitted state of a worktree as a commit that is on no branch.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use git2::build::TreeUpdateBuilder;
use git2::{FileMode, ObjectType, Oid};
use serde::{Deserialize, Serialize};

use super::candidate::Identity;
use super::error::GitError;
use super::kept_pack::keep_objects;
use super::objects::{exists, is_gitlink, new_objects};
use super::repository::{Repository, object_id, oid};
use super::set_up::Baseline;
use super::snapshot::{FOLDER, Snapshot};
use super::status::{Inside, UsersRules, is_excluded};
use super::worktree::Worktree;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::fail_points::fail_point;
use paddock_os::plain;

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

/// First line of the part of a salvage commit's message that says what the commit lacks.
pub(super) const LEFT_HEAD: &str = "Not saved, still in the session's folder:";
/// Maximum number of such paths that the message names.
const LEFT_NAMED_MAX: usize = 100;

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
    let baseline = Baseline::load(&worktree.git_dir);
    let without = |paths: BTreeSet<RepoPath>| -> BTreeSet<RepoPath> {
        let is_kept = |path: &RepoPath| {
            !is_excluded(path, &order.exclude) && !baseline.is_untouched(&worktree.path, path)
        };
        paths.into_iter().filter(is_kept).collect()
    };
    let staged = without(inside.staged()?);
    let unstaged = inside.unstaged_of_session(worktree, UsersRules::Pass)?;
    let unstaged = without(inside.without_checkout(repository, worktree, unstaged));
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
    let commit = commit(&inside, order, tree, index_tree, &left)?;
    let library = &inside.library;
    let base = inside.head.as_ref().map(oid).transpose()?;
    // Objects first, then the ref: a crash in between leaves unreferenced objects, and the repeated salvage
    // makes the commit again. The worktree may be deleted once the ref is there.
    keep_objects(repository, library, &new_objects(library, base, oid(&commit)?)?)?;
    fail_point!("salvage.unreferenced");
    let reference = format!("refs/paddock/salvage/{}/{}", order.objective, order.session);
    // A repeated salvage replaces its own earlier result.
    let before = repository.commit_of(&reference)?;
    repository.set_ref(&reference, before.as_ref(), &commit, "paddock: salvage")?;
    fail_point!("salvage.after");
    let paths = changed.into_iter().filter(|path| !left.contains_key(path)).collect();
    Ok(Some(Salvage { reference, commit, paths, left: left.into_keys().collect() }))
}

/// Paths that stay where they are, each with the reason, for people.
type Left = BTreeMap<RepoPath, &'static str>;

/// Writes HEAD's tree with the changed paths as they are in the working tree. Uses no filters: a filter is a
/// program that an agent may have planted.
fn store(inside: &Inside, root: &Path, changed: &BTreeSet<RepoPath>) -> Result<(Oid, Left), GitError> {
    let library = &inside.library;
    let head = match &inside.head {
        Some(head) => Snapshot::of_commit(library, oid(head)?)?,
        None => Snapshot::new(library, None),
    };
    let (mut written, mut gone, mut left) = (Vec::new(), Vec::new(), Left::new());
    for path in changed {
        match content(library, root, path)? {
            Content::Object(id, mode) => written.push((path, id, mode)),
            Content::Gone => gone.push(path),
            Content::Left(why) => drop(left.insert(path.clone(), why)),
        }
    }
    let base = match head.id() {
        Some(id) => id,
        None => library.treebuilder(None)?.write()?,
    };
    // What is removed goes first: a file may have taken the place of a folder, or a folder that of a file.
    let mut update = TreeUpdateBuilder::new();
    for path in removed(&head, &gone, &written) {
        update.remove(path.as_bytes());
    }
    let cleared = update.create_updated(library, &library.find_tree(base)?)?;
    let mut update = TreeUpdateBuilder::new();
    for (path, id, mode) in &written {
        update.upsert(path.as_bytes(), *id, *mode);
    }
    Ok((update.create_updated(library, &library.find_tree(cleared)?)?, left))
}

/// Returns what has to leave HEAD's tree: files that are missing, and what stands in the way of others. A
/// submodule stays: its folder is no content of this repository.
fn removed(
    head: &Snapshot<'_>,
    gone: &[&RepoPath],
    written: &[(&RepoPath, Oid, FileMode)],
) -> BTreeSet<RepoPath> {
    let mut found = BTreeSet::new();
    let is_submodule = |mode: i32| u32::try_from(mode).is_ok_and(is_gitlink);
    for (path, ..) in written {
        let bytes = path.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let above = ends.map(|end| RepoPath::new(&bytes[..end]));
        found.extend(above.filter(|above| head.entry(above).is_some_and(|(_, mode)| mode != FOLDER)));
        found.extend(head.entry(path).filter(|(_, mode)| *mode == FOLDER).map(|_| (*path).clone()));
    }
    for path in gone {
        let is_file = head.entry(path).is_some_and(|(_, mode)| mode != FOLDER && !is_submodule(mode));
        let bytes = path.as_bytes();
        let mut ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        // What is below a removed folder goes with it.
        if is_file && !ends.any(|end| found.contains(&RepoPath::new(&bytes[..end]))) {
            found.insert((*path).clone());
        }
    }
    found
}

/// What is at a path.
enum Content {
    Object(Oid, FileMode),
    Gone,
    Left(&'static str),
}

fn content(library: &git2::Repository, root: &Path, path: &RepoPath) -> Result<Content, GitError> {
    let file = root.join(path.as_path());
    let facts = match fs::symlink_metadata(&file) {
        Ok(facts) => facts,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            // Not a folder: a parent of the path has become a file, which is a changed path itself.
            return Ok(Content::Gone);
        }
        // Below a folder that is closed, or nested deeper than a path can name.
        Err(_) => return Ok(Content::Left("it cannot be read")),
    };
    // git stores a link's target as a blob; the link is never followed.
    if facts.is_symlink() && !path.is_reserved() {
        let target = fs::read_link(&file).map_err(GitError::io(&file))?;
        return Ok(Content::Object(library.blob(target.as_os_str().as_bytes())?, FileMode::Link));
    }
    if facts.is_dir() {
        return Ok(match (path.as_bytes().ends_with(b"/"), fs::symlink_metadata(file.join(".git"))) {
            (_, Ok(_)) => Content::Left("it is a repository of its own"),
            (true, Err(_)) => Content::Left("the folder cannot be read"),
            (false, Err(_)) => Content::Gone,
        });
    }
    if path.is_reserved() {
        return Ok(Content::Left("git stores nothing under such a name"));
    }
    if !facts.is_file() {
        return Ok(Content::Left("it is no file"));
    }
    if facts.len() > FILE_BYTES_MAX {
        return Ok(Content::Left("it is larger than 50 MiB"));
    }
    // git knows two modes of files and goes by the owner's right to execute.
    let is_executable = facts.permissions().mode() & 0o100 != 0;
    let mode = if is_executable { FileMode::BlobExecutable } else { FileMode::Blob };
    match plain::open(&file) {
        Ok(open) => Ok(Content::Object(stored(library, open, facts.len(), &file)?, mode)),
        // An agent may have made its own file unreadable; one such file must not stop the salvage of the
        // others.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(Content::Left("it cannot be read")),
        Err(source) => Err(GitError::Io { path: file, source }),
    }
}

/// Stores a file of `bytes` bytes, without holding it in memory as a whole.
fn stored(library: &git2::Repository, open: File, bytes: u64, file: &Path) -> Result<Oid, GitError> {
    let size = usize::try_from(bytes).map_err(|_| GitError::Unexpected(format!("{bytes} bytes at once")))?;
    let odb = library.odb()?;
    let mut writer = odb.writer(size, ObjectType::Blob)?;
    // Fails below if the file has become shorter meanwhile; the salvage is then repeated.
    std::io::copy(&mut open.take(bytes), &mut writer).map_err(GitError::io(file))?;
    Ok(writer.finalize()?)
}

/// Writes the salvage commit, and before it the commit of what was staged if there is one.
fn commit(
    inside: &Inside,
    order: &SalvageOrder,
    tree: Oid,
    index_tree: Option<Oid>,
    left: &Left,
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
    let message = format!("Salvage uncommitted work of {name}\n{}", left_text(left));
    object_id(write(&message, tree, &parents)?)
}

/// Says what was left and why, as the end of the commit's message; `salvage show` prints it.
fn left_text(left: &Left) -> String {
    if left.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{LEFT_HEAD}\n");
    for (path, why) in left.iter().take(LEFT_NAMED_MAX) {
        text.push_str(&format!("  {path}: {why}\n"));
    }
    match left.len().saturating_sub(LEFT_NAMED_MAX) {
        0 => {}
        more => text.push_str(&format!("  and {more} more\n")),
    }
    text
}
