//! Lending the project's submodules to gates and places.

use std::path::Path;

use git2::Oid;

use super::DEPTH_MAX;
use super::declared::submodules_of;
use super::folder::{existing, make, place_of};
use super::url::absolute_url;
use crate::error::GitError;
use crate::gate_folder::clear as remove_tree;
use crate::obstacles::refuse_in_repository;
use crate::refs::keep_ref;
use crate::repository::{Repository, object_id, oid};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Where the refs of a submodule's repository begin that keep what came home from places.
pub(crate) const KEPT: &str = "refs/paddock/kept/";

/// The ref by which a lent repository holds the commit that is to be checked out. git fetches none that a ref
/// leads to.
const LENT: &str = "refs/paddock/lent";

/// Prepares the repositories of submodules whose commits came home from an own place, so that `git submodule
/// update --init` finds them: their remotes may not have them yet. `git_dir` is the git directory of a linked
/// worktree, or of an own place; `commit` is what is checked out there. Leaves every submodule alone that is
/// filled, and every other one to git.
///
/// Starts no process. A commit without submodules costs one look into its tree. Safe to repeat.
///
/// # Errors
/// Fails if the commit cannot be read or the file system reports an error.
pub fn lend_modules(
    repository: &Repository,
    git_dir: &Path,
    work_tree: &Path,
    commit: &ObjectId,
) -> Result<(), GitError> {
    let library = repository.library()?;
    let commit = oid(commit)?;
    let is_filled = |path: &RepoPath| work_tree.join(path.as_path()).join(".git").symlink_metadata().is_ok();
    for (path, module, wanted) in submodules_of(&library, commit)? {
        // One with something in its folder is filled, and git leaves it as it is.
        if !is_filled(&path) {
            let url = absolute_url(&library, &module.url)?;
            lend(repository.common_dir(), git_dir, &[module.name], (&url, wanted))?;
        }
    }
    Ok(())
}

/// Lends one submodule, and those inside it. `names` leads to it.
fn lend(
    own_top: &Path,
    target_top: &Path,
    names: &[String],
    (url, wanted): (&str, Oid),
) -> Result<(), GitError> {
    // What stands in the project's place for it is reported where work comes home; git clones as it always did.
    let own = existing(own_top, names).ok().flatten().filter(|_| own_top != target_top);
    let Some(own) = own.filter(|_| names.len() <= DEPTH_MAX) else { return Ok(()) };
    // Without it the set-up says what is wrong: a repository that an agent broke must not stop every gate.
    if !is_kept(&own, wanted) {
        return Ok(());
    }
    let target = place_of(target_top, names);
    // One that an earlier set-up made borrows nothing. Nobody's work is in it: the submodule is not filled.
    remove_tree(&target).map_err(GitError::io(&target))?;
    make(&target, url, Some(&own.join("objects")))?;
    keep_ref(&git2::Repository::open_bare(&target)?, LENT, &object_id(wanted)?)?;
    let library = git2::Repository::open_bare(&own)?;
    for (_, module, wanted) in submodules_of(&library, wanted)? {
        let url = absolute_url(&library, &module.url)?;
        lend(own_top, target_top, &[names, &[module.name]].concat(), (&url, wanted))?;
    }
    Ok(())
}

/// Returns whether a commit came home from a place. `false` also for a repository that cannot be read.
fn is_kept(own: &Path, wanted: Oid) -> bool {
    if refuse_in_repository(own).is_err() || !is_plain(&own.join(KEPT)) {
        return false;
    }
    let Ok(library) = git2::Repository::open_bare(own) else { return false };
    let Ok(refs) = library.references_glob(&format!("{KEPT}*")) else { return false };
    refs.flatten().any(|reference| reference.target() == Some(wanted)) && library.find_commit(wanted).is_ok()
}

/// Returns whether a folder of refs holds nothing but folders and files: libgit2 would wait at a pipe.
fn is_plain(folder: &Path) -> bool {
    let mut due = vec![folder.to_owned()];
    while let Some(folder) = due.pop() {
        // Packed refs need no folder.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => due.push(entry.path()),
                Ok(kind) if kind.is_file() => {}
                _ => return false,
            }
        }
    }
    true
}
