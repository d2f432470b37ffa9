//! The stash: one list for all worktrees of a repository, so that a session can take what the user put there,
//! and the user finds what a session put there.
//!
//! The list is the reflog of `refs/stash`. It is read and written as git does: under the locks of the ref and
//! of its reflog, the log first.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{Index, IndexEntry, Oid};
use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::kept_pack::keep_objects;
use super::objects::{blob_bytes, blob_within, changed_paths, is_gitlink, new_objects};
use super::refs::keep_ref;
use super::repository::{Repository, check_there, object_id, oid};
use super::salvage::{Salvage, SalvageOrder};
use super::snapshot::Snapshot;
use super::user_refs::{PINNED, read_plain};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::files::{Flush, create_private, mode_of, move_into_place, write_atomic};

/// The ref of the newest entry.
const STASH: &str = "refs/stash";
/// Largest reflog of the stash that is read, in bytes: tens of thousands of entries.
const LOG_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Refs that keep entries of the user that are gone from the list; `salvage list` shows them.
const KEPT: &str = "refs/paddock/kept/stash/";
/// Largest file that is compared by its lines, in bytes.
const COMPARED_BYTES_MAX: usize = 1024 * 1024;
/// Commits of a session whose trees are searched for an entry's files.
const COMMITS_MAX: usize = 200;

/// An entry of the stash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StashEntry {
    /// The commit that holds the stashed work.
    pub commit: ObjectId,
    /// Who stashed it and when, and the message, as the reflog has them after the two ids.
    pub line: String,
}

impl StashEntry {
    /// Returns the message, which names the branch: `On main: my wip`.
    #[must_use]
    pub fn message(&self) -> &str {
        self.line.split_once('\t').map_or("", |(_, message)| message)
    }
}

/// What a branch holds of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StashFound {
    /// Files that are as the entry has them.
    pub same: Vec<RepoPath>,
    /// These, and files that hold most of the lines that the entry adds: popped, and then changed.
    pub alike: Vec<RepoPath>,
    /// Number of the entry's files.
    pub files: usize,
}

/// A file of a stashed change.
type File = (RepoPath, Oid);

impl Repository {
    /// Returns the entries of the stash, oldest first.
    ///
    /// # Errors
    /// Fails if the refs cannot be read.
    pub fn stashes(&self) -> Result<Vec<StashEntry>, GitError> {
        // Without the ref git shows no entry, whatever the log holds.
        let newest = self.library()?.refname_to_id(STASH).ok();
        let Some(newest) = newest.map(object_id).transpose()? else {
            return check_there(self.common_dir()).map(|()| Vec::new());
        };
        let log = read_plain(&self.stash_log(), LOG_BYTES_MAX).unwrap_or_default();
        let mut found: Vec<StashEntry> = log.lines().filter_map(stash_entry).collect();
        // A log that was removed or emptied leaves the newest entry to the ref alone.
        if found.last().map(|last| &last.commit) != Some(&newest) {
            found.push(StashEntry { commit: newest, line: "Paddock <paddock> 0 +0000\tstash".to_owned() });
        }
        Ok(found)
    }

    fn stash_log(&self) -> PathBuf {
        self.common_dir().join("logs").join(STASH)
    }

    /// Replaces the stash's list by `wanted`, oldest first, if it still is `expected`. Returns whether it was.
    ///
    /// # Errors
    /// [`GitError::Locked`] if another process holds the stash's locks; else whatever the system reports.
    pub fn set_stashes(&self, expected: &[StashEntry], wanted: &[StashEntry]) -> Result<bool, GitError> {
        let (reference, log) = (self.common_dir().join(STASH), self.stash_log());
        for folder in [&reference, &log].into_iter().filter_map(|path| path.parent()) {
            fs::create_dir_all(folder).map_err(GitError::io(folder))?;
        }
        let ref_lock = Lock::take(&reference)?;
        let log_lock = Lock::take(&log)?;
        if self.stashes()? != expected {
            return Ok(false);
        }
        let Some(newest) = wanted.last() else {
            drop((ref_lock, log_lock));
            // Git removes the packed ref and the log as well. An entry that comes in between stays: the
            // deletion names the expected value.
            if let Some(newest) = expected.last() {
                self.delete_ref(STASH, &newest.commit)?;
            }
            return Ok(true);
        };
        let mut before = "0".repeat(newest.commit.as_str().len());
        let mut lines = String::new();
        for entry in wanted {
            lines.push_str(&format!("{before} {} {}\n", entry.commit.as_str(), entry.line));
            before = entry.commit.as_str().to_owned();
        }
        log_lock.put(&lines)?;
        ref_lock.put(&format!("{}\n", newest.commit.as_str()))?;
        Ok(true)
    }

