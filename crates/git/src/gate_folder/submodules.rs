//! Submodules: each is empty, or exactly at the commit that the tree names.
//!
//! Only the project's set-up fills them. The git program never runs in one: code under test can write its
//! configuration and hooks. libgit2 runs neither, and checks the hash of every object that it reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use git2::{Blob, ObjectType, Oid};
use sha2::{Digest, Sha256};

use super::super::error::GitError;
use super::super::objects::blob_within;
use super::checkout::Checkout;
use super::clear::remove;
use super::compare::{blob_of, free, is_same};
use super::conversion::Conversion;
use super::record::{Record, SetUp};
use super::table::{Kind, Seen, StatTrust, Table, clock_of};
use super::tree::{Entry, Tracked, below, is_below};
use super::walk::{Survey, Walk};
use paddock_model::path::RepoPath;
use paddock_os::plain;

/// First line of a file that git LFS has not replaced yet.
pub(super) const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";

/// Size in bytes above which a file with other line ends counts as changed.
const TEXT_BYTES_MAX: u64 = 64 << 20;

/// Size in bytes above which a file is no pointer of git LFS.
const POINTER_BYTES_MAX: usize = 1024;

/// Size in bytes above which a file that a command changed is not written again: it would be held in memory as
/// a whole.
const MENDED_BYTES_MAX: usize = 256 << 20;

/// Parts of a submodule's git directory that change with every use and can make git run nothing.
const UNGUARDED: [&str; 11] = [
    "FETCH_HEAD",
    "HEAD",
    "ORIG_HEAD",
    "gc.log",
    "index",
    "lfs",
    "logs",
    "modules",
    "objects",
    "packed-refs",
    "refs",
];

/// The submodules of a gate folder.
pub(super) struct Submodules<'a> {
    pub(super) checkout: Checkout<'a>,
    pub(super) conversion: &'a Conversion,
    pub(super) trust: StatTrust,
}

/// What was found in a submodule and in those inside it.
#[derive(Debug, Default)]
pub(super) struct Inspected {
    /// Every filled submodule, by its path from the top of the folder.
    pub(super) filled: BTreeMap<RepoPath, SetUp>,
    /// Submodules that are not at their commit, and how they differ.
    pub(super) misplaced: BTreeMap<RepoPath, String>,
    /// Tracked files that differ, by their path from the top of the folder.
    pub(super) wrong: BTreeMap<RepoPath, WrongFile>,
    /// Untracked paths, from the top of the folder.
    strangers: Vec<RepoPath>,
}

/// A file of a submodule that is not what its commit says.
#[derive(Debug)]
pub(super) struct WrongFile {
    git_dir: PathBuf,
    entry: Entry,
    /// What lay there before; `None` if nobody has seen it right.
    expected: Option<Seen>,
}

