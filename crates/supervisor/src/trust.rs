//! The git configuration that can run programs, compared with what a person agreed to.

use std::collections::{BTreeMap, BTreeSet};

use paddock_git::{GitError, Judged, Listed, Repository, judge};
use paddock_model::facts::{TrustFound, TrustRecord};
use paddock_model::ids::ObjectId;

/// Name of the entry in a trust record that holds the hash of the commands in the repository's own file.
pub const AGREEMENT: &str = ".paddock/project.yaml (its commands)";

/// Names of switched-off entries that are recorded, at most: they are part of the project's row in the
/// database.
const OFF_MAX: usize = 100;
/// Characters of such a name that are recorded, at most.
const NAME_CHARS_MAX: usize = 200;

/// Reads the record of a repository: names and hashes of entries, never their values, which may be secret.
///
/// # Errors
/// Fails if the repository's configuration cannot be read.
pub fn read_trust(repository: &Repository) -> Result<TrustRecord, GitError> {
    Ok(TrustRecord { entries: repository.execution_config()?.entries.into_iter().collect() })
}

/// Returns the hash of the repository's commands that a trust record holds.
#[must_use]
pub fn agreed(trust: &TrustRecord) -> Option<&str> {
    trust.entries.iter().find(|(name, _)| name == AGREEMENT).map(|(_, hash)| hash.as_str())
}

/// Returns the record with this hash of the repository's commands, or without one if `agreement` is `None`.
#[must_use]
pub fn with_agreement(mut trust: TrustRecord, agreement: Option<&str>) -> TrustRecord {
    trust.entries.retain(|(name, _)| name != AGREEMENT);
    trust.entries.extend(agreement.map(|hash| (AGREEMENT.to_owned(), hash.to_owned())));
    trust
}

/// Returns the programs that the repository's own configuration brings along and Paddock's git would run.
#[must_use]
pub fn programs_of_the_repository(entries: &[Listed]) -> Vec<&Listed> {
    entries.iter().filter(|entry| entry.is_a_program_of_the_repository()).collect()
}

/// Leaves the programs of the repository's own configuration out of what is agreed to.
#[must_use]
pub fn without_programs(mut trust: TrustRecord, entries: &[Listed]) -> TrustRecord {
    let left_out: BTreeSet<&str> =
        programs_of_the_repository(entries).into_iter().map(|entry| entry.name.as_str()).collect();
    trust.entries.retain(|(name, _)| !left_out.contains(name.as_str()));
    trust
}

/// Compares the configuration of a repository with what is agreed to.
///
/// # Errors
/// Fails if the configuration cannot be read.
pub fn judged(repository: &Repository, trust: &TrustRecord) -> Result<Judged, GitError> {
    let agreed: BTreeMap<String, String> =
        trust.entries.iter().filter(|(name, _)| name != AGREEMENT).cloned().collect();
    Ok(judge(&agreed, &repository.execution_config()?.entries))
}

/// Compares the configuration of a repository with what is agreed to, for work that uses some commits.
///
/// # Errors
/// Fails if the configuration cannot be read.
pub(super) fn found<'c>(
    repository: &Repository,
    trust: &TrustRecord,
    signs: bool,
    commits: impl Iterator<Item = &'c ObjectId>,
) -> Result<TrustFound, GitError> {
    let Judged { mut off, held: mut needed, signing, push: _ } = judged(repository, trust)?;
    if signs {
        needed.extend(signing);
    }
    for found in repository.needed(commits)? {
        let text = format!("{} for {}", found.attribute, found.path);
        if !needed.contains(&text) {
            needed.push(text);
        }
    }
    let more = off.len().saturating_sub(OFF_MAX);
    off.truncate(OFF_MAX);
    let mut off: Vec<String> =
        off.into_iter().map(|name| name.chars().take(NAME_CHARS_MAX).collect()).collect();
    if more > 0 {
        off.push(format!("{more} more"));
    }
    Ok(TrustFound { before: trust.clone(), needed, off })
}
