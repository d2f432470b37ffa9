//! What git tracks: below a folder, in a checkout, at a commit.

use std::collections::BTreeSet;
use std::path::Path;

use git2::ErrorCode;

use super::error::GitError;
use super::repository::{Repository, oid};
use super::snapshot::Snapshot;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Returns whether the repository around a folder has files below that folder in its index, or `None` if the
/// repository cannot be read. The folder need not exist; its parent must, as a canonical path.
#[must_use]
pub fn is_tracked(folder: &Path) -> Option<bool> {
    find(folder).ok()
}

fn find(folder: &Path) -> Result<bool, GitError> {
    // `discover` also searches the parents: the folder may be deep inside the user's repository.
    let repository = match git2::Repository::discover(folder.parent().unwrap_or(folder)) {
        Ok(repository) => repository,
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let Some(workdir) = repository.workdir().and_then(|path| path.canonicalize().ok()) else {
        return Ok(false);
    };
    let Ok(inside) = folder.strip_prefix(&workdir) else { return Ok(false) };
    let mut prefix = inside.as_os_str().to_owned();
    prefix.push("/");
    match repository.index()?.find_prefix(Path::new(&prefix)) {
        Ok(_) => Ok(true),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Repository {
    /// Returns the tracked paths of the user's checkout; none of a bare repository.
    ///
    /// # Errors
    /// Fails if the index cannot be read.
    pub fn tracked_paths(&self) -> Result<BTreeSet<RepoPath>, GitError> {
        let index = git2::Index::open(&self.common_dir().join("index"))?;
        Ok(index.iter().map(|entry| RepoPath::new(entry.path)).collect())
    }

    /// Returns those of the paths that a branch adds: they are missing where it left `onto`.
    ///
    /// # Errors
    /// Fails if a commit cannot be read.
    pub fn absent_at(
        &self,
        onto: &ObjectId,
        head: &ObjectId,
        mut paths: Vec<RepoPath>,
    ) -> Result<Vec<RepoPath>, GitError> {
        if paths.is_empty() {
            return Ok(paths);
        }
        let library = self.library()?;
        if let Ok(base) = library.merge_base(oid(onto)?, oid(head)?) {
            let tree = Snapshot::of_commit(&library, base)?;
            paths.retain(|path| tree.entry(path).is_none());
        }
        Ok(paths)
    }
}