impl Submodules<'_> {
    /// Empties every filled submodule that is not exactly as the set-up left it at the commit of `tracked`.
    /// Removes untracked files from the others. Returns whether one was emptied that the set-up had filled.
    ///
    /// # Errors
    /// Fails if the file system reports an error.
    pub(super) fn hold(
        &self,
        populated: &[RepoPath],
        tracked: &Tracked,
        record: &mut Record,
    ) -> Result<bool, GitError> {
        let before = std::mem::take(&mut record.submodules);
        for path in populated {
            let known = before.get(path);
            let found = match (known, tracked.submodules.get(path)) {
                (Some(_), Some(commit)) => Some(self.inspect(path, *commit)?),
                _ => None,
            };
            let is_as_left = |found: &Inspected| {
                let left = before.iter().filter(|(inner, _)| *inner == path || is_below(inner, path));
                left.eq(found.filled.iter())
            };
            match found {
                Some(found) if found.misplaced.is_empty() && found.wrong.is_empty() && is_as_left(&found) => {
                    for stranger in &found.strangers {
                        let full = self.checkout.folder.join(stranger.as_path());
                        remove(&full).map_err(GitError::io(&full))?;
                    }
                    record.submodules.extend(found.filled);
                }
                found => {
                    let is_planted = found.is_none_or(|found| !is_as_left(&found));
                    self.empty(path, known.filter(|_| is_planted))?;
                }
            }
        }
        let is_gone =
            |path: &RepoPath| tracked.submodules.contains_key(path) && !record.submodules.contains_key(path);
        Ok(before.keys().any(is_gone))
    }

    /// Empties the folder of a submodule, and deletes its repository if somebody planted something there.
    fn empty(&self, path: &RepoPath, planted: Option<&SetUp>) -> Result<(), GitError> {
        let full = self.checkout.folder.join(path.as_path());
        remove(&full).map_err(GitError::io(&full))?;
        fs::create_dir(&full).map_err(GitError::io(&full))?;
        match planted.map(|set_up| &set_up.git_dir) {
            // Any other repository is not this folder's.
            Some(own) if own.starts_with(self.checkout.git_dir.join("modules")) => {
                remove(own).map_err(GitError::io(own))
            }
            _ => Ok(()),
        }
    }

    /// Compares a filled submodule, and those inside it, with a commit.
    ///
    /// # Errors
    /// Fails if the file system reports an error. A repository that cannot be read is misplaced.
    pub(super) fn inspect(&self, top: &RepoPath, commit: Oid) -> Result<Inspected, GitError> {
        let mut found = Inspected::default();
        let mut due = vec![(top.clone(), commit)];
        while let Some((path, commit)) = due.pop() {
            match self.open(&path, commit) {
                Ok((library, git_dir, tracked)) => {
                    let guard = guard_of(&git_dir)?;
                    let module = Module { path: path.clone(), commit, library, git_dir, tracked };
                    due.extend(self.compare(&module, &mut found)?);
                    let set_up = SetUp { git_dir: module.git_dir, guard };
                    found.filled.insert(path, set_up);
                }
                Err(problem) => drop(found.misplaced.insert(path, problem)),
            }
        }
        Ok(found)
    }

    /// Opens the repository of a submodule and reads its commit. Fails with what is wrong with it.
    fn open(&self, path: &RepoPath, commit: Oid) -> Result<(git2::Repository, PathBuf, Tracked), String> {
        let folder = self.checkout.folder.join(path.as_path());
        let git_dir = git_dir_of(&folder)
            .filter(|git_dir| git_dir.starts_with(self.checkout.repository.common_dir()))
            .ok_or("its repository is not inside the project's")?;
        let unreadable = |error: git2::Error| format!("its repository cannot be read ({})", error.message());
        let library = git2::Repository::open_bare(&git_dir).map_err(unreadable)?;
        let head = library.head().and_then(|head| head.peel_to_commit()).map(|head| head.id());
        match head {
            Ok(head) if head == commit => {}
            Ok(head) => return Err(format!("it is at {head} instead of {commit}")),
            Err(error) => return Err(unreadable(error)),
        }
        let tree = library.find_commit(commit).map(|commit| commit.tree_id()).map_err(unreadable)?;
        let tracked = Tracked::read(&library, tree);
        let tracked = tracked.map_err(|error| format!("its repository cannot be read ({error})"))?;
        Ok((library, git_dir, tracked))
    }

    /// Compares the files of one submodule. Returns the filled submodules inside it.
    fn compare(&self, module: &Module, found: &mut Inspected) -> Result<Vec<(RepoPath, Oid)>, GitError> {
        let file = self.table_file(&module.path);
        let mut table =
            Table::read(&file).filter(|table| table.of == module.commit.to_string()).unwrap_or_default();
        let root = self.checkout.folder.join(module.path.as_path());
        let looked_ns = self.clock()?;
        let kept = BTreeSet::new();
        let walk =
            Walk { root: &root, tracked: &module.tracked, kept: &kept, table: &table, trust: self.trust };
        let Survey { mut files, populated, strangers, .. } = walk.survey()?;
        for (path, entry) in &module.tracked.files {
            let expected = table.entries.get(path);
            let is_right = match (files.get(path), expected) {
                (Some(seen), Some(expected)) if is_same(expected, seen) => true,
                (Some(seen), _) => self.holds(module, *entry, &root.join(path.as_path()), seen)?,
                (None, _) => false,
            };
            if is_right {
                if let Some(seen) = files.remove(path) {
                    table.entries.insert(path.clone(), seen);
                }
            } else {
                let git_dir = module.git_dir.clone();
                let wrong = WrongFile { git_dir, entry: *entry, expected: expected.cloned() };
                found.wrong.insert(below(&module.path, path.as_bytes()), wrong);
            }
        }
        table.of = module.commit.to_string();
        table.looked_ns = looked_ns;
        table.write(&file).map_err(GitError::io(&file))?;
        found.strangers.extend(strangers.iter().map(|path| below(&module.path, path.as_bytes())));
        let inside = populated.iter().filter_map(|path| {
            Some((below(&module.path, path.as_bytes()), *module.tracked.submodules.get(path)?))
        });
        Ok(inside.collect())
    }

    /// Returns whether a file holds what git may have written for an entry: its bytes, its bytes with other
    /// line ends, or the file that it stands for in git LFS.
    fn holds(&self, module: &Module, entry: Entry, full: &Path, seen: &Seen) -> Result<bool, GitError> {
        if !self.conversion.allows(entry, &seen.stat) {
            return Ok(false);
        }
        if blob_of(full, seen.stat.kind)? == Some(entry.blob) {
            return Ok(true);
        }
        if seen.stat.kind != Kind::File {
            return Ok(false);
        }
        if let Some(blob) = blob_within(&module.library, entry.blob, POINTER_BYTES_MAX)
            && lfs_content(&blob) == Some(seen.content)
        {
            return Ok(true);
        }
        if seen.stat.size > TEXT_BYTES_MAX {
            return Ok(false);
        }
        let mut bytes = plain::read(full).map_err(GitError::io(full))?;
        let ends: Vec<bool> = bytes.windows(2).map(|pair| pair == b"\r\n").chain([false]).collect();
        let mut is_end = ends.into_iter();
        bytes.retain(|_| !is_end.next().unwrap_or(false));
        Ok(Oid::hash_object(ObjectType::Blob, &bytes)? == entry.blob)
    }

    /// Writes wrong files again, as they were when they were right.
    ///
    /// # Errors
    /// [`GitError::Submodule`] if nobody knows how git wrote one, else whatever the file system reports.
    pub(super) fn mend(&self, top: &RepoPath, wrong: &BTreeMap<RepoPath, WrongFile>) -> Result<(), GitError> {
        for (path, file) in wrong {
            let lost = || GitError::Submodule {
                path: top.to_string(),
                problem: format!("{path} differs and cannot be written again"),
            };
            let too_large = || GitError::Submodule {
                path: top.to_string(),
                problem: format!(
                    "{path} differs, and it is missing from the submodule's repository or larger than {} MiB, so \
                     Paddock does not write it again",
                    MENDED_BYTES_MAX >> 20
                ),
            };
            let library = git2::Repository::open_bare(&file.git_dir)?;
            let blob = blob_within(&library, file.entry.blob, MENDED_BYTES_MAX).ok_or_else(too_large)?;
            let expected = file.expected.as_ref().ok_or_else(lost)?;
            if <[u8; 32]>::from(Sha256::digest(blob.content())) != expected.content {
                return Err(lost());
            }
            free(self.checkout.folder, path)?;
            let full = self.checkout.folder.join(path.as_path());
            if let Some(folder) = full.parent() {
                fs::create_dir_all(folder).map_err(GitError::io(folder))?;
            }
            write_blob(&full, &blob, expected).map_err(GitError::io(&full))?;
        }
        Ok(())
    }

    fn table_file(&self, path: &RepoPath) -> PathBuf {
        let hash = Sha256::digest(path.as_bytes());
        let name: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.checkout.private.join(format!("submodule-{name}"))
    }

    fn clock(&self) -> Result<i128, GitError> {
        clock_of(self.checkout.folder).map_err(GitError::io(self.checkout.folder))
    }
}

