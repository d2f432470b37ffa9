//! Reading committed files without a checkout.

use std::path::Path;

use git2::Oid;

use super::error::GitError;
use super::repository::{Repository, object_id};
use paddock_model::ids::ObjectId;

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
            Ok(commit.tree()?.get_path(Path::new(path)).ok().map(|entry| entry.id()))
        };
        let content = |blob: Option<Oid>| {
            let blob = library.find_blob(blob?).ok().filter(|blob| blob.size() <= FILE_BYTES_MAX)?;
            Some(blob.content().to_vec())
        };
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
        let tree = found.peel_to_commit()?.tree()?;
        let Ok(entry) = tree.get_path(Path::new(path)) else { return Ok(None) };
        // A folder or a submodule of that name is no file.
        let Ok(blob) = library.find_blob(entry.id()) else { return Ok(None) };
        match blob.size() <= FILE_BYTES_MAX {
            true => Ok(Some(blob.content().to_vec())),
            false => Err(GitError::Unexpected(format!("{path} on {reference} is larger than 1 MiB"))),
        }
    }
}
