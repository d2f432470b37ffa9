//! The folder of one submodule's repository.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::error::GitError;

/// Returns the repository of a submodule below a git directory; `None` if there is none. `names` leads to it:
/// the submodule, or the submodule that holds it, and so on.
///
/// # Errors
/// Names what stands in its place: a link leads elsewhere, and a pipe or a file is no repository.
pub(crate) fn existing(git_dir: &Path, names: &[String]) -> Result<Option<PathBuf>, String> {
    let mut found = git_dir.to_owned();
    for name in names {
        match inside(&found, name)? {
            Some(inner) => found = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// Returns where the repository of a submodule belongs.
pub(crate) fn place_of(git_dir: &Path, names: &[String]) -> PathBuf {
    let mut path = git_dir.to_owned();
    for name in names {
        path.push("modules");
        path.extend(name.split('/'));
    }
    path
}

fn inside(git_dir: &Path, name: &str) -> Result<Option<PathBuf>, String> {
    let mut path = git_dir.join("modules");
    let mut is_there = is_folder(&path)?;
    for part in name.split('/') {
        path.push(part);
        is_there = is_there && is_folder(&path)?;
    }
    // A folder that only leads to deeper ones is no repository.
    let is_repository = is_there && fs::symlink_metadata(path.join("HEAD")).is_ok();
    if is_repository && !is_folder(&path.join("objects"))? {
        return Err(format!("{} has no folder of objects", path.display()));
    }
    Ok(is_repository.then_some(path))
}

/// Returns whether a folder stands at a path; `false` if nothing does.
fn is_folder(path: &Path) -> Result<bool, String> {
    match fs::symlink_metadata(path) {
        Ok(facts) if facts.is_dir() => Ok(true),
        Ok(_) => Err(format!("{} is no folder", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(format!("{} cannot be looked at: {error}", path.display())),
    }
}

/// Makes the repository of a submodule at `path`, where nothing stands: with `url` as its `origin`, if there
/// is one, and borrowing from `store`, if given. It has no other configuration, hooks or refs.
///
/// It is no bare one: `git submodule update` ties it to a working tree, which it refuses for a bare one.
///
/// # Errors
/// Fails if the file system or libgit2 does.
pub(crate) fn make(path: &Path, url: &str, store: Option<&Path>) -> Result<(), GitError> {
    for folder in ["objects/info", "objects/pack", "refs/heads", "info"] {
        let folder = path.join(folder);
        fs::create_dir_all(&folder).map_err(GitError::io(&folder))?;
    }
    if let Some(store) = store {
        let file = path.join("objects/info/alternates");
        let line = [store.as_os_str().as_bytes(), b"\n"].concat();
        fs::write(&file, line).map_err(GitError::io(&file))?;
    }
    let config = path.join("config");
    fs::write(&config, "").map_err(GitError::io(&config))?;
    let mut entries = git2::Config::open(&config)?;
    entries.set_i32("core.repositoryformatversion", 0)?;
    entries.set_bool("core.filemode", true)?;
    entries.set_bool("core.bare", false)?;
    if !url.is_empty() {
        entries.set_str("remote.origin.url", url)?;
        entries.set_str("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")?;
    }
    // Last: without it, git takes the folder for no repository.
    let head = path.join("HEAD");
    fs::write(&head, "ref: refs/heads/main\n").map_err(GitError::io(&head))
}
