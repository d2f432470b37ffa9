//! Removing worktrees and branches without ever deleting work that exists nowhere else.
//!
//! A worktree is renamed to a trash name, then unregistered, then deleted. A crash at any point leaves a
//! state that the next call continues: deleting takes long, and the rename makes the path free at once.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::gate_folder::clear;
use super::objects::is_gitlink;
use super::own;
use super::refs::{CasOutcome, Relation};
use super::repository::Repository;
use super::unregister::{delete_unregistered, unregister};
use super::worktree::{MARKER_FILE, Worktree, admin_of, lock_of, made_ref};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::fail_points::fail_point;
use paddock_os::plain;

/// Outcome of a removal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// The worktree is deleted.
    Deleted,
    /// The worktree was moved, because it held a repository of its own or files that could not be salvaged.
    Kept {
        /// Folder that holds it now.
        path: PathBuf,
    },
    /// No worktree existed.
    AlreadyGone,
}

/// Removes a worktree whose processes are dead and whose uncommitted state is salvaged. A worktree with a
/// nested repository is moved into `kept_dir`. Safe to repeat.
///
/// # Errors
/// [`GitError::Foreign`] if Paddock did not make the worktree, else whatever the file system reports.
pub fn remove_worktree(
    repository: &Repository,
    worktree: &Worktree,
    kept_dir: &Path,
) -> Result<Removal, GitError> {
    remove_or_keep(repository, worktree, &Removing { kept_dir: Some(kept_dir), ..Removing::default() })
}

/// Like [`remove_worktree`], for a worktree with files that could not be salvaged: always moves it into
/// `kept_dir`.
///
/// # Errors
/// As [`remove_worktree`].
pub fn set_aside_worktree(
    repository: &Repository,
    worktree: &Worktree,
    kept_dir: &Path,
) -> Result<Removal, GitError> {
    let removing = Removing { kept_dir: Some(kept_dir), must_keep: true, ..Removing::default() };
    remove_or_keep(repository, worktree, &removing)
}

/// Removes a gate's worktree, whose contents are nobody's work, whatever they are.
///
/// # Errors
/// As [`remove_worktree`].
pub(super) fn discard(repository: &Repository, path: &Path) -> Result<Removal, GitError> {
    let worktree = Worktree {
        path: path.to_owned(),
        git_dir: PathBuf::new(),
        branch: String::new(),
        reused: true,
        is_own: false,
    };
    remove_or_keep(repository, &worktree, &Removing::default())
}

/// Like [`remove_worktree`]; `put` may take the folder instead of its being deleted.
pub(crate) fn remove_or_put(
    repository: &Repository,
    worktree: &Worktree,
    kept_dir: &Path,
    put: &dyn Fn(&Path) -> bool,
) -> Result<Removal, GitError> {
    let removing = Removing { kept_dir: Some(kept_dir), must_keep: false, put: Some(put) };
    remove_or_keep(repository, worktree, &removing)
}

/// Where a worktree goes.
#[derive(Default)]
struct Removing<'a> {
    /// Folder for a worktree that holds a repository of its own. Without it, every worktree is deleted.
    kept_dir: Option<&'a Path>,
    /// Whether the worktree goes there in any case.
    must_keep: bool,
    /// Moves a folder that need not be kept to where its files are of use; returns whether it did.
    put: Option<&'a dyn Fn(&Path) -> bool>,
}

