//! Reading refs, comparing commits, and moving refs by compare-and-swap.
//!
//! Users, agents and their tools move refs while Paddock works. Every move therefore names the commit that
//! the ref must hold; a ref that somebody moved first is reported and left alone.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use git2::ErrorCode;
use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::obstacles::refuse_ref;
use super::program::{Call, program_error, stderr_tail};
use super::repository::{Repository, check_there, object_id, oid};
use paddock_model::ids::ObjectId;

pub use paddock_model::facts::Relation;
use paddock_os::plain;

/// Outcome of a compare-and-swap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CasOutcome {
    /// The ref was as expected; the change is on disk.
    Done,
    /// The ref was not as expected and was left alone.
    Modified {
        /// Commit that the ref holds; `None` if the ref does not exist.
        found: Option<ObjectId>,
    },
}

/// Number of attempts while another process holds a ref's lock: about two seconds with the growing pauses of
/// [`pause`].
const LOCK_ATTEMPTS_MAX: u32 = 60;

/// Time after which the lock of the packed refs counts as left by a killed process: as long as git itself
/// waits for it (`core.packedRefsTimeout`).
const PACKING_MAX: Duration = Duration::from_secs(1);

impl Repository {
    /// Returns the commit that a full ref name leads to, or `None` if the ref does not exist.
    ///
    /// # Errors
    /// Fails if the repository cannot be read, or if the ref leads to something other than a commit.
    pub fn commit_of(&self, reference: &str) -> Result<Option<ObjectId>, GitError> {
        commit_of(&self.library()?, reference)
    }

    /// Returns the refs whose names begin with `prefix`, with their commits. Skips refs that lead to no
    /// commit.
    ///
    /// # Errors
    /// Fails if the refs cannot be read.
    pub fn refs_below(&self, prefix: &str) -> Result<Vec<(String, ObjectId)>, GitError> {
        let library = self.library()?;
        let mut found = Vec::new();
        for reference in library.references_glob(&format!("{prefix}*"))? {
            let reference = reference?;
            if let (Ok(name), Ok(commit)) = (reference.name(), reference.peel_to_commit()) {
                found.push((name.to_owned(), object_id(commit.id())?));
            }
        }
        check_there(library.commondir())?;
        Ok(found)
    }

    /// Returns the tree of a commit.
    ///
    /// # Errors
    /// Fails if there is no such commit.
    pub fn tree_of(&self, commit: &ObjectId) -> Result<ObjectId, GitError> {
        object_id(self.library()?.find_commit(oid(commit)?)?.tree_id())
    }

    /// Returns how commit `a` is related to commit `b`.
    ///
    /// # Errors
    /// Fails if a commit is missing. A missing commit must never pass for "no relation": branches would look
    /// diverged.
    pub fn relation(&self, a: &ObjectId, b: &ObjectId) -> Result<Relation, GitError> {
        relation(&self.library()?, oid(a)?, oid(b)?)
    }

    /// Moves a ref from `expected` (`None`: the ref must not exist) to `new`, and flushes it to disk.
    ///
    /// # Errors
    /// [`GitError::Locked`] if another process keeps the ref locked, else whatever libgit2 reports.
    pub fn set_ref(
        &self,
        name: &str,
        expected: Option<&ObjectId>,
        new: &ObjectId,
        reflog_message: &str,
    ) -> Result<CasOutcome, GitError> {
        set_ref(&self.durable_library()?, name, expected, new, reflog_message)
    }

