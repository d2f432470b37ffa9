//! Listing and showing salvaged work, and putting it back without overwriting anything.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;

use git2::{DiffOptions, DiffStatsFormat, Oid};

use super::error::GitError;
use super::objects::{blob_within, changed_paths, is_gitlink};
use super::repository::{Repository, object_id, oid};
use super::salvage::LEFT_HEAD;
use super::snapshot::Snapshot;
use super::{CasOutcome, RepoPath};
use paddock_model::ids::ObjectId;
use paddock_os::plain;

/// Prefix of the refs of salvaged work; `<objective>/<session>` follows.
const PREFIX: &str = "refs/paddock/salvage/";
/// Size in bytes above which a file is not restored.
const BLOB_BYTES_MAX: usize = super::FILE_BYTES_MAX as usize;
/// Width of a diff's statistics, in columns.
const STAT_WIDTH: usize = 100;

/// Salvaged work, as its ref keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// Name of the ref.
    pub reference: String,
    /// Id of the objective.
    pub objective: String,
    /// Number of the session.
    pub session: u64,
    /// For an entry that the session had stashed, its number; `None` for uncommitted work.
    pub stash: Option<u64>,
    /// Commit that holds the work.
    pub commit: ObjectId,
    /// Time of the commit, in seconds since 1970.
    pub time_s: i64,
    /// Paths that differ from the commit that the session had checked out.
    pub paths: Vec<RepoPath>,
    /// What could not be saved, one line each: the path and the reason.
    pub left: Vec<String>,
}

impl Salvaged {
    /// Returns the number of the session, and of the stash's entry if it is one: `3`, `3-stash1`.
    #[must_use]
    pub fn number(&self) -> String {
        match self.stash {
            Some(stash) => format!("{}-stash{stash}", self.session),
            None => self.session.to_string(),
        }
    }
}

/// Outcome of restoring salvaged work into a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// These paths were written or removed.
    Done(Vec<RepoPath>),
    /// Nothing was written, because these paths hold something else.
    InTheWay(Vec<RepoPath>),
}

/// Returns all salvaged work of a repository, oldest first.
///
/// # Errors
/// Fails if the repository cannot be read.
pub fn salvaged(repository: &Repository) -> Result<Vec<Salvaged>, GitError> {
    let library = repository.library()?;
    let mut found = Vec::new();
    for reference in library.references_glob(&format!("{PREFIX}*"))? {
        let reference = reference?;
        let Some(name) = reference.name().ok().map(str::to_owned) else { continue };
        // Refs that Paddock did not name like this are somebody else's and are skipped.
        let Some((objective, session)) = name.strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once('/'))
        else {
            continue;
        };
        let (session, stash) = match session.split_once("-stash") {
            Some((session, stash)) => (session, stash.parse().ok()),
            None => (session, None),
        };
        let (Ok(session), Ok(commit)) = (session.parse(), reference.peel_to_commit()) else { continue };
        let (base, tree) = sides(&commit);
        found.push(Salvaged {
            objective: objective.to_owned(),
            session,
            stash,
            commit: object_id(commit.id())?,
            time_s: commit.time().seconds(),
            paths: changed_paths(&library, base, Some(tree))?.into_iter().collect(),
            left: left(&commit),
            reference: name.clone(),
        });
    }
    found.sort_by(|a, b| (a.time_s, &a.reference).cmp(&(b.time_s, &b.reference)));
    Ok(found)
}

/// Returns what the commit says that it lacks.
fn left(commit: &git2::Commit<'_>) -> Vec<String> {
    let message = String::from_utf8_lossy(commit.message_raw_bytes());
    let lines = message.lines().skip_while(|line| *line != LEFT_HEAD).skip(1);
    lines.map(|line| line.trim_start().to_owned()).collect()
}

/// Returns the trees before and after the salvaged change.
fn sides(commit: &git2::Commit<'_>) -> (Option<Oid>, Oid) {
    (commit.parents().next().map(|parent| parent.tree_id()), commit.tree_id())
}