/// Removes a worktree, or moves it into the folder for kept ones.
fn remove_or_keep(
    repository: &Repository,
    worktree: &Worktree,
    removing: &Removing<'_>,
) -> Result<Removal, GitError> {
    let trash = trash_of(&worktree.path);
    // An earlier removal may have crashed after its rename. Without this, the rename below would fail.
    delete_folder(&trash)?;
    finish_unregistering(repository)?;
    let own = own::find(repository, &worktree.path)?.map(|(shadow, _)| shadow);
    let is_own = own.is_some();
    let admin = match own {
        Some(shadow) => Some(shadow),
        None => admin_of(repository, &worktree.path)?,
    };
    let ours = admin.as_ref().is_none_or(|admin| admin.join(MARKER_FILE).is_file());
    if !ours || (admin.is_none() && worktree.path.exists()) {
        return Err(GitError::Foreign {
            what: format!("the folder {}", worktree.path.display()),
            way_out: "remove it yourself if nobody needs it".to_owned(),
        });
    }
    // From here on the worktree is Paddock's: git has it registered with the marker, or nothing lies at its
    // path.
    let present = worktree.path.is_dir();
    let removal = match (present, &admin, removing.kept_dir) {
        (true, Some(admin), Some(kept_dir))
            if removing.must_keep || holds_repository(repository, worktree, admin, is_own)? =>
        {
            Removal::Kept { path: keep(worktree, admin, kept_dir)? }
        }
        (true, ..) => {
            let is_moved = removing.put.is_some_and(|put| put(&worktree.path));
            if !is_moved {
                fs::rename(&worktree.path, &trash).map_err(GitError::io(&worktree.path))?;
            }
            fail_point!("cleanup.moved");
            Removal::Deleted
        }
        (false, Some(_), _) => Removal::Deleted,
        (false, None, _) => Removal::AlreadyGone,
    };
    if let Some(admin) = admin {
        // Parallel `git worktree add` calls read this folder. The lock is not held while the worktree's own
        // files are deleted or moved, which may take minutes.
        let lock = lock_of(repository.common_dir());
        let _one_at_a_time = lock.lock().unwrap_or_else(PoisonError::into_inner);
        // The refs that keep what a place borrowed stay with a place that is kept.
        if is_own && !matches!(removal, Removal::Kept { .. }) {
            own::forget(repository, &worktree.path)?;
        }
        unregister(repository, &admin)?;
    }
    fail_point!("cleanup.unregistered");
    delete_folder(&trash)?;
    Ok(removal)
}

/// Deletes the rest of a worktree whose removal was interrupted after git had forgotten it. Safe to repeat.
///
/// # Errors
/// Fails if the file system reports an error.
pub fn finish_removal(repository: &Repository, path: &Path) -> Result<(), GitError> {
    delete_folder(&trash_of(path))?;
    finish_unregistering(repository)?;
    own::finish_forgetting(repository, path)
}

fn finish_unregistering(repository: &Repository) -> Result<(), GitError> {
    let lock = lock_of(repository.common_dir());
    let _one_at_a_time = lock.lock().unwrap_or_else(PoisonError::into_inner);
    delete_unregistered(repository)
}

/// Deletes a work branch that still holds `head` and is wholly contained in `merged_into`.
///
/// # Errors
/// [`GitError::Unexpected`] if the branch is not contained, else whatever git reports.
pub fn delete_branch(
    repository: &Repository,
    branch: &str,
    head: &ObjectId,
    merged_into: &ObjectId,
) -> Result<CasOutcome, GitError> {
    if !matches!(repository.relation(head, merged_into)?, Relation::Same | Relation::Ancestor) {
        let why =
            format!("{branch} was not deleted: it holds commits that are not in {}", merged_into.short());
        return Err(GitError::Unexpected(why));
    }
    let outcome = repository.delete_ref(&format!("refs/heads/{branch}"), head)?;
    let made = made_ref(branch);
    // The record goes after the branch. In the other order, a crash in between would turn the branch into a
    // foreign one. A record without a branch does no harm: the next worktree of that name overwrites it.
    if outcome == CasOutcome::Done
        && let Some(start) = repository.commit_of(&made)?
    {
        repository.delete_ref(&made, &start)?;
    }
    Ok(outcome)
}

/// Returns the path of a worktree between its rename and its deletion. A later call finds it by the name.
fn trash_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".paddock-removed-{name}"))
}

/// Deletes a folder with everything in it: read-only folders, too, and folders nested deeper than a path can
/// name. A missing one is no error.
pub(crate) fn delete_folder(folder: &Path) -> Result<(), GitError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => Err(GitError::io(folder)(error)),
        // Build tools leave read-only folders (a Go module cache, for one).
        Err(_) => clear(folder).map_err(GitError::io(folder)),
        Ok(()) => Ok(()),
    }
}

