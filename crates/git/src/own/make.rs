//! Making an own place. The caller has written the intent file, so that what a crash leaves here counts as half
//! made.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::error::GitError;
use super::super::home::Home;
use super::super::pool::Taken;
use super::super::program::{CHECKOUT_TIME_MAX, Call};
use super::super::repository::Repository;
use super::super::space::checkout_error;
use super::super::worktree::{Upstream, repair_commondir_at};
use super::borrowed;
use super::repository::DotGit;
use super::shadow::{OwnShadow, name_of};
use paddock_model::ids::ObjectId;
use paddock_os::fail_points::fail_point;
use paddock_os::files::make_private_dir;

/// Makes an own place at a path, with the files of `commit`, and returns its shadow. The work branch must exist
/// in the project, at `commit`. `taken` are such files out of a pool; without them, git writes them.
///
/// # Errors
/// Whatever git or the file system reports.
pub(crate) fn make(
    repository: &Repository,
    path: &Path,
    marker: &str,
    (branch, commit): (&str, &ObjectId),
    upstream: &Upstream,
    taken: Option<Taken<'_>>,
) -> Result<PathBuf, GitError> {
    let name = name_of(path)?;
    let shadow = repository.own_folder()?.join("places").join(&name);
    make_private_dir(&shadow).map_err(GitError::io(&shadow))?;
    let library = repository.library()?;
    // Before anything rests on them. While there is a shadow, nobody removes what places were given.
    borrowed::keep(&library, &name, commit)?;
    let refs = borrowed::given(&library)?;
    // Some of its readers look for the folder that all worktrees share.
    repair_commondir_at(&shadow, "../../..")?;
    let head = shadow.join("HEAD");
    fs::write(&head, format!("ref: refs/heads/{branch}\n")).map_err(GitError::io(&head))?;
    let record = OwnShadow {
        path: path.to_owned(),
        marker: marker.to_owned(),
        branch: branch.to_owned(),
        target: upstream.branch.clone(),
        shadow: None,
    };
    record.write(&shadow)?;
    Home::begin(&shadow, commit)?;
    fail_point!("place.shadow");
    match &taken {
        Some(taken) => taken.give(path, &shadow.join("index"))?,
        None => {
            fs::create_dir_all(path).map_err(GitError::io(path))?;
            check_out(repository, &shadow, path, commit)?;
        }
    }
    fail_point!("place.files");
    let dot_git = DotGit::create(path)?;
    dot_git.fill(repository, upstream, &refs)?;
    dot_git.set_ref(&format!("refs/heads/{branch}"), commit)?;
    let index = shadow.join("index");
    // A commit without files may leave none.
    if let Ok(bytes) = paddock_os::plain::read(&index) {
        dot_git.write("index", &bytes)?;
    }
    // Last: without HEAD git takes the folder for no repository.
    dot_git.set_head(branch)?;
    if let Some(taken) = taken {
        taken.settle(path)?;
    }
    Ok(shadow)
}

/// Writes the files of a commit into the place, and the index into the shadow.
fn check_out(repository: &Repository, shadow: &Path, path: &Path, commit: &ObjectId) -> Result<(), GitError> {
    let call = Call::new(repository).in_worktree(shadow, path).whole().limit(CHECKOUT_TIME_MAX);
    // As many writers as the machine has cores; small trees are written by one.
    let call = call.setting("checkout.workers", "0").setting("core.splitIndex", "false");
    call.args(["read-tree", "--reset", "-u", commit.as_str()])
        .run()
        .map(drop)
        .map_err(|error| checkout_error(repository, path, commit.as_str(), error))
}
