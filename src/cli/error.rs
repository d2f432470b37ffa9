//! What is wrong with an argument, or with the repository that it names.

use std::path::PathBuf;

use paddock_git::GitError;

/// Why an argument cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Not a time.
    #[error("write a time like 2026-01-31T09:30:00Z or 2026-01-31, or a length like 30m, 2h, 1d")]
    NotATime,
    /// A time beyond the calendar.
    #[error(transparent)]
    Time(#[from] jiff::Error),
    /// Not an amount of money.
    #[error("{0:?} is no amount of dollars, for example 2.50")]
    NotDollars(String),
    /// The repository, or the git program.
    #[error(transparent)]
    Git(#[from] GitError),
    /// HEAD names no branch, and nothing else does.
    #[error(
        "the HEAD of {} is on no branch: say which one with --target-branch, or as `target_branch` in its file",
        .0.display()
    )]
    DetachedHead(PathBuf),
    /// A branch stands where Paddock keeps its own.
    #[error(
        "{} has a branch named `paddock`, where Paddock keeps branches of its own: rename it (`git branch -m paddock \
         NEW-NAME`)",
        .0.display()
    )]
    BranchInTheWay(PathBuf),
    /// A branch that the repository does not have.
    #[error("{} has no branch {branch:?}: {hint}", root.display())]
    UnknownBranch {
        /// The repository.
        root: PathBuf,
        /// The branch that was named.
        branch: String,
        /// Which one may be meant, or which ones there are.
        hint: String,
    },
}
