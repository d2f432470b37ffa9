//! Whether git tracks a folder.

use std::path::Path;

use git2::ErrorCode;

use super::error::GitError;

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