/// Returns whether the worktree contains a `.git` other than those of registered submodules, or has submodule
/// repositories of its own.
fn holds_repository(
    repository: &Repository,
    worktree: &Worktree,
    admin: &Path,
    is_own: bool,
) -> Result<bool, GitError> {
    let dot_git = worktree.path.join(".git");
    // Of submodules only what a commit names has come home from an own place.
    let found = if is_own { dot_git.join("modules").exists() } else { dot_git.is_dir() };
    if found || admin.join("modules").exists() {
        return Ok(true);
    }
    let submodules = submodules(admin)?;
    let mut due = vec![PathBuf::new()];
    while let Some(folder) = due.pop() {
        let full = worktree.path.join(&folder);
        // An unreadable folder may contain a repository.
        let Ok(entries) = fs::read_dir(&full) else { return Ok(true) };
        for entry in entries {
            let entry = entry.map_err(GitError::io(&full))?;
            let is_top = folder.as_os_str().is_empty();
            if entry.file_name() == ".git" && !is_top {
                let known = submodules.contains(&RepoPath::new(folder.as_os_str().as_encoded_bytes()));
                if !(known && leads_inside(&entry.path(), repository.common_dir())) {
                    return Ok(true);
                }
            } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.file_name() != ".git" {
                due.push(folder.join(entry.file_name()));
            }
        }
    }
    Ok(false)
}

fn submodules(admin: &Path) -> Result<BTreeSet<RepoPath>, GitError> {
    let index = git2::Index::open(&admin.join("index"))?;
    let links = index.iter().filter(|entry| is_gitlink(entry.mode));
    Ok(links.map(|entry| RepoPath::new(entry.path)).collect())
}

/// Returns whether a submodule's `.git` file leads into the repository, where its commits survive the
/// removal.
fn leads_inside(dot_git: &Path, common_dir: &Path) -> bool {
    let Ok(text) = plain::read_to_string(dot_git) else { return false };
    let Some(target) = text.strip_prefix("gitdir:") else { return false };
    let folder = dot_git.parent().unwrap_or(dot_git);
    fs::canonicalize(folder.join(target.trim())).is_ok_and(|path| path.starts_with(common_dir))
}

/// Moves a worktree into `kept_dir` under a free name and returns its new path.
fn keep(worktree: &Worktree, admin: &Path, kept_dir: &Path) -> Result<PathBuf, GitError> {
    fs::create_dir_all(kept_dir).map_err(GitError::io(kept_dir))?;
    let name = worktree.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // Ends after at most as many tries as people have left worktrees of this name there.
    let free = (0_u32..).map(|n| if n == 0 { name.clone() } else { format!("{name}-{n}") });
    let mut places = free.map(|name| kept_dir.join(name));
    let place = places.find(|place| !place.exists() && !place.is_symlink());
    let place = place.ok_or_else(|| {
        GitError::Unexpected(format!("{} has no free name for the worktree {name}", kept_dir.display()))
    })?;
    let modules = admin.join("modules");
    if modules.exists() {
        // The submodules' commits exist only in git's own folder for the worktree, which is deleted.
        move_folder(&modules, &worktree.path.join(".paddock-submodules"))?;
    }
    move_folder(&worktree.path, &place)?;
    Ok(place)
}

/// Moves a folder. Across file systems `mv` copies first and deletes once everything is copied.
fn move_folder(from: &Path, to: &Path) -> Result<(), GitError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            let status = Command::new("mv").arg("--").args([from, to]).stdin(Stdio::null()).status();
            match status.map_err(GitError::io(from))?.success() {
                true => Ok(()),
                false => Err(GitError::Unexpected(format!(
                    "`mv` could not move {} to {}",
                    from.display(),
                    to.display()
                ))),
            }
        }
        other => other.map_err(GitError::io(from)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{Mode, OFlags, fchmod, mkdirat, openat};

    #[test]
    fn closed_folders_deeper_than_any_path_are_deleted() {
        let top = tempfile::tempdir().unwrap();
        let outside = top.path().join("outside");
        fs::create_dir(&outside).unwrap();
        let folder = top.path().join("folder");
        fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(&outside, folder.join("link")).unwrap();
        let mut chain = vec![fs::File::open(&folder).unwrap()];
        for _ in 0..60 {
            let name = "d".repeat(200);
            let above = chain.last().unwrap();
            mkdirat(above, &name, Mode::RWXU).unwrap();
            chain.push(openat(above, &name, OFlags::RDONLY, Mode::empty()).unwrap().into());
        }
        for folder in &chain {
            fchmod(folder, Mode::RUSR | Mode::XUSR).unwrap();
        }
        delete_folder(&folder).unwrap();
        delete_folder(&folder).unwrap();
        assert!(!folder.exists() && outside.is_dir());
    }
}