    /// Keeps an entry while sessions run, so that `git gc` does not remove what one of them drops.
    ///
    /// # Errors
    /// Fails if the ref cannot be written.
    pub fn pin_stash(&self, entry: &StashEntry) -> Result<(), GitError> {
        keep_ref(&self.library()?, &format!("{PINNED}stash/{}", entry.commit.as_str()), &entry.commit)
    }

    /// Keeps an entry that is gone from the list for good. Returns the ref.
    ///
    /// # Errors
    /// Fails if the ref cannot be written.
    pub fn keep_stash(&self, entry: &StashEntry) -> Result<String, GitError> {
        let name = format!("{KEPT}{}", entry.commit.short());
        keep_ref(&self.library()?, &name, &entry.commit)?;
        Ok(name)
    }

    /// Returns the kept entries that are not in the list now: ref, commit and message.
    ///
    /// # Errors
    /// Fails if the refs cannot be read.
    pub fn kept_stashes(&self) -> Result<Vec<(String, ObjectId, String)>, GitError> {
        let (library, now) = (self.library()?, self.stashes()?);
        let mut found = Vec::new();
        for (name, commit) in self.refs_below(KEPT)? {
            if !now.iter().any(|entry| entry.commit == commit) {
                let message = library
                    .find_commit(oid(&commit)?)?
                    .summary()
                    .ok()
                    .flatten()
                    .unwrap_or_default()
                    .to_owned();
                found.push((name, commit, message));
            }
        }
        Ok(found)
    }

