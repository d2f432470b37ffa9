//! What `project add`, `project trust` and `config validate` learn from a repository.
//!
//! Temporary: this looks with git2 directly and records no trust; the git room takes its place.

use std::path::{Path, PathBuf};

use git2::{BranchType, ErrorCode, Repository};

use crate::domain::facts::{RepositoryFacts, TrustRecord};
use crate::domain::ids::ObjectId;

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
    let shown = path.display();
    let repository = Repository::open(path).map_err(|error| match error.code() {
        ErrorCode::NotFound => {
            format!("{shown} is no git repository: name the folder that holds `.git`, or `git init` there")
        }
        _ => format!("{shown} cannot be opened: {}", error.message()),
    })?;
    let target_branch = match target_branch {
        Some(branch) => branch.to_owned(),
        None => head_branch(&repository, path)?,
    };
    if repository.find_branch("paddock", BranchType::Local).is_ok() {
        return Err(format!(
            "{shown} has a branch named `paddock`, where Paddock keeps branches of its own: rename it \
             (`git branch -m paddock NEW-NAME`)"
        ));
    }
    let commit = repository
        .find_branch(&target_branch, BranchType::Local)
        .and_then(|branch| branch.get().peel_to_commit())
        .map_err(|_| no_commit(&repository, path, &target_branch))?;
    let target = ObjectId::new(commit.id().to_string()).map_err(|error| error.to_string())?;
    let entry = commit.tree().ok().and_then(|tree| tree.get_path(Path::new(OWN_FILE)).ok());
    let blob = entry.and_then(|entry| repository.find_blob(entry.id()).ok());
    let root = repository.workdir().unwrap_or(repository.path());
    let facts = RepositoryFacts {
        root: canonical(root).display().to_string(),
        common_dir: canonical(repository.commondir()).display().to_string(),
        bare: repository.is_bare(),
        target,
        trust: TrustRecord { entries: Vec::new() },
    };
    Ok(ProjectFacts { facts, target_branch, own_file: blob.map(|blob| blob.content().to_vec()) })
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

fn head_branch(repository: &Repository, path: &Path) -> Result<String, String> {
    let head = repository.find_reference("HEAD").map_err(|error| error.message().to_owned())?;
    let target = head.symbolic_target().ok().flatten().and_then(|name| name.strip_prefix("refs/heads/"));
    target.map(str::to_owned).ok_or_else(|| {
        format!("the HEAD of {} is on no branch: say which one with --target-branch", path.display())
    })
}

fn no_commit(repository: &Repository, path: &Path, branch: &str) -> String {
    let shown = path.display();
    let names = repository.branches(Some(BranchType::Local)).ok().into_iter().flatten();
    let names: Vec<String> = names
        .filter_map(Result::ok)
        .filter_map(|(branch, _)| branch.name().ok().and_then(|name| name.map(str::to_owned)))
        .collect();
    match names.is_empty() {
        true => format!("{shown} has no commits yet: make a first one, then add it again"),
        false => format!("{shown} has no branch {branch:?}; it has: {}", names.join(", ")),
    }
}