/// Returns the number of lines that salvaged work changes in each file, for people.
///
/// # Errors
/// Fails if the repository cannot be read.
pub fn salvaged_stat(repository: &Repository, salvaged: &Salvaged) -> Result<String, GitError> {
    let library = repository.library()?;
    let commit = library.find_commit(oid(&salvaged.commit)?)?;
    let (base, tree) = sides(&commit);
    let base = base.map(|base| library.find_tree(base)).transpose()?;
    // A larger file counts as binary and is not read.
    let mut options = DiffOptions::new();
    options.max_size(super::FILE_BYTES_MAX as i64);
    let tree = library.find_tree(tree)?;
    let diff = library.diff_tree_to_tree(base.as_ref(), Some(&tree), Some(&mut options))?;
    let text = diff.stats()?.to_buf(DiffStatsFormat::FULL, STAT_WIDTH)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Creates a branch at salvaged work. Returns `false` if the branch exists already; it is left as it is.
///
/// # Errors
/// Fails if the name is not valid for a branch, or if the repository cannot be written.
pub fn restore_as_branch(
    repository: &Repository,
    salvaged: &Salvaged,
    branch: &str,
) -> Result<bool, GitError> {
    let name = format!("refs/heads/{branch}");
    if !git2::Reference::is_valid_name(&name) {
        return Err(GitError::Unexpected(format!("{branch:?} is not a valid name for a branch")));
    }
    let done = repository.set_ref(&name, None, &salvaged.commit, "paddock: restore salvaged work")?;
    Ok(done == CasOutcome::Done)
}

/// Restores salvaged work into a folder. A path is in the way if it holds neither the salvaged content nor
/// what the session had found there. If any path is in the way, nothing is written.
///
/// # Errors
/// Fails if the repository or the folder cannot be read or written.
pub fn restore_into(
    repository: &Repository,
    salvaged: &Salvaged,
    folder: &Path,
) -> Result<Restored, GitError> {
    let library = repository.library()?;
    let commit = library.find_commit(oid(&salvaged.commit)?)?;
    let (base, tree) = sides(&commit);
    let (base, tree) = (Snapshot::new(&library, base), Snapshot::new(&library, Some(tree)));
    // All paths are checked before the first one is written, so that a folder is never restored in part.
    let (mut due, mut in_the_way) = (Vec::new(), Vec::new());
    for path in &salvaged.paths {
        let (before, after) = (base.entry(path), tree.entry(path));
        match found_at(&library, folder, path)? {
            // An earlier call that was interrupted has restored this path already.
            found if found == Found::from_entry(after) => {}
            found if found == Found::Nothing || found == Found::from_entry(before) => {
                due.push((path.clone(), after));
            }
            _ => in_the_way.push(path.clone()),
        }
    }
    if !in_the_way.is_empty() {
        return Ok(Restored::InTheWay(in_the_way));
    }
    for (path, after) in &due {
        put(&library, &folder.join(path.as_path()), *after)?;
    }
    Ok(Restored::Done(due.into_iter().map(|(path, _)| path).collect()))
}

/// What a path holds, as git would store it. Modes are not compared.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Blob(Oid),
    /// A folder, a large file, or anything that git does not store.
    Else,
}

impl Found {
    fn from_entry(entry: Option<(Oid, i32)>) -> Self {
        entry.map_or(Self::Nothing, |(id, _)| Self::Blob(id))
    }
}

/// Returns what a path holds. Does not follow links on the way: what is behind one is not part of the folder.
fn found_at(library: &git2::Repository, folder: &Path, path: &RepoPath) -> Result<Found, GitError> {
    let mut at = folder.to_owned();
    for part in path.as_path().parent().into_iter().flat_map(Path::components) {
        at.push(part);
        match fs::symlink_metadata(&at) {
            Ok(facts) if facts.is_dir() => {}
            Ok(_) => return Ok(Found::Else),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(source) => return Err(GitError::Io { path: at, source }),
        }
    }
    let file = folder.join(path.as_path());
    let facts = match fs::symlink_metadata(&file) {
        Ok(facts) => facts,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(source) => return Err(GitError::Io { path: file, source }),
    };
    if facts.is_symlink() {
        let target = fs::read_link(&file).map_err(GitError::io(&file))?;
        return Ok(Found::Blob(library.blob(target.as_os_str().as_bytes())?));
    }
    // Salvage stores no larger files, so the content cannot be the same.
    match facts.is_file() && facts.len() <= super::FILE_BYTES_MAX {
        true => Ok(Found::Blob(library.blob(&plain::read(&file).map_err(GitError::io(&file))?)?)),
        false => Ok(Found::Else),
    }
}

/// Writes a file under a temporary name and renames it, or removes the file if `after` is `None`. The rename
/// replaces a link instead of writing through it.
fn put(library: &git2::Repository, file: &Path, after: Option<(Oid, i32)>) -> Result<(), GitError> {
    let Some((id, mode)) = after else {
        return match fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io(file)(error)),
            _ => Ok(()),
        };
    };
    if u32::try_from(mode).is_ok_and(is_gitlink) {
        return Ok(()); // A submodule's commit is not a file.
    }
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).map_err(GitError::io(parent))?;
    }
    // Salvage stores no larger files, but a person may have put a commit of another kind under such a ref.
    let blob = blob_within(library, id, BLOB_BYTES_MAX).ok_or_else(|| {
        GitError::Unexpected(format!(
            "{} was not restored: its content is missing from the repository or larger than 50 MiB; if it is \
             there, `git cat-file blob {id}` prints it",
            file.display()
        ))
    })?;
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".paddock-restore");
    let fresh = file.with_file_name(name);
    if mode == 0o120_000 {
        symlink(std::ffi::OsStr::from_bytes(blob.content()), &fresh).map_err(GitError::io(&fresh))?;
    } else {
        // The user's umask takes rights away, as it does when git checks a file out.
        let rights = if mode == 0o100_755 { 0o777 } else { 0o666 };
        // `create_new` neither follows a link nor truncates a file that has this name already.
        let open = OpenOptions::new().write(true).create_new(true).mode(rights).open(&fresh);
        let mut open = open.map_err(GitError::io(&fresh))?;
        open.write_all(blob.content()).map_err(GitError::io(&fresh))?;
    }
    fs::rename(&fresh, file).map_err(GitError::io(file))
}
