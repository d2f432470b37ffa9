//! Errors of work on a repository. Their messages say what to do next.

use std::path::{Path, PathBuf};

/// Why an operation on a repository failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The configured path does not exist.
    #[error("no folder at {0}: correct `repo_root` or put the repository back")]
    Missing(PathBuf),
    /// The configured folder is not a git repository.
    #[error("{0} is not a git repository: run `git init` there, or correct `repo_root`")]
    NotARepository(PathBuf),
    /// The repository has no commits.
    #[error("{0} has no commits: make a first commit there (`git commit --allow-empty -m start` is enough)")]
    WithoutCommits(PathBuf),
    /// The repository has a format that Paddock cannot work on.
    #[error("{what} is not supported: {way_out}")]
    Unsupported {
        /// The format, in git's terms.
        what: String,
        /// How to convert the repository.
        way_out: String,
    },
    /// The repository belongs to another user, and git does not trust it.
    #[error(
        "{0} belongs to another user: if you trust it, run `git config --global --add safe.directory {0}`"
    )]
    Owner(PathBuf),
    /// A folder or branch that Paddock did not make is in the way.
    #[error("{what} was not made by Paddock and is not touched: {way_out}")]
    Foreign {
        /// The folder or branch.
        what: String,
        /// How to get it out of the way.
        way_out: String,
    },
    /// A detached worktree lacks files of its commit, or git ignores changes to some of them.
    #[error(
        "{folder} is not the whole tree: git leaves out, or ignores changes to, {count} of its files \
         ({files}), so nothing runs there; remove the folder, and Paddock makes a new one"
    )]
    NotWhole {
        /// The worktree.
        folder: PathBuf,
        /// Number of such files.
        count: usize,
        /// Names of the first few.
        files: String,
    },
    /// git cannot bring some files of a gate folder to what the commit says.
    #[error(
        "{folder} is not what the commit says: {count} of its files differ or are missing even after git wrote \
         them again ({files}), so no gate runs there; check the disk, and the filters in git's configuration"
    )]
    NotHeld {
        /// The gate folder.
        folder: PathBuf,
        /// Number of such files.
        count: usize,
        /// Names of the first few.
        files: String,
    },
    /// Files are in git LFS, and only their pointers are here.
    #[error(
        "{count} files are in git LFS and are not on this machine ({files}), so the gate would see pointers \
         instead of files: run `git lfs fetch` in the repository"
    )]
    LfsMissing {
        /// Number of such files.
        count: usize,
        /// Names of the first few.
        files: String,
    },
    /// A commit has a file that needs a filter or a merge driver which nobody agreed to.
    #[error(
        "{path} has the attribute {attribute}, and what git's configuration names for it is not agreed to; without \
         it the file would differ from what your own git writes, so {short} is not used: agree with `paddock \
         project trust`, or remove the attribute", short = .commit.short()
    )]
    NotAgreed {
        /// The attribute with its value.
        attribute: String,
        /// The file.
        path: String,
        /// The commit that has it.
        commit: paddock_model::ids::ObjectId,
    },
    /// A file of git's configuration cannot be read, so that nobody knows what git would run.
    #[error("{file}, a file of git's configuration, cannot be read ({why}); no git runs until it is mended")]
    ConfigUnreadable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A submodule in a gate folder is not what the commit says.
    #[error(
        "the submodule {path} is not what the commit says: {problem}; make `worktree.setup` bring it there \
         (`git submodule update --init --recursive`)"
    )]
    Submodule {
        /// Path of the submodule.
        path: String,
        /// How it differs.
        problem: String,
    },
    /// Another process holds the lock of a ref and kept it for the whole wait.
    #[error("{0} is locked by another git process: wait for it, or remove the lock if none runs")]
    Locked(String),
    /// The git program is missing or too old.
    #[error(
        "Paddock needs git {needed} or newer, but found {found}: install a newer git and put it first on PATH"
    )]
    Version {
        /// Oldest version that works.
        needed: &'static str,
        /// The version found, or why none was found.
        found: String,
    },
    /// The git program exited with an error.
    #[error("`git {command}` failed ({status}): {stderr}")]
    Program {
        /// The subcommand and its arguments.
        command: String,
        /// How the program exited.
        status: String,
        /// The end of its standard error.
        stderr: String,
    },
    /// A checkout failed, and its disk has no space for the commit's files.
    #[error(
        "the disk of {} has no space for the checkout, whose files take {} MB: {said}",
        folder.display(), .needed_bytes.div_ceil(1_000_000)
    )]
    NoSpace {
        /// The folder that was checked out to.
        folder: PathBuf,
        /// Bytes that the commit's files take.
        needed_bytes: u64,
        /// The failure as git reported it.
        said: String,
    },
    /// The git program exceeded its time limit and was stopped.
    #[error(
        "`git {command}` did not finish within {} minutes and was stopped: check whether the disk, a named \
         pipe in the repository or a filter in its configuration hangs",
        .limit.as_secs() / 60
    )]
    TimedOut {
        /// The subcommand and its arguments.
        command: String,
        /// The time limit.
        limit: std::time::Duration,
    },
    /// Something else stands in the place of one of git's files. Reading it could wait for ever.
    #[error(
        "{}: {what} stands where git keeps a file, so nothing was read; remove it, or put the file back", path.display()
    )]
    NotPlain {
        /// The path.
        path: PathBuf,
        /// What stands there: "a named pipe".
        what: &'static str,
    },
    /// Work cannot be brought home from a place with a repository of its own.
    #[error("{}: {what}; {way_out}", place.display())]
    Place {
        /// The folder of the place.
        place: PathBuf,
        /// What is wrong there.
        what: String,
        /// What a person can do, and where the work is.
        way_out: String,
    },
    /// git could not sign a merge with the user's key.
    #[error("git could not sign the merge: {0}")]
    Signing(String),
    /// libgit2 failed.
    #[error("git: {0}")]
    Library(#[from] git2::Error),
    /// The operating system refused access to a file or could not start a program.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system reported.
        source: std::io::Error,
    },
    /// The state of the repository contradicts what was asked, or an answer of git contradicts itself.
    #[error("{0}")]
    Unexpected(String),
}

impl GitError {
    /// Returns a function that ties an I/O error to the path that it happened at, for `map_err`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
