//! The configuration that can run programs, as a record to compare.

use paddock_git::{GitError, Repository};
use paddock_model::facts::TrustRecord;

/// The name under which a trust record holds the hash of the commands that the repository's own file gives.
const AGREEMENT: &str = ".paddock/project.yaml (its commands)";

/// Reads it: names and hashes, never values.
///
/// # Errors
/// When the repository's own files cannot be read.
pub fn read_trust(repository: &Repository) -> Result<TrustRecord, GitError> {
    Ok(TrustRecord { entries: repository.execution_config()?.entries.into_iter().collect() })
}

/// The agreed hash in a trust record.
pub(super) fn agreed(trust: &TrustRecord) -> Option<&str> {
    trust.entries.iter().find(|(name, _)| name == AGREEMENT).map(|(_, hash)| hash.as_str())
}

/// The record with the hash of the repository's commands, as `project add` and `project trust` keep it.
#[must_use]
pub fn with_agreement(mut trust: TrustRecord, agreement: Option<&str>) -> TrustRecord {
    trust.entries.retain(|(name, _)| name != AGREEMENT);
    trust.entries.extend(agreement.map(|hash| (AGREEMENT.to_owned(), hash.to_owned())));
    trust
}
