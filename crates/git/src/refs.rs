//! Reading refs, comparing commits, and moving refs by compare-and-swap.

use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use git2::ErrorCode;
use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::program::{Call, refused, said};
use super::repository::{Repository, object_id, oid};
use paddock_model::ids::ObjectId;

pub use paddock_model::facts::Relation;

/// What became of a compare-and-swap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CasOutcome {
    /// The ref was as expected and is now as ordered, on disk.
    Done,
    /// The ref was something else and was left alone.
    Modified {
        /// What it is; nothing when it is absent.
        found: Option<ObjectId>,
    },
}

/// Bounds the wait for other processes' locks: about two seconds with the growing pauses below.
const LOCK_ATTEMPTS_MAX: u32 = 60;

/// How long somebody else may be packing refs before the lock is taken for one that a killed process has left: as
/// long as git itself waits (`core.packedRefsTimeout`).
const PACKING_MAX: Duration = Duration::from_secs(1);

impl Repository {
    /// The commit that a full ref name leads to; nothing when the ref does not exist.
    ///
    /// # Errors
    /// When the repository cannot be read or the ref leads to something that is no commit.
    pub fn commit_of(&self, reference: &str) -> Result<Option<ObjectId>, GitError> {
        commit_of(&self.library()?, reference)
    }

    /// The refs whose names begin so, with their commits.
    ///
    /// # Errors
    /// When the refs cannot be read.
    pub fn refs_below(&self, prefix: &str) -> Result<Vec<(String, ObjectId)>, GitError> {
        let library = self.library()?;
        let mut found = Vec::new();
        for reference in library.references_glob(&format!("{prefix}*"))? {
            let reference = reference?;
            if let (Ok(name), Ok(commit)) = (reference.name(), reference.peel_to_commit()) {
                found.push((name.to_owned(), object_id(commit.id())?));
            }
        }
        Ok(found)
    }

    /// The tree of a commit.
    ///
    /// # Errors
    /// When there is no such commit.
    pub fn tree_of(&self, commit: &ObjectId) -> Result<ObjectId, GitError> {
        object_id(self.library()?.find_commit(oid(commit)?)?.tree_id())
    }

    /// How commit `a` lies to commit `b`.
    ///
    /// # Errors
    /// When a commit is missing: that is never answered with "no relation".
    pub fn relation(&self, a: &ObjectId, b: &ObjectId) -> Result<Relation, GitError> {
        relation(&self.library()?, oid(a)?, oid(b)?)
    }

    /// Moves a ref from `expected` (nothing: it must not exist) to `new`, flushed to disk.
    ///
    /// # Errors
    /// [`GitError::Locked`] when another process keeps the ref locked; whatever libgit2 refuses.
    pub fn set_ref(
        &self,
        name: &str,
        expected: Option<&ObjectId>,
        new: &ObjectId,
        reflog_message: &str,
    ) -> Result<CasOutcome, GitError> {
        set_ref(&self.durable_library()?, name, expected, new, reflog_message)
    }

    /// Deletes a ref that is still what is expected. One that is gone already is `Modified`.
    ///
    /// The git program does it: whoever deletes a packed ref writes the file of all packed refs anew, and libgit2
    /// reads that file before it locks it. While somebody else packs (`git gc`), it would so put refs back to what
    /// they were, the integration ref among them. The program wants the lock of that file for every ref, though:
    /// where somebody keeps it, a ref that is not in the file is deleted without it.
    ///
    /// # Errors
    /// As [`Self::set_ref`].
    pub fn delete_ref(&self, name: &str, expected: &ObjectId) -> Result<CasOutcome, GitError> {
        let library = self.durable_library()?;
        let (begun, expected) = (Instant::now(), oid(expected)?);
        for attempt in 0..LOCK_ATTEMPTS_MAX {
            if library.refname_to_id(name).ok() != Some(expected) {
                return outcome(&library, name, false);
            }
            let delete = ["update-ref", "--no-deref", "-d", name, &expected.to_string()];
            let call = Call::new(self).durable().args(delete);
            let at_once =
                call.setting("core.packedRefsTimeout", "0").setting("core.filesRefLockTimeout", "0");
            let output = at_once.output()?;
            if output.status.success() {
                return Ok(CasOutcome::Done);
            }
            let said = said(&output);
            if said.contains("packed-refs.lock'") && begun.elapsed() >= PACKING_MAX {
                return delete_loose(&library, name, expected);
            }
            // Between the look and the lock it may have moved, which the next look finds.
            let is_as_it_was = library.refname_to_id(name).ok() == Some(expected);
            if is_as_it_was && !said.contains(".lock'") {
                return Err(refused(delete.join(" "), &output));
            }
            thread::sleep(pause(attempt));
        }
        Err(GitError::Locked(name.to_owned()))
    }
}

/// Deletes a ref that is in no other file than its own. Should somebody be packing all the same, it may be back at
/// the same commit afterwards; nothing else changes.
fn delete_loose(library: &git2::Repository, name: &str, expected: git2::Oid) -> Result<CasOutcome, GitError> {
    let deleted = match library.find_reference(name) {
        Ok(mut found) if found.target() == Some(expected) => found.delete().map(|()| true),
        Ok(_) => Ok(false),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
        Err(error) => Err(error),
    };
    match deleted {
        Err(error) if error.code() == ErrorCode::Locked => Err(GitError::Locked(name.to_owned())),
        deleted => outcome(library, name, deleted?),
    }
}

