//! What `project add`, `project trust` and `config validate` learn from a repository.

use std::path::Path;

use paddock_config::error::nearest;
use paddock_git::{GitError, Repository, program};
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
///
/// Errors are sentences for people, with what to do.
pub(super) fn inspect(path: &Path, target_branch: Option<&str>) -> Result<ProjectFacts, String> {
    let found = inspect_any(path, target_branch)?;
    match found.target_branch.is_empty() {
        true => Err(format!(
            "the HEAD of {} is on no branch: say which one with --target-branch, or as `target_branch` in its file",
            path.display()
        )),
        false => Ok(found),
    }
}

/// As [`inspect`]; where HEAD is on no branch, the target branch is empty.
pub(super) fn inspect_any(path: &Path, target_branch: Option<&str>) -> Result<ProjectFacts, String> {
    let said = |error: GitError| error.to_string();
    program::check_version().map_err(said)?;
    let repository = Repository::open(path).map_err(said)?;
    let found = repository.facts().map_err(said)?;
    let shown = path.display();
    if found.has_paddock_branch {
        return Err(format!(
            "{shown} has a branch named `paddock`, where Paddock keeps branches of its own: rename it \
             (`git branch -m paddock NEW-NAME`)"
        ));
    }
    let target_branch = target_branch.map(str::to_owned).or(found.head_branch).unwrap_or_default();
    let full = match target_branch.as_str() {
        "" => "HEAD".to_owned(),
        branch => format!("refs/heads/{branch}"),
    };
    let target = repository.commit_of(&full).map_err(said)?;
    let target = target.ok_or_else(|| unknown_branch(&repository, &target_branch))?;
    let own_file = match target_branch.is_empty() {
        true => None,
        false => repository.file_of(&full, OWN_FILE).map_err(said)?,
    };
    let facts = RepositoryFacts {
        root: found.root.display().to_string(),
        common_dir: found.common_dir.display().to_string(),
        bare: found.bare,
        target,
        trust: read_trust(&repository).map_err(said)?,
    };
    Ok(ProjectFacts { facts, own_file, target_branch })
}

/// Says that there is no such branch, and which one may be meant.
pub(super) fn unknown_branch(repository: &Repository, branch: &str) -> String {
    const HEADS: &str = "refs/heads/";
    let found = repository.refs_below(HEADS).unwrap_or_default();
    let names = found.iter().filter_map(|(name, _)| name.strip_prefix(HEADS));
    let mut names: Vec<&str> = names.filter(|name| !name.starts_with("paddock/")).collect();
    let more = names.len() > BRANCHES_NAMED_MAX;
    let near = nearest(branch, &names).map(|name| format!("did you mean {name:?}?"));
    names.truncate(BRANCHES_NAMED_MAX);
    let there = format!("there is: {}{}", names.join(", "), if more { ", …" } else { "" });
    let root = repository.repo_root().display();
    format!("{root} has no branch {branch:?}: {}", near.unwrap_or(there))
}