    /// Returns whether a session made the entry on this branch: the message names the branch, or the entry
    /// rests on a commit that only the branch has.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub fn is_stash_of(
        &self,
        entry: &StashEntry,
        branch: &str,
        head: &ObjectId,
        tip: &ObjectId,
    ) -> Result<bool, GitError> {
        let library = self.library()?;
        let names = |text: &str| {
            ["WIP on ", "On "].iter().any(|kind| {
                text.strip_prefix(kind)
                    .and_then(|rest| rest.strip_prefix(branch))
                    .is_some_and(|rest| rest.starts_with(':'))
            })
        };
        let Ok(commit) = library.find_commit(oid(&entry.commit)?) else { return Ok(false) };
        if names(entry.message()) || names(commit.summary().ok().flatten().unwrap_or_default()) {
            return Ok(true);
        }
        let Ok(base) = commit.parent_id(0) else { return Ok(false) };
        Ok(own_commits(&library, head, tip)?.contains(&base))
    }

    /// Returns which files of an entry the branch holds and the tip does not. The trees of the branch's
    /// commits are searched, and that of `other`.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub fn stash_in(
        &self,
        entry: &StashEntry,
        (head, tip): (&ObjectId, &ObjectId),
        other: Option<&ObjectId>,
    ) -> Result<StashFound, GitError> {
        let library = self.library()?;
        let files = stashed_files(&library, entry)?;
        let before = Snapshot::of_commit(&library, oid(tip)?)?;
        let mut commits = own_commits(&library, head, tip)?;
        commits.extend(other.map(oid).transpose()?);
        let (mut same, mut alike) = (BTreeSet::new(), BTreeSet::new());
        for id in commits {
            let tree = Snapshot::of_commit(&library, id)?;
            for (path, stashed) in &files {
                let at = |tree: &Snapshot<'_>| tree.entry(path).map(|(id, _)| id);
                let (old, new) = (at(&before), at(&tree));
                if new == old || alike.contains(path) && new != Some(*stashed) {
                    continue;
                }
                if new == Some(*stashed) {
                    same.insert(path.clone());
                    alike.insert(path.clone());
                } else if shares_lines(&library, old, *stashed, new) {
                    alike.insert(path.clone());
                }
            }
        }
        let (same, alike) = (same.into_iter().collect(), alike.into_iter().collect());
        Ok(StashFound { same, alike, files: files.len() })
    }

    /// Returns whether the user's own checkout holds files of an entry as the entry has them: the user popped
    /// it there.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub fn is_stash_in_checkout(&self, entry: &StashEntry) -> Result<bool, GitError> {
        let Some(folder) = self.main_worktree() else { return Ok(false) };
        let library = self.library()?;
        let is_there = |(path, blob): &File| {
            let file = folder.join(path.as_path());
            // A pipe in the file's place would be waited for.
            let is_plain = fs::symlink_metadata(&file)
                .is_ok_and(|facts| facts.is_file() && facts.len() <= super::salvage::FILE_BYTES_MAX);
            is_plain && Oid::hash_file(git2::ObjectType::Blob, &file).is_ok_and(|found| found == *blob)
        };
        let head = library.head().ok().and_then(|head| head.peel_to_commit().ok());
        let head = head.and_then(|head| Snapshot::of_commit(&library, head.id()).ok());
        let is_new = |(path, blob): &File| {
            head.as_ref().is_none_or(|tree| tree.entry(path).is_none_or(|(id, _)| id != *blob))
        };
        Ok(stashed_files(&library, entry)?.iter().any(|file| is_new(file) && is_there(file)))
    }

    /// Returns whether an entry was salvaged for an objective, after whichever of its sessions.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub fn is_stash_salvaged(&self, entry: &StashEntry, objective: &str) -> Result<bool, GitError> {
        let (library, stash) = (self.library()?, oid(&entry.commit)?);
        for (_, commit) in self.refs_below(&format!("refs/paddock/salvage/{objective}/"))? {
            if library.find_commit(oid(&commit)?)?.parent_ids().any(|parent| parent == stash) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes a salvage of an entry that a session stashed, untracked files included. Returns the salvage that
    /// exists already, if there is one.
    ///
    /// # Errors
    /// Fails if the repository cannot be read or written.
    pub fn salvage_stash(&self, entry: &StashEntry, order: &SalvageOrder) -> Result<Salvage, GitError> {
        let library = self.library()?;
        let stash = library.find_commit(oid(&entry.commit)?)?;
        let base = stash.parents().next();
        let tree = whole_tree(&library, &stash)?;
        let paths = changed_paths(&library, base.as_ref().map(git2::Commit::tree_id), Some(tree))?;
        let prefix = format!("refs/paddock/salvage/{}/{}-stash", order.objective, order.session);
        let done = |reference: String, commit: ObjectId| Salvage {
            reference,
            commit,
            paths: paths.iter().cloned().collect(),
            left: Vec::new(),
        };
        let earlier = self.refs_below(&prefix)?;
        for (name, commit) in &earlier {
            if library.find_commit(oid(commit)?)?.parent_ids().any(|parent| parent == stash.id()) {
                return Ok(done(name.clone(), commit.clone()));
            }
        }
        let signature = order.identity.signature(order.time_s)?;
        let message = format!(
            "Salvage what session {} of {} stashed\n\n{}\n",
            order.session,
            order.objective,
            entry.message()
        );
        // The entry itself is a parent, so that what was staged is kept as well.
        let parents: Vec<&git2::Commit<'_>> = base.iter().chain([&stash]).collect();
        let tree = library.find_tree(tree)?;
        let commit = object_id(library.commit(None, &signature, &signature, &message, &tree, &parents)?)?;
        let new = new_objects(&library, base.as_ref().map(git2::Commit::id), oid(&commit)?)?;
        keep_objects(self, &library, &new)?;
        let reference = format!("{prefix}{}", earlier.len() + 1);
        self.set_ref(&reference, None, &commit, "paddock: salvage")?;
        Ok(done(reference, commit))
    }
}

/// Parses a line of the reflog.
pub(crate) fn stash_entry(line: &str) -> Option<StashEntry> {
    let (_, rest) = line.split_once(' ')?;
    let (commit, line) = rest.split_once(' ')?;
    Some(StashEntry { commit: ObjectId::new(commit).ok()?, line: line.to_owned() })
}

