//! Bringing the repository of an own place to what its shadow and the project say, before a session.

use std::path::Path;

use super::super::error::GitError;
use super::super::harvest::keep_work;
use super::super::home::Home;
use super::super::repository::Repository;
use super::super::target::{operation, symbolic_head};
use super::super::worktree::{Worktree, made_ref};
use super::borrowed;
use super::repository::DotGit;
use super::shadow::{OwnShadow, name_of};
use paddock_model::ids::ObjectId;
use paddock_os::fail_points::fail_point;

/// Locks that a killed git leaves. No process runs in the place, so nobody holds them.
const LOCKS: [&str; 4] = ["index.lock", "HEAD.lock", "packed-refs.lock", "config.lock"];

/// Brings an own place to what the project has: its work branch, HEAD on it if the shadow's is, the index if
/// Paddock changed the files, and the tip of integration. Restores what ties the place to the project,
/// whatever a session did to it. No process may run in the place.
///
/// # Errors
/// [`GitError::Foreign`] if the place has no repository any more, else whatever the file system reports.
pub(crate) fn give_place(
    repository: &Repository,
    worktree: &Worktree,
    tip: &ObjectId,
    has_changed: bool,
) -> Result<(), GitError> {
    let full = format!("refs/heads/{}", worktree.branch);
    let library = repository.library()?;
    let branch = match repository.commit_of(&full)? {
        Some(branch) => branch,
        None => begin_again(repository, &library, worktree, &full)?,
    };
    let name = name_of(&worktree.path)?;
    // Whatever is given has to stay, also if the project moves on without it.
    borrowed::keep(&library, &name, &branch)?;
    borrowed::keep(&library, &name, tip)?;
    let dot_git = DotGit::open(&worktree.path)?;
    for lock in LOCKS {
        dot_git.remove(lock)?;
    }
    dot_git.borrow(repository)?;
    dot_git.remove(&format!("{full}.lock"))?;
    dot_git.set_ref(&full, &branch)?;
    // After the ref: what comes home next is compared with it.
    Home::follow(&worktree.git_dir, &branch)?;
    if let Some(place) = OwnShadow::read(&worktree.git_dir) {
        for prefix in ["refs/remotes/origin", "refs/paddock/integration"] {
            dot_git.set_ref(&format!("{prefix}/{}", place.target), tip)?;
        }
    }
    let shadow = worktree.git_dir.as_path();
    let is_on_branch = symbolic_head(shadow).as_deref() == Some(worktree.branch.as_str());
    if is_on_branch && operation(shadow).is_none() {
        dot_git.set_head(&worktree.branch)?;
    } else if dot_git.read("HEAD", 4096)?.is_none() {
        // Without a HEAD git takes the place for no repository.
        dot_git.set_head(&worktree.branch)?;
    }
    if has_changed || dot_git.read("index", u64::MAX)?.is_none() {
        copy_index(shadow, &dot_git)?;
    }
    fail_point!("place.given");
    Ok(())
}

fn copy_index(shadow: &Path, dot_git: &DotGit) -> Result<(), GitError> {
    let index = shadow.join("index");
    let bytes = paddock_os::plain::read(&index).map_err(GitError::io(&index))?;
    dot_git.write("index", &bytes)
}

/// Makes the work branch again that somebody deleted, at its start. What had come home on it is kept by a ref of
/// the objective.
fn begin_again(
    repository: &Repository,
    library: &git2::Repository,
    worktree: &Worktree,
    full: &str,
) -> Result<ObjectId, GitError> {
    let start = repository.commit_of(&made_ref(&worktree.branch))?.ok_or_else(|| {
        GitError::Unexpected(format!("{full} is gone from the project, and nothing says where it began"))
    })?;
    if let Some(came) = Home::read(&worktree.git_dir).and_then(|home| home.branch) {
        keep_work(library, worktree, &came)?;
    }
    repository.set_ref(full, None, &start, "paddock: start again")?;
    Ok(start)
}
