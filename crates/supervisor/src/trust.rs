//! The configuration that can run programs, as a record to compare.

use crate::domain::facts::TrustRecord;
use crate::git::{GitError, Repository};

/// Reads it: names and hashes, never values.
///
/// # Errors
/// When the repository's own files cannot be read.
pub fn read_trust(repository: &Repository) -> Result<TrustRecord, GitError> {
    Ok(TrustRecord { entries: repository.execution_config()?.entries.into_iter().collect() })
}