pub(crate) fn commit_of(library: &git2::Repository, reference: &str) -> Result<Option<ObjectId>, GitError> {
    match library.find_reference(reference).and_then(|found| found.peel_to_commit()) {
        Ok(commit) => object_id(commit.id()).map(Some),
        Err(error) if error.code() == ErrorCode::NotFound && absent(library, reference) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Tells an absent ref from one that leads to a missing object.
fn absent(library: &git2::Repository, reference: &str) -> bool {
    library.refname_to_id(reference).is_err_and(|error| error.code() == ErrorCode::NotFound)
}

pub(crate) fn relation(library: &git2::Repository, a: git2::Oid, b: git2::Oid) -> Result<Relation, GitError> {
    library.find_commit(a)?;
    library.find_commit(b)?;
    if a == b {
        return Ok(Relation::Same);
    }
    let base = match library.merge_base(a, b) {
        Ok(base) => base,
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(Relation::Diverged),
        Err(error) => return Err(error.into()),
    };
    Ok(match base {
        _ if base == a => Relation::Ancestor,
        _ if base == b => Relation::Descendant,
        _ => Relation::Diverged,
    })
}

/// Moves a ref through an opened library, which decides whether it is flushed.
pub(crate) fn set_ref(
    library: &git2::Repository,
    name: &str,
    expected: Option<&ObjectId>,
    new: &ObjectId,
    message: &str,
) -> Result<CasOutcome, GitError> {
    let new = oid(new)?;
    // To libgit2 an id of zeros means "must not exist", checked under the ref's lock.
    let must_be_absent = expected.is_none();
    let expected = expected.map_or_else(|| Ok(git2::Oid::ZERO_SHA1), oid)?;
    let done = retry_locked(name, || match library.reference_matching(name, new, true, expected, message) {
        Ok(_) => Ok(true),
        Err(error) => match error.code() {
            ErrorCode::Modified | ErrorCode::Exists | ErrorCode::NotFound => Ok(false),
            ErrorCode::Locked => Err(error),
            _ => has_moved_all_the_same(library, name, new).then_some(true).ok_or(error),
        },
    })?;
    if !done && must_be_absent && library.refname_to_id(name).is_err() {
        return Err(GitError::Unexpected(format!(
            "{name} cannot be made: a ref of a longer or shorter name"
        )));
    }
    outcome(library, name, done)
}

/// Whether a ref is where it was to go although an error was reported. libgit2 puts the ref in place before it
/// flushes the folder: when that fails the ref has moved, and is flushed here once more. A ref that moved and
/// cannot be flushed stays an error, as its move may not outlive a power loss.
fn has_moved_all_the_same(library: &git2::Repository, name: &str, new: git2::Oid) -> bool {
    library.refname_to_id(name).is_ok_and(|found| found == new) && flush_ref(library, name).is_ok()
}

/// Flushes a loose ref's file and the folders that lead to it.
fn flush_ref(library: &git2::Repository, name: &str) -> io::Result<()> {
    let root = library.commondir();
    let file = root.join(name);
    let places = file.ancestors().take_while(|place| place.starts_with(root));
    for place in places {
        match fs::File::open(place) {
            Ok(open) => open.sync_all()?,
            // Packed meanwhile: whoever packs refs flushes them.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes a ref of Paddock's own point to a commit, whatever it was, without flushing.
pub(crate) fn keep_ref(library: &git2::Repository, name: &str, commit: &ObjectId) -> Result<(), GitError> {
    let commit = oid(commit)?;
    if library.refname_to_id(name).is_ok_and(|found| found == commit) {
        return Ok(());
    }
    retry_locked(name, || library.reference(name, commit, true, "paddock: keep").map(|_| ()))
}

fn outcome(library: &git2::Repository, name: &str, done: bool) -> Result<CasOutcome, GitError> {
    match done {
        true => Ok(CasOutcome::Done),
        false => {
            Ok(CasOutcome::Modified { found: library.refname_to_id(name).ok().map(object_id).transpose()? })
        }
    }
}

/// Repeats an act while another process holds the lock, with growing pauses that differ between processes.
pub(crate) fn retry_locked<T>(
    name: &str,
    mut act: impl FnMut() -> Result<T, git2::Error>,
) -> Result<T, GitError> {
    for attempt in 0..LOCK_ATTEMPTS_MAX {
        match act() {
            Err(error) if error.code() == ErrorCode::Locked => thread::sleep(pause(attempt)),
            other => return Ok(other?),
        }
    }
    Err(GitError::Locked(name.to_owned()))
}

fn pause(attempt: u32) -> Duration {
    let mut random = [0_u8; 2];
    let jitter = getrandom::fill(&mut random).map_or(0, |()| u64::from(u16::from_le_bytes(random)));
    let ceiling_us = (1_000_u64 << attempt.min(6)).min(64_000);
    Duration::from_micros(ceiling_us / 2 + jitter % (ceiling_us / 2))
}
