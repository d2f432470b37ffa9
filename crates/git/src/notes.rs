//! Proofs of landings as git notes.

use std::sync::PoisonError;

use git2::ErrorCode;

use super::candidate::Identity;
use super::error::GitError;
use super::kept_pack::keep_objects;
use super::objects::made_objects;
use super::refs::retry_locked;
use super::repository::{Repository, oid};
use super::worktree::lock_of;
use paddock_model::ids::ObjectId;

/// Times that a note is written before its writer gives up.
const TRIES_MAX: u32 = 4;
/// Ref of the notes that hold the proofs.
pub(crate) const NOTES_REF: &str = "refs/notes/paddock";

impl Repository {
    /// Writes the note of a commit; replaces an earlier one. Not flushed, because the note can be written
    /// again from the database.
    ///
    /// # Errors
    /// Fails if the commit is missing or the notes cannot be written.
    pub fn write_note(
        &self,
        commit: &ObjectId,
        text: &str,
        identity: &Identity,
        time_s: i64,
    ) -> Result<(), GitError> {
        // Parallel writers would build on the same older tree of notes, and one of them would fail or lose
        // its note.
        let lock = lock_of(self.common_dir());
        let _one_at_a_time = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let (library, signature) = (self.library()?, identity.signature(time_s)?);
        let commit = oid(commit)?;
        for _ in 0..TRIES_MAX {
            let before = library.refname_to_id(NOTES_REF).ok();
            retry_locked(NOTES_REF, || {
                library.note(&signature, &signature, Some(NOTES_REF), commit, text, true).map(|_| ())
            })?;
            match keep_note(self, &library, before) {
                // A collection by the user has removed a part of what libgit2 had just written.
                Err(GitError::Library(error)) if error.code() == ErrorCode::NotFound => {
                    put_back(&library, before)?;
                }
                kept => return kept,
            }
        }
        Err(GitError::Unexpected(
            "the notes vanish as they are written: does `git gc` run in a loop?".to_owned(),
        ))
    }

    /// Returns the note of a commit, if it has one.
    ///
    /// # Errors
    /// Fails if the notes cannot be read.
    pub fn note_of(&self, commit: &ObjectId) -> Result<Option<String>, GitError> {
        match self.library()?.find_note(Some(NOTES_REF), oid(commit)?) {
            Ok(note) => Ok(Some(String::from_utf8_lossy(note.message_bytes()).into_owned())),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Keeps what a note consists of from a collection that runs now.
fn keep_note(
    repository: &Repository,
    library: &git2::Repository,
    before: Option<git2::Oid>,
) -> Result<(), GitError> {
    let Some(tip) = library.refname_to_id(NOTES_REF).ok().filter(|tip| Some(*tip) != before) else {
        return Ok(());
    };
    let known: Vec<git2::Oid> = before.into_iter().collect();
    keep_objects(repository, library, &made_objects(library, &known, tip)?)
}

/// Moves the notes back to where they were.
fn put_back(library: &git2::Repository, before: Option<git2::Oid>) -> Result<(), GitError> {
    match before {
        Some(before) => drop(library.reference(NOTES_REF, before, true, "paddock: write a note again")?),
        None => library.find_reference(NOTES_REF)?.delete()?,
    }
    Ok(())
}
