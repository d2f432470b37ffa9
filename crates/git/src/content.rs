//! Reading a file as it is committed, without any checkout.

use std::path::Path;

use git2::Oid;

use super::error::GitError;
use super::repository::{Repository, object_id};
use paddock_model::ids::ObjectId;

/// Larger files are not what this is for: it reads configuration.
const FILE_BYTES_MAX: usize = 1 << 20;

/// A change of a file on the way of first parents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentChange {
    /// The commit that made it.
    pub commit: ObjectId,
    /// The content before; none when it was not there, or is too large.
    pub before: Option<Vec<u8>>,
    /// The content since.
    pub after: Option<Vec<u8>>,
}

impl Repository {
    /// The changes of a file in the last so many first-parent commits of a ref, newest first.
    ///
    /// # Errors
    /// When the repository cannot be read.
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

    /// The content of a file on a ref; nothing when the ref or the file is absent.
    ///
    /// # Errors
    /// When the repository cannot be read, or the file is over a mebibyte.
    pub fn file_of(&self, reference: &str, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let library = self.library()?;
        let Ok(found) = library.find_reference(reference) else { return Ok(None) };
        let tree = found.peel_to_commit()?.tree()?;
        let Ok(entry) = tree.get_path(Path::new(path)) else { return Ok(None) };
        let Ok(blob) = library.find_blob(entry.id()) else { return Ok(None) };
        match blob.size() <= FILE_BYTES_MAX {
            true => Ok(Some(blob.content().to_vec())),
            false => Err(GitError::Unexpected(format!("{path} on {reference} is over 1 MiB"))),
        }
    }
}