/// A submodule whose commit could be read.
struct Module {
    path: RepoPath,
    commit: Oid,
    library: git2::Repository,
    git_dir: PathBuf,
    tracked: Tracked,
}

fn write_blob(full: &Path, blob: &Blob<'_>, expected: &Seen) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::PermissionsExt as _;
    if expected.stat.kind == Kind::Link {
        return std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(blob.content()), full);
    }
    fs::write(full, blob.content())?;
    fs::set_permissions(full, fs::Permissions::from_mode(expected.stat.mode))
}

/// Returns the repository that a submodule's `.git` file names.
fn git_dir_of(folder: &Path) -> Option<PathBuf> {
    let file = folder.join(".git");
    // A pipe would block, and an old-style `.git` folder is nothing that the set-up makes.
    fs::symlink_metadata(&file).ok().filter(fs::Metadata::is_file)?;
    let text = plain::read_to_string(&file).ok()?;
    fs::canonicalize(folder.join(text.strip_prefix("gitdir:")?.trim())).ok()
}

/// Returns the hash of the file that an LFS pointer stands for.
fn lfs_content(blob: &Blob<'_>) -> Option<[u8; 32]> {
    let text = std::str::from_utf8(blob.content()).ok()?;
    let hex = text.as_bytes().starts_with(LFS_POINTER).then(|| {
        text.lines().find_map(|line| line.strip_prefix("oid sha256:")).filter(|hex| hex.len() == 64)
    })??;
    let mut content = [0; 32];
    for (at, byte) in content.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(content)
}

/// Returns a hash of the files of a repository that can make git run something or skip files.
fn guard_of(git_dir: &Path) -> Result<String, GitError> {
    let mut files: BTreeMap<PathBuf, Option<Seen>> = BTreeMap::new();
    let mut due = vec![git_dir.to_owned()];
    while let Some(folder) = due.pop() {
        for entry in fs::read_dir(&folder).map_err(GitError::io(&folder))? {
            let entry = entry.map_err(GitError::io(&folder))?;
            let path = entry.path();
            if folder == git_dir && UNGUARDED.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                true => due.push(path),
                false => drop(files.insert(path.clone(), Seen::read(&path).map_err(GitError::io(&path))?)),
            }
        }
    }
    let mut hash = Sha256::new();
    for (path, seen) in files {
        hash.update(path.as_os_str().as_encoded_bytes());
        hash.update([0]);
        if let Some(seen) = seen {
            hash.update(seen.stat.mode.to_le_bytes());
            hash.update(seen.content);
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
