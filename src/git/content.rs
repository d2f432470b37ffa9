//! Reading a file as it is committed, without any checkout.

use std::path::Path;

use super::error::GitError;
use super::repository::Repository;

/// Larger files are not what this is for: it reads configuration.
const FILE_BYTES_MAX: usize = 1 << 20;

impl Repository {
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
