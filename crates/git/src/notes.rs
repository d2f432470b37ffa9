//! Proofs as git notes, and lists of Paddock's own refs.

use std::sync::PoisonError;

use git2::ErrorCode;

use super::candidate::Identity;
use super::error::GitError;
use super::refs::retry_locked;
use super::repository::{Repository, oid};
use super::worktree::lock_of;
use paddock_model::ids::ObjectId;

/// The notes that hold the proofs of landings.
pub(crate) const NOTES_REF: &str = "refs/notes/paddock";

impl Repository {
    /// Writes the note of a commit, in place of an earlier one. Not flushed: the database can write it anew.
    ///
    /// # Errors
    /// When the commit is missing or the notes cannot be written.
    pub fn write_note(
        &self,
        commit: &ObjectId,
        text: &str,
        identity: &Identity,
        time_s: i64,
    ) -> Result<(), GitError> {
        let lock = lock_of(self.common_dir());
        let _one_at_a_time = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let (library, signature) = (self.library()?, identity.signature(time_s)?);
        let commit = oid(commit)?;
        retry_locked(NOTES_REF, || {
            library.note(&signature, &signature, Some(NOTES_REF), commit, text, true).map(|_| ())
        })
    }

    /// The note of a commit, if there is one.
    ///
    /// # Errors
    /// When the notes cannot be read.
    pub fn note_of(&self, commit: &ObjectId) -> Result<Option<String>, GitError> {
        match self.library()?.find_note(Some(NOTES_REF), oid(commit)?) {
            Ok(note) => Ok(Some(String::from_utf8_lossy(note.message_bytes()).into_owned())),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
