//! Reading committed files without a checkout.

use git2::Oid;

use super::error::GitError;
use super::objects::{blob_bytes, blob_within};
use super::repository::{Repository, object_id};
use super::snapshot::Snapshot;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Maximum size of a file in bytes. These functions read configuration, which is small.
const FILE_BYTES_MAX: usize = 1 << 20;

/// A change of a file along the first parents of a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentChange {
    /// Commit that made the change.
    pub commit: ObjectId,
    /// Content before; `None` if the file did not exist or is too large.
    pub before: Option<Vec<u8>>,
    /// Content after; `None` if the file is gone or too large.
    pub after: Option<Vec<u8>>,
}

impl Repository {
    /// Returns the changes of a file in the last `most` first-parent commits of a ref, newest first.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub fn changes_of(
        &self,
        reference: &str,
        path: &str,
        most: usize,
    ) -> Result<Vec<ContentChange>, GitError> {
        let library = self.library()?;
        let at = |commit: &git2::Commit<'_>| -> Result<Option<Oid>, GitError> {
            Ok(Snapshot::new(&library, Some(commit.tree_id())).entry(&RepoPath::from(path)).map(|(id, _)| id))
        };
        let content =
            |blob: Option<Oid>| Some(blob_within(&library, blob?, FILE_BYTES_MAX)?.content().to_vec());
        let mut commit = library.find_reference(reference)?.peel_to_commit()?;
        let (mut found, mut after) = (Vec::new(), at(&commit)?);
        for _ in 0..most {
            let Ok(parent) = commit.parent(0) else { break };
            let before = at(&parent)?;
            if before != after {
                let (before, after) = (content(before), content(after));
                found.push(ContentChange { commit: object_id(commit.id())?, before, after });
            }
            (commit, after) = (parent, before);
        }
        Ok(found)
    }

    /// Returns the content of a file on a ref, or `None` if the ref or the file does not exist.
    ///
    /// # Errors
    /// Fails if the repository cannot be read, or if the file is larger than a mebibyte.
    pub fn file_of(&self, reference: &str, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let library = self.library()?;
        let Ok(found) = library.find_reference(reference) else { return Ok(None) };
        let tree = Snapshot::new(&library, Some(found.peel_to_commit()?.tree_id()));
        let Some((id, _)) = tree.entry(&RepoPath::from(path)) else { return Ok(None) };
        // A folder or a submodule of that name is no file.
        if blob_bytes(&library, id).is_none() {
            return Ok(None);
        }
        match blob_within(&library, id, FILE_BYTES_MAX) {
            Some(blob) => Ok(Some(blob.content().to_vec())),
            None => Err(GitError::Unexpected(format!("{path} on {reference} is larger than 1 MiB"))),
        }
    }
}