    /// Deletes a ref that still holds `expected`. A ref that is gone already is `Modified`.
    ///
    /// The git program deletes, not libgit2. Deleting a packed ref rewrites the file of all packed refs, and
    /// libgit2 reads that file before it locks it: while another process packs refs (`git gc`), libgit2 would
    /// put refs back to old values, the integration ref among them. The program in turn insists on the lock
    /// of the packed refs for every deletion. If another process keeps that lock, a ref that is not packed is
    /// deleted without it.
    ///
    /// # Errors
    /// As [`Self::set_ref`].
    pub fn delete_ref(&self, name: &str, expected: &ObjectId) -> Result<CasOutcome, GitError> {
        let library = self.durable_library()?;
        refuse_ref(library.commondir(), name)?;
        let (begun, expected) = (Instant::now(), oid(expected)?);
        for attempt in 0..LOCK_ATTEMPTS_MAX {
            if library.refname_to_id(name).ok() != Some(expected) {
                return cas_outcome(&library, name, false);
            }
            let delete = ["update-ref", "--no-deref", "-d", name, &expected.to_string()];
            let call = Call::new(self).durable().args(delete);
            // git's own waits would add up with this loop's; the loop also has to look whether the ref moved.
            let at_once =
                call.setting("core.packedRefsTimeout", "0").setting("core.filesRefLockTimeout", "0");
            let output = at_once.output()?;
            if output.status.success() {
                return Ok(CasOutcome::Done);
            }
            let message = stderr_tail(&output);
            // git reports a lock only in its message, which names the lock file in quotes.
            if message.contains("packed-refs.lock'") && begun.elapsed() >= PACKING_MAX {
                return delete_loose(&library, name, expected);
            }
            // If the ref moved between the check above and git's lock, the next round reports what it holds.
            let is_as_it_was = library.refname_to_id(name).ok() == Some(expected);
            if is_as_it_was && !message.contains(".lock'") {
                return Err(program_error(delete.join(" "), &output));
            }
            thread::sleep(pause(attempt));
        }
        Err(GitError::Locked(name.to_owned()))
    }
}

/// Deletes a ref that is stored in its own file alone. If another process packs refs after all, the ref may
/// come back at the same commit; no other ref changes.
fn delete_loose(library: &git2::Repository, name: &str, expected: git2::Oid) -> Result<CasOutcome, GitError> {
    let deleted = match library.find_reference(name) {
        Ok(mut found) if found.target() == Some(expected) => found.delete().map(|()| true),
        Ok(_) => Ok(false),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
        Err(error) => Err(error),
    };
    match deleted {
        Err(error) if error.code() == ErrorCode::Locked => Err(GitError::Locked(name.to_owned())),
        deleted => cas_outcome(library, name, deleted?),
    }
}

