//! Inspection of a repository: what is recorded when a project is taken up, and what a person is shown.

use std::path::{Path, PathBuf};

use super::trust::read_trust;
use paddock_config::error::nearest;
use paddock_git::{GitError, Listed, Repository, program};
use paddock_model::facts::RepositoryFacts;

/// File in the repository that gives the shared part of the project's settings.
const OWN_FILE: &str = ".paddock/project.yaml";

/// Maximum number of branches that an error message lists.
const BRANCHES_NAMED_MAX: usize = 8;

/// Why a repository cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The repository or the git program failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// HEAD is detached, and no branch was named.
    #[error(
        "the HEAD of {} is on no branch: name one with --target-branch, or as `target_branch` in the project file",
        .0.display()
    )]
    DetachedHead(PathBuf),
    /// The repository has a branch `paddock`, so that git can make no branch `paddock/…`.
    #[error(
        "{} has a branch named `paddock`, which keeps Paddock from making its branches `paddock/…`: rename it \
         (`git branch -m paddock NEW-NAME`)",
        .0.display()
    )]
    BranchInTheWay(PathBuf),
    /// The repository does not have the branch.
    #[error("{} has no branch {branch:?}: {hint}", root.display())]
    UnknownBranch {
        /// Folder of the repository.
        root: PathBuf,
        /// Branch that was named.
        branch: String,
        /// The nearest existing branch, or a list of the existing ones.
        hint: String,
    },
}

/// Facts about a repository and one target branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFacts {
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
/// # Errors
/// Fails if the repository cannot be used, or if no branch is named and HEAD is detached.
pub fn inspect(path: &Path, target_branch: Option<&str>) -> Result<ProjectFacts, InspectError> {
    let found = inspect_any(path, target_branch)?;
    match found.target_branch.is_empty() {
        true => Err(InspectError::DetachedHead(path.to_owned())),
        false => Ok(found),
    }
}

/// Inspects a repository as [`inspect`] does, but accepts a detached HEAD: the target branch is then empty.
///
/// # Errors
/// Fails if the repository cannot be used.
pub fn inspect_any(path: &Path, target_branch: Option<&str>) -> Result<ProjectFacts, InspectError> {
    program::check_version()?;
    let repository = Repository::open(path)?;
    let found = repository.facts()?;
    // Git cannot hold both a branch `paddock` and branches `paddock/…`: a ref is a file or a folder.
    if found.has_paddock_branch {
        return Err(InspectError::BranchInTheWay(path.to_owned()));
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
#[must_use]
pub fn unknown_branch(repository: &Repository, branch: &str) -> InspectError {
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
    InspectError::UnknownBranch { root, branch: branch.to_owned(), hint }
}
