//! Records of the git configuration that can run programs, to compare with what a person agreed to.

use paddock_git::{GitError, Repository};
use paddock_model::facts::TrustRecord;

/// Name of the entry in a trust record that holds the hash of the commands in the repository's own file.
const AGREEMENT: &str = ".paddock/project.yaml (its commands)";

/// Reads the record of a repository: names and hashes of entries, never their values, which may be secret.
///
/// # Errors
/// Fails if the repository's configuration cannot be read.
pub fn read_trust(repository: &Repository) -> Result<TrustRecord, GitError> {
    Ok(TrustRecord { entries: repository.execution_config()?.entries.into_iter().collect() })
}

/// Returns the hash of the repository's commands that a trust record holds.
pub(super) fn agreed(trust: &TrustRecord) -> Option<&str> {
    trust.entries.iter().find(|(name, _)| name == AGREEMENT).map(|(_, hash)| hash.as_str())
}

/// Returns the record with this hash of the repository's commands, or without one if `agreement` is `None`.
#[must_use]
pub fn with_agreement(mut trust: TrustRecord, agreement: Option<&str>) -> TrustRecord {
    trust.entries.retain(|(name, _)| name != AGREEMENT);
    trust.entries.extend(agreement.map(|hash| (AGREEMENT.to_owned(), hash.to_owned())));
    trust
}
