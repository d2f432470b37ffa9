//! What can go wrong with a repository, in words that say the way out.

use std::path::{Path, PathBuf};

/// Why an act on a repository was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// Nothing lies at the configured place.
    #[error("no folder at {0}: correct `repo_root` or put the repository back")]
    Missing(PathBuf),
    /// A folder, but no repository.
    #[error("{0} is not a git repository: run `git init` there, or correct `repo_root`")]
    NotARepository(PathBuf),
    /// A repository in which nothing was ever committed.
    #[error("{0} has no commits: make a first commit there (`git commit --allow-empty -m start` is enough)")]
    WithoutCommits(PathBuf),
    /// A repository in a format that Paddock cannot work on.
    #[error("{what} is not supported: {way_out}")]
    Unsupported {
        /// The format, as its owner would call it.
        what: String,
        /// What to do about it.
        way_out: String,
    },
    /// The repository belongs to somebody else.
    #[error(
        "{0} belongs to another user: `git config --global --add safe.directory {0}` says that you trust it"
    )]
    Owner(PathBuf),
    /// A folder or branch that Paddock did not make stands in the way.
    #[error("{what} was not made by Paddock and is not touched: {way_out}")]
    Foreign {
        /// The folder or branch.
        what: String,
        /// What to do about it.
        way_out: String,
    },
    /// A folder of the gate lacks files of its commit, or git does not compare them.
    #[error(
        "{folder} is not the whole tree: git leaves out or does not compare {count} of its files ({files}), so \
         that nothing is judged there; remove the folder, and Paddock makes it anew"
    )]
    NotWhole {
        /// The folder.
        folder: PathBuf,
        /// How many files.
        count: usize,
        /// Some of them.
        files: String,
    },
    /// Another program holds a lock, and kept it.
    #[error("{0} is locked by another git process: wait for it, or remove the lock if none runs")]
    Locked(String),
    /// No usable git program.
    #[error("git {needed} or newer is needed, found {found}: install it and see that it is first on PATH")]
    Version {
        /// The least version.
        needed: &'static str,
        /// What is there instead.
        found: String,
    },
    /// The git program refused.
    #[error("`git {command}` failed ({status}): {stderr}")]
    Program {
        /// The subcommand and its arguments.
        command: String,
        /// How it ended.
        status: String,
        /// The end of what it said.
        stderr: String,
    },
    /// The git program did not end in time.
    #[error(
        "`git {command}` had not ended after {} minutes and was stopped: look whether its disk, a named pipe in the \
         repository or a filter of its configuration hangs",
        .limit.as_secs() / 60
    )]
    TimedOut {
        /// The subcommand and its arguments.
        command: String,
        /// How long it may take.
        limit: std::time::Duration,
    },
    /// The user's key could not be used.
    #[error("git could not sign: {0}")]
    Signing(String),
    /// libgit2 refused.
    #[error("git: {0}")]
    Library(#[from] git2::Error),
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A fact that cannot be: answers of git which contradict each other.
    #[error("unexpected: {0}")]
    Unexpected(String),
}

impl GitError {
    /// Ties an error of the file system to the path it happened at.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
