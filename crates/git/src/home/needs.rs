//! What the supervisor asks a place for beyond git's objects, and how the place answers.
//!
//! The supervisor reads from the project's own objects what the commits that came home name, so that a helper
//! can hide nothing. It asks for what the project lacks, and the place answers each of it in turn: with what
//! was asked for, or with the reason why it has none.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::frame::{self, Kind};
use super::pointer::Pointer;
use super::{lfs, submodules};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Number of things that are asked for at once.
pub(crate) const ASKED_MAX: usize = 1000;

/// What is asked for: the body of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Needs {
    /// Files of git LFS.
    pub(crate) files: Vec<Pointer>,
    /// Commits of submodules.
    pub(crate) commits: Vec<Wanted>,
}

/// A commit of a submodule that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// Names that lead to the submodule's repository: its own, after those of the submodules that hold it.
    pub(crate) names: Vec<String>,
    /// Path of the submodule from the top of the place.
    pub(crate) path: RepoPath,
    /// The commit.
    pub(crate) commit: ObjectId,
    /// The objects of the submodule that the project has. What is there does not come.
    pub(crate) store: Option<PathBuf>,
}

/// Header of the frame that begins the answer to a commit of a submodule. A pack follows, unless `at_remote`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Found {
    /// Whether the place has the commit without its history, as its remote sent it: from there everybody gets
    /// it.
    pub(crate) at_remote: bool,
}

/// Answers everything that is asked for, in its order. Runs on the place's side.
///
/// # Errors
/// Fails if the pipe is closed.
pub(crate) fn answer(
    folder: &Path,
    needs: &Needs,
    limits: &super::talk::Bring,
    output: &mut dyn Write,
) -> io::Result<()> {
    let git_dir = folder.join(".git");
    for file in &needs.files {
        lfs::send(&git_dir, file, output)?;
    }
    for wanted in &needs.commits {
        submodules::send(folder, &git_dir, wanted, limits, output)?;
    }
    frame::write(output, Kind::Done, &(), &[])
}
