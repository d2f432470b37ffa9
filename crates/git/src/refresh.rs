//! Moving a worktree that was made ahead of its turn to the integration tip when its turn comes.

use super::error::GitError;
use super::program::{CHECKOUT_TIME_MAX, Call};
use super::refs::Relation;
use super::repository::Repository;
use super::space::checkout_error;
use super::worktree::{Worktree, made_ref};
use paddock_model::ids::ObjectId;

/// Moves a worktree whose branch holds no work of its own to a newer start. Leaves a worktree with work, or
/// one that is there already, as it is. Returns whether it moved the worktree. No process may run in it.
///
/// # Errors
/// Fails if git fails.
pub fn bring_forward(repository: &Repository, worktree: &Worktree, to: &ObjectId) -> Result<bool, GitError> {
    let full = format!("refs/heads/{}", worktree.branch);
    let made = made_ref(&worktree.branch);
    let (Some(head), Some(start)) = (repository.commit_of(&full)?, repository.commit_of(&made)?) else {
        return Ok(false);
    };
    // A branch that `to` contains has nothing of its own either: its commits have landed.
    let is_fresh = head == start || repository.relation(&head, to)? == Relation::Ancestor;
    if head == *to || !is_fresh {
        return Ok(false);
    }
    repository.refuse_needed(to)?;
    let call = Call::new(repository).in_worktree(&worktree.git_dir, &worktree.path).limit(CHECKOUT_TIME_MAX);
    call.args(["reset", "--quiet", "--hard", to.as_str()])
        .run()
        .map_err(|error| checkout_error(repository, &worktree.path, to.as_str(), error))?;
    // After the reset: a crash in between leaves a branch that differs from its start but that the tip
    // contains, and the next call finds it fresh.
    repository.set_ref(&made, Some(&start), to, "paddock: start from the newer tip")?;
    Ok(true)
}
