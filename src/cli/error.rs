//! Errors about arguments.

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
}
