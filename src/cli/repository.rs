//! What `project add`, `project trust` and `config validate` learn from a repository.

use std::path::Path;

use super::error::CliError;
use paddock_config::error::nearest;
use paddock_git::{Repository, program};
use paddock_model::facts::RepositoryFacts;
use paddock_supervisor::read_trust;

/// The repository's own part of the project file.
const OWN_FILE: &str = ".paddock/project.yaml";

/// Branches that an error names.
const BRANCHES_NAMED_MAX: usize = 8;

/// A repository, looked at for one target branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProjectFacts {
    /// What is recorded of it.
    pub facts: RepositoryFacts,
    /// The branch that work is published to; empty: HEAD is on none, and nobody named one.
    pub target_branch: String,
    /// `.paddock/project.yaml` as committed on that branch.
    pub own_file: Option<Vec<u8>>,
}

/// Looks at the repository in this folder; without a branch, at the one that its HEAD points at.
pub(super) fn inspect(path: &Path, target_branch: Option<&str>) -> Result<ProjectFacts, CliError> {
    let found = inspect_any(path, target_branch)?;
    match found.target_branch.is_empty() {
        true => Err(CliError::DetachedHead(path.to_owned())),
        false => Ok(found),
    }
}

/// As [`inspect`]; where HEAD is on no branch, the target branch is empty.
pub(super) fn inspect_any(path: &Path, target_branch: Option<&str>) -> Result<ProjectFacts, CliError> {
    program::check_version()?;
    let repository = Repository::open(path)?;
    let found = repository.facts()?;
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
    let own_file = match target_branch.is_empty() {
        true => None,
        false => repository.file_of(&full, OWN_FILE)?,
    };
    let facts = RepositoryFacts {
        root: found.root.display().to_string(),
        common_dir: found.common_dir.display().to_string(),
        bare: found.bare,
        target,
        trust: read_trust(&repository)?,
    };
    Ok(ProjectFacts { facts, own_file, target_branch })
}

/// Says that there is no such branch, and which one may be meant.
pub(super) fn unknown_branch(repository: &Repository, branch: &str) -> CliError {
    const HEADS: &str = "refs/heads/";
    let found = repository.refs_below(HEADS).unwrap_or_default();
    let names = found.iter().filter_map(|(name, _)| name.strip_prefix(HEADS));
    let mut names: Vec<&str> = names.filter(|name| !name.starts_with("paddock/")).collect();
    let more = names.len() > BRANCHES_NAMED_MAX;
    let near = nearest(branch, &names).map(|name| format!("did you mean {name:?}?"));
    names.truncate(BRANCHES_NAMED_MAX);
    let there = format!("there is: {}{}", names.join(", "), if more { ", …" } else { "" });
    let (root, hint) = (repository.repo_root().to_owned(), near.unwrap_or(there));
    CliError::UnknownBranch { root, branch: branch.to_owned(), hint }
}