/// Returns the commits of a branch that the tip does not have, newest first.
fn own_commits(library: &git2::Repository, head: &ObjectId, tip: &ObjectId) -> Result<Vec<Oid>, GitError> {
    let mut walk = library.revwalk()?;
    walk.push(oid(head)?)?;
    walk.hide(oid(tip)?)?;
    Ok(walk.take(COMMITS_MAX).collect::<Result<_, _>>()?)
}

/// Returns the files that an entry changes or adds, with their content.
fn stashed_files(library: &git2::Repository, entry: &StashEntry) -> Result<Vec<File>, GitError> {
    let Ok(stash) = library.find_commit(oid(&entry.commit)?) else { return Ok(Vec::new()) };
    let tree = whole_tree(library, &stash)?;
    let base = stash.parents().next().map(|base| base.tree_id());
    let paths = changed_paths(library, base, Some(tree))?;
    let tree = Snapshot::new(library, Some(tree));
    let file = |path: RepoPath| {
        let (blob, mode) = tree.entry(&path)?;
        let mode = u32::try_from(mode).ok()?;
        // An empty file says nothing about where it came from.
        let is_telling = !is_gitlink(mode) && blob_bytes(library, blob).is_some_and(|bytes| bytes > 0);
        is_telling.then_some((path, blob))
    };
    Ok(paths.into_iter().filter_map(file).collect())
}

/// Returns whether a file holds at least half of the lines that the stashed version adds to the old one.
fn shares_lines(library: &git2::Repository, old: Option<Oid>, stashed: Oid, new: Option<Oid>) -> bool {
    let text = |id: Option<Oid>| -> Option<String> {
        let blob = blob_within(library, id?, COMPARED_BYTES_MAX).filter(|blob| !blob.is_binary())?;
        String::from_utf8(blob.content().to_vec()).ok()
    };
    let (Some(stashed), Some(new)) = (text(Some(stashed)), text(new)) else { return false };
    let old = text(old).unwrap_or_default();
    let lines = |text: &str| -> BTreeSet<String> {
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    let (old, new) = (lines(&old), lines(&new));
    let added: Vec<String> = lines(&stashed).into_iter().filter(|line| !old.contains(line)).collect();
    let shared = added.iter().filter(|line| new.contains(*line)).count();
    !added.is_empty() && shared * 2 >= added.len()
}

/// Returns the tree of an entry with its untracked files, which git keeps as a third parent.
fn whole_tree(library: &git2::Repository, stash: &git2::Commit<'_>) -> Result<Oid, GitError> {
    let Some(untracked) = stash.parents().nth(2) else { return Ok(stash.tree_id()) };
    let mut index = Index::new()?;
    index.read_tree(&stash.tree()?)?;
    let mut other = Index::new()?;
    other.read_tree(&untracked.tree()?)?;
    let entries: Vec<IndexEntry> = other.iter().collect();
    for entry in entries {
        index.add(&entry)?;
    }
    Ok(index.write_tree_to(library)?)
}

/// A lock as git takes it: `NAME.lock` beside the file, which is written and then put in the file's place.
struct Lock {
    target: PathBuf,
    path: PathBuf,
    is_held: bool,
}

impl Lock {
    fn take(target: &Path) -> Result<Self, GitError> {
        let mut path = target.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        match create_private(&path) {
            Ok(_) => Ok(Self { target: target.to_owned(), path, is_held: true }),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(GitError::Locked(STASH.to_owned()))
            }
            Err(source) => Err(GitError::Io { path, source }),
        }
    }

    /// Writes the text and puts it in the file's place, which releases the lock.
    fn put(mut self, text: &str) -> Result<(), GitError> {
        // The file may be for others to read, in a repository that several users share.
        let mode = if self.target.exists() { mode_of(&self.target) } else { 0o644 };
        write_atomic(&self.path, text.as_bytes(), mode, Flush::Now).map_err(GitError::io(&self.path))?;
        move_into_place(&self.path, &self.target).map_err(GitError::io(&self.target))?;
        self.is_held = false;
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_held {
            // A lock that stays is named by the next git call.
            drop(fs::remove_file(&self.path));
        }
    }
}
