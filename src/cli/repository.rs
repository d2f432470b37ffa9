//! What `project add`, `project trust` and `config validate` learn from a repository.

use std::path::Path;

use crate::domain::facts::RepositoryFacts;
use crate::git::{GitError, Repository, program};
use crate::supervisor::read_trust;

/// The repository's own part of the project file.
const OWN_FILE: &str = ".paddock/project.yaml";

/// A repository, looked at for one target branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProjectFacts {
    /// What is recorded of it.
    pub facts: RepositoryFacts,
    /// The branch that work is published to.
    pub target_branch: String,
    /// `.paddock/project.yaml` as committed on that branch.
    pub own_file: Option<Vec<u8>>,
}

/// Looks at the repository in this folder; without a branch, at the one that its HEAD points at.
///
/// Errors are sentences for people, with what to do.
pub(super) fn inspect(path: &Path, target_branch: Option<&str>) -> Result<ProjectFacts, String> {
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
    let target_branch = target_branch
        .map(str::to_owned)
        .or(found.head_branch)
        .ok_or_else(|| format!("the HEAD of {shown} is on no branch: say which one with --target-branch"))?;
    let full = format!("refs/heads/{target_branch}");
    let target = repository.commit_of(&full).map_err(said)?.ok_or_else(|| {
        format!("{shown} has no branch {target_branch:?}; name another with --target-branch")
    })?;
    let facts = RepositoryFacts {
        root: found.root.display().to_string(),
        common_dir: found.common_dir.display().to_string(),
        bare: found.bare,
        target,
        trust: read_trust(&repository).map_err(said)?,
    };
    Ok(ProjectFacts { facts, own_file: repository.file_of(&full, OWN_FILE).map_err(said)?, target_branch })
}
