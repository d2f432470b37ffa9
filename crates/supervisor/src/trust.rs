//! The configuration that can run programs, as a record to compare.

use paddock_git::{GitError, Repository};
use paddock_model::facts::TrustRecord;

/// Reads it: names and hashes, never values.
///
/// # Errors
/// When the repository's own files cannot be read.
pub fn read_trust(repository: &Repository) -> Result<TrustRecord, GitError> {
    Ok(TrustRecord { entries: repository.execution_config()?.entries.into_iter().collect() })
}
