//! Errors about arguments and the repositories that they name.

use std::path::PathBuf;

use paddock_git::GitError;

/// Why an argument cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The text is neither a time nor a length.
    #[error("write a time like 2026-01-31T09:30:00Z or 2026-01-31, or a length like 30m, 2h, 1d")]
    NotATime,
    /// The time lies outside the calendar's range.
    #[error(transparent)]
    Time(#[from] jiff::Error),
    /// The text is not an amount of money.
    #[error("{0:?} is not an amount of dollars; write a number such as 2.50")]
    NotDollars(String),
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
