//! Inspection of a repository for `project add`, `project trust` and `config validate`.

use std::path::Path;

use super::error::CliError;
use paddock_config::error::nearest;
use paddock_git::{Listed, Repository, program};
use paddock_model::facts::RepositoryFacts;
use paddock_supervisor::read_trust;

/// File in the repository that gives the shared part of the project's settings.
const OWN_FILE: &str = ".paddock/project.yaml";

/// Maximum number of branches that an error message lists.
const BRANCHES_NAMED_MAX: usize = 8;

/// Facts about a repository and one target branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProjectFacts {
    /// Facts that are recorded when the project is registered.
    pub facts: RepositoryFacts,
    /// Branch that work is published to; empty if HEAD is detached and no branch was named.
    pub target_branch: String,
    /// `.paddock/project.yaml` as committed on that branch, if it exists there.
    pub own_file: Option<Vec<u8>>,
    /// The git configuration of every level that can run programs.
    pub configured: Vec<Listed>,
    /// Whether a person agreed to the programs that the repository's own configuration names.
    pub agrees_to_programs: bool,
}

/// Inspects the repository at `path` and `target_branch`, or the branch of its HEAD if none is named.
///
/// Fails if the repository cannot be used, or if no branch is named and HEAD is detached.
pub(super) fn inspect(path: &Path, target_branch: Option<&str>) -> Result<ProjectFacts, CliError> {
    let found = inspect_any(path, target_branch)?;
    match found.target_branch.is_empty() {
        true => Err(CliError::DetachedHead(path.to_owned())),
        false => Ok(found),
    }
}

/// Inspects a repository as [`inspect`] does, but accepts a detached HEAD: the target branch is then empty.
pub(super) fn inspect_any(path: &Path, target_branch: Option<&str>) -> Result<ProjectFacts, CliError> {
    program::check_version()?;
    let repository = Repository::open(path)?;
    let found = repository.facts()?;
    // Git cannot hold both a branch `paddock` and branches `paddock/…`: a ref is a file or a folder.
    if found.has_paddock_branch {
        return Err(CliError::BranchInTheWay(path.to_owned()));
    }
    let target_branch = target_branch.map(str::to_owned).or(found.head_branch).unwrap_or_default();
    let full = match target_branch.as_str() {
        "" => "HEAD".to_owned(),
        branch => format!("refs/heads/{branch}"),
    };
    let target = repository.commit_of(&full)?;
    let target = target.ok_or_else(|| unknown_branch(&repository, &target_branch))?;
    // Read from the commit, not from the checkout: uncommitted changes must not become settings.
    let own_file = match target_branch.is_empty() {
        true => None,
        false => repository.file_of(&full, OWN_FILE)?,
    };
    let trust = read_trust(&repository)?;
    let configured = repository.agreeing(trust.entries.iter().cloned()).configured()?;
    let facts = RepositoryFacts {
        root: found.root.display().to_string(),
        common_dir: found.common_dir.display().to_string(),
        bare: found.bare,
        target,
        trust,
    };
    Ok(ProjectFacts { facts, own_file, target_branch, configured, agrees_to_programs: false })
}

/// Returns the error for a missing branch, with the nearest name or a list of branches as a hint.
pub(super) fn unknown_branch(repository: &Repository, branch: &str) -> CliError {
    const HEADS: &str = "refs/heads/";
    let found = repository.refs_below(HEADS).unwrap_or_default();
    let names = found.iter().filter_map(|(name, _)| name.strip_prefix(HEADS));
    // Work branches cannot be targets.
    let mut names: Vec<&str> = names.filter(|name| !name.starts_with("paddock/")).collect();
    let more = names.len() > BRANCHES_NAMED_MAX;
    let near = nearest(branch, &names).map(|name| format!("did you mean {name:?}?"));
    names.truncate(BRANCHES_NAMED_MAX);
    let there = format!("there is: {}{}", names.join(", "), if more { ", …" } else { "" });
    let (root, hint) = (repository.repo_root().to_owned(), near.unwrap_or(there));
    CliError::UnknownBranch { root, branch: branch.to_owned(), hint }
}