pub(crate) fn commit_of(library: &git2::Repository, reference: &str) -> Result<Option<ObjectId>, GitError> {
    refuse_ref(library.commondir(), reference)?;
    match library.find_reference(reference).and_then(|found| found.peel_to_commit()) {
        Ok(commit) => object_id(commit.id()).map(Some),
        Err(error) if error.code() == ErrorCode::NotFound && is_absent(library, reference) => {
            check_there(library.commondir()).map(|()| None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Tells a ref that does not exist from one that leads to a missing object: libgit2 reports both as not
/// found.
fn is_absent(library: &git2::Repository, reference: &str) -> bool {
    library.refname_to_id(reference).is_err_and(|error| error.code() == ErrorCode::NotFound)
}

pub(crate) fn relation(library: &git2::Repository, a: git2::Oid, b: git2::Oid) -> Result<Relation, GitError> {
    // libgit2's search for a common ancestor reports a missing commit as "not found", as it does unrelated
    // histories.
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

/// Moves a ref through an open library, whose configuration decides whether the ref is flushed.
pub(crate) fn set_ref(
    library: &git2::Repository,
    name: &str,
    expected: Option<&ObjectId>,
    new: &ObjectId,
    message: &str,
) -> Result<CasOutcome, GitError> {
    refuse_ref(library.commondir(), name)?;
    let new = oid(new)?;
    // libgit2 takes an id of zeros for "must not exist" and checks it under the ref's lock.
    let must_be_absent = expected.is_none();
    let expected = expected.map_or_else(|| Ok(git2::Oid::ZERO_SHA1), oid)?;
    let done = retry_locked(name, || match library.reference_matching(name, new, true, expected, message) {
        Ok(_) => Ok(true),
        Err(error) => match error.code() {
            // All three mean that the ref is not as expected: moved, made, or deleted meanwhile.
            ErrorCode::Modified | ErrorCode::Exists | ErrorCode::NotFound => Ok(false),
            ErrorCode::Locked => Err(error),
            _ => moved_despite_error(library, name, new).then_some(true).ok_or(error),
        },
    })?;
    // libgit2 says "exists" although the ref does not: its name is a folder of other refs, or lies below
    // another ref.
    if !done && must_be_absent && library.refname_to_id(name).is_err() {
        return Err(GitError::Unexpected(format!(
            "{name} cannot be created: another ref has the name of one of its folders, or lies below it; \
             rename that ref"
        )));
    }
    cas_outcome(library, name, done)
}

/// Returns whether a ref holds `new` on disk although libgit2 reported an error. libgit2 puts the ref in
/// place before it flushes the folder. If that flush fails, the ref has moved, and this function flushes it
/// again. A ref that moved and cannot be flushed stays an error, because its move may not survive a power
/// loss.
fn moved_despite_error(library: &git2::Repository, name: &str, new: git2::Oid) -> bool {
    library.refname_to_id(name).is_ok_and(|found| found == new) && flush_ref(library, name).is_ok()
}

/// Flushes the file of a loose ref and the folders that lead to it.
fn flush_ref(library: &git2::Repository, name: &str) -> io::Result<()> {
    let root = library.commondir();
    let file = root.join(name);
    let places = file.ancestors().take_while(|place| place.starts_with(root));
    for place in places {
        match plain::open(place) {
            Ok(open) => open.sync_all()?,
            // Another process packed the ref meanwhile, and packing flushes.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Points one of Paddock's own refs to a commit, whatever it held before. Not flushed: the ref survives the
/// death of the process, and only landings and publications have to survive a power loss.
pub(crate) fn keep_ref(library: &git2::Repository, name: &str, commit: &ObjectId) -> Result<(), GitError> {
    refuse_ref(library.commondir(), name)?;
    let commit = oid(commit)?;
    // Saves the lock and the write on every repetition.
    if library.refname_to_id(name).is_ok_and(|found| found == commit) {
        return Ok(());
    }
    retry_locked(name, || library.reference(name, commit, true, "paddock: keep").map(|_| ()))
}

/// Returns the outcome of a compare-and-swap: if it was not done, with the commit that the ref holds now.
fn cas_outcome(library: &git2::Repository, name: &str, done: bool) -> Result<CasOutcome, GitError> {
    match done {
        true => Ok(CasOutcome::Done),
        false => {
            Ok(CasOutcome::Modified { found: library.refname_to_id(name).ok().map(object_id).transpose()? })
        }
    }
}

/// Repeats an operation while another process holds the lock, with growing pauses.
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

/// Returns the pause after a failed attempt: at most 1 ms after the first, 64 ms later. Half of it is random,
/// so that processes that met at a lock do not meet again.
fn pause(attempt: u32) -> Duration {
    let mut random = [0_u8; 2];
    let jitter = getrandom::fill(&mut random).map_or(0, |()| u64::from(u16::from_le_bytes(random)));
    let ceiling_us = (1_000_u64 << attempt.min(6)).min(64_000);
    Duration::from_micros(ceiling_us / 2 + jitter % (ceiling_us / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_of_a_repository_that_is_moved_away_does_not_count_as_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let (root, away) = (folder.path().join("repo"), folder.path().join("away"));
        let library = git2::Repository::init(&root).unwrap();
        assert_eq!(commit_of(&library, "refs/heads/none").unwrap(), None);
        std::fs::rename(&root, &away).unwrap();
        assert!(commit_of(&library, "refs/heads/none").is_err());
    }
}
