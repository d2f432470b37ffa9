//! Making worktrees: one at a time per repository, safe to repeat, and never over something that Paddock did
//! not make.
//!
//! An intent file is written before `git worktree add` and a marker after it. A crash in between leaves the
//! intent alone, and [`Place::existing`] clears the half-made worktree away at the next attempt.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::program::{CHECKOUT_TIME_MAX, Call};
use super::refs::keep_ref;
use super::repository::{Repository, object_id};
use super::space::checkout_error;
use super::target::{admin_folders, admin_target};
use super::unregister::unregister;
use super::whole::own_settings;
use paddock_model::ids::ObjectId;
use paddock_os::clear::remove_own;
use paddock_os::fail_points::fail_point;
use paddock_os::plain;

/// The worktree that an objective needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorktreeSpec {
    /// Folder of the worktree.
    pub path: PathBuf,
    /// Branch, `paddock/<objective-id>/work`.
    pub branch: String,
    /// Integration commit that a new branch starts from.
    pub base: ObjectId,
    /// Owner of the worktree: `project/objective`.
    pub marker: String,
    /// Set if a new one is to be an own place.
    pub own: Option<Upstream>,
}

/// Where a new own place finds what integration holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Folder of the repository that follows integration, the place's remote `origin`.
    pub origin: PathBuf,
    /// Target branch, without `refs/heads/`.
    pub branch: String,
}

/// A worktree that Paddock made. Its git directory is known from making it, never from its `.git` file, which
/// an agent may rewrite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worktree {
    /// Folder of the working tree.
    pub path: PathBuf,
    /// Its git directory, `<common dir>/worktrees/<name>`; that of an own place is its shadow.
    pub git_dir: PathBuf,
    /// Branch without `refs/heads/`; empty if HEAD is detached.
    pub branch: String,
    /// Whether the worktree existed before the call.
    pub reused: bool,
    /// Whether it is an own place: a repository of its own, of which Paddock knows what came home.
    #[serde(default)]
    pub is_own: bool,
}

impl Worktree {
    /// Returns the name of the place in the refs that keep what it borrows: that of its git directory.
    #[must_use]
    pub fn place_name(&self) -> &str {
        self.git_dir.file_name().and_then(|name| name.to_str()).unwrap_or("place")
    }
}

/// File in a worktree's git directory that says that Paddock made the worktree, and for which owner.
pub(crate) const MARKER_FILE: &str = "paddock";

/// Processes that write the files of a large checkout at the same time, at most.
const CHECKOUT_WORKERS: &str = "4";

/// Records a branch as Paddock's before git makes it, because a branch without the record counts as the
/// user's. Moves a branch without commits of its own to the new base.
pub(crate) fn prepare_branch(
    repository: &Repository,
    spec: &WorktreeSpec,
    in_use: bool,
) -> Result<(), GitError> {
    let full = format!("refs/heads/{}", spec.branch);
    let made = made_ref(&spec.branch);
    let (head, made_at) = (repository.commit_of(&full)?, repository.commit_of(&made)?);
    let library = repository.library()?;
    match (head, made_at) {
        // A branch without the record is the user's.
        (Some(_), None) => Err(GitError::Foreign {
            what: format!("the branch {}", spec.branch),
            way_out: format!(
                "rename it with `git branch -m {} NEW-NAME`, or rename the objective",
                spec.branch
            ),
        }),
        // A branch still at its start is as good as new. With a worktree on it, the files would stay behind;
        // `bring_forward` moves both.
        (Some(head), Some(start)) if head == start && head != spec.base && !in_use => {
            repository.set_ref(&full, Some(&head), &spec.base, "paddock: start from the newer tip")?;
            keep_ref(&library, &made, &spec.base)
        }
        (Some(_), Some(_)) => Ok(()),
        (None, _) if library.find_reference("refs/heads/paddock").is_ok() => Err(GitError::Foreign {
            what: "the branch `paddock`, which makes the name `paddock/<id>/work` impossible,".to_owned(),
            way_out: "rename it with `git branch -m paddock NEW-NAME`".to_owned(),
        }),
        (None, _) => {
            keep_ref(&library, &made, &spec.base)?;
            // Somebody deleted the branch of a worktree that is still there: its HEAD must lead to a commit
            // again.
            if in_use {
                keep_ref(&library, &full, &spec.base)?;
            }
            Ok(())
        }
    }
}

/// Returns the name of the ref that records a work branch as made by Paddock; the ref points to the branch's
/// start.
pub(crate) fn made_ref(branch: &str) -> String {
    let middle = branch.strip_prefix("paddock/").unwrap_or(branch);
    format!("refs/paddock/made/{}", middle.strip_suffix("/work").unwrap_or(middle))
}

/// A path where one of Paddock's worktrees is or will be.
pub(crate) struct Place<'a> {
    pub(crate) repository: &'a Repository,
    pub(crate) path: &'a Path,
    pub(crate) marker: &'a str,
}

impl Place<'_> {
    /// Returns the git directory of the worktree at this path if Paddock made it for this owner. Clears away
    /// what a crash left half made.
    ///
    /// Fails with [`GitError::Foreign`] if something else lies there.
    pub(crate) fn existing(&self) -> Result<Option<PathBuf>, GitError> {
        refuse_link(self.path)?;
        let admin = admin_of(self.repository, self.path)?;
        let making = self.intent_file()?.exists();
        match admin {
            Some(admin) if plain::read_to_string(admin.join(MARKER_FILE)).is_ok_and(|m| m == self.marker) => {
                if self.path.is_dir() {
                    self.repair(&admin)?;
                    self.settle_intent()?;
                    return Ok(Some(admin));
                }
                // Somebody deleted the folder: without it, git's record only blocks the branch.
                unregister(self.repository, &admin)?;
            }
            // No marker, or one that a crash left empty.
            Some(admin) if making => {
                unregister(self.repository, &admin)?;
                self.clear_half_made()?;
            }
            None if making => self.clear_half_made()?,
            Some(_) => return Err(self.foreign()),
            None if is_free(self.path) => {}
            None => return Err(self.foreign()),
        }
        Ok(None)
    }

    /// Runs `git worktree add` at this path and marks the result as Paddock's. `what` holds options, and what
    /// to check out. Checks out every file, even if the user's own checkout is sparse.
    pub(crate) fn make(&self, new_branch: Option<&str>, what: &[&str]) -> Result<PathBuf, GitError> {
        self.make_by(|| {
            let mut call = Call::new(self.repository).whole().limit(CHECKOUT_TIME_MAX);
            call = call.setting("checkout.workers", CHECKOUT_WORKERS);
            call = call.args(["worktree", "add", "--quiet"]);
            if let Some(branch) = new_branch {
                call = call.args(["--no-track", "-b", branch]);
            }
            let (options, what): (Vec<&str>, Vec<&str>) =
                what.iter().partition(|word| word.starts_with("--"));
            let commit = what.last().copied().unwrap_or("HEAD");
            call.args(options)
                .args([self.path])
                .args(&what)
                .run()
                .map_err(|error| checkout_error(self.repository, self.path, commit, error))?;
            let admin = admin_of(self.repository, self.path)?.ok_or_else(|| {
                let path = self.path.display();
                let said = format!("`git worktree add` succeeded, but git lists no worktree at {path}");
                GitError::Unexpected(said)
            })?;
            own_settings(&admin)?;
            Ok(admin)
        })
    }

    /// Notes the intent, makes the worktree, and marks it as Paddock's. `make` returns the git directory,
    /// with settings in it that make nothing sparse: a crash before the marker is written makes the whole
    /// worktree anew, while a marked one is taken as it is.
    pub(crate) fn make_by(
        &self,
        make: impl FnOnce() -> Result<PathBuf, GitError>,
    ) -> Result<PathBuf, GitError> {
        let intent = self.intent_file()?;
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent).map_err(GitError::io(parent))?;
        }
        fs::write(&intent, self.marker).map_err(GitError::io(&intent))?;
        fail_point!("worktree.intent");
        let admin = make()?;
        fail_point!("worktree.unmarked");
        let marker = admin.join(MARKER_FILE);
        fs::write(&marker, self.marker).map_err(GitError::io(&marker))?;
        // The intent goes last: while it exists, an unmarked worktree here counts as half made, not as
        // foreign.
        self.settle_intent()?;
        Ok(admin)
    }

    /// Removes the intent of a place that is made, also one that a crash left. A later folder at this path may
    /// be somebody else's.
    pub(crate) fn settle_intent(&self) -> Result<(), GitError> {
        let intent = self.intent_file()?;
        match fs::remove_file(&intent) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(GitError::io(&intent)(error)),
            _ => Ok(()),
        }
    }

    /// Restores the two files that tie a worktree to the repository, whatever an agent wrote into them.
    pub(crate) fn repair(&self, admin: &Path) -> Result<(), GitError> {
        refuse_link(self.path)?;
        let dot_git = self.path.join(".git");
        if dot_git.is_dir() && !dot_git.is_symlink() {
            return Err(GitError::Foreign {
                what: format!("the repository that replaced {}", dot_git.display()),
                way_out: "move that folder away; then retry".to_owned(),
            });
        }
        write_if_other(&dot_git, &format!("gitdir: {}\n", admin.display()))?;
        repair_commondir(admin)
    }

    /// Deletes the folder. The intent proves that Paddock began to make it, and sessions start only after the
    /// marker is written, so the folder holds nobody's work.
    fn clear_half_made(&self) -> Result<(), GitError> {
        remove_own(self.path).map_err(GitError::io(self.path))
    }

    /// Returns the path of the intent file, named by a hash because the path of a worktree is no file name.
    pub(crate) fn intent_file(&self) -> Result<PathBuf, GitError> {
        let id = git2::Oid::hash_object(git2::ObjectType::Blob, self.path.as_os_str().as_encoded_bytes())?;
        let folder = self.repository.own_folder()?.join("making");
        fs::create_dir_all(&folder).map_err(GitError::io(&folder))?;
        Ok(folder.join(object_id(id)?.as_str()))
    }

    pub(crate) fn foreign(&self) -> GitError {
        GitError::Foreign {
            what: format!("the folder {}", self.path.display()),
            way_out: "move it away, or choose another `worktrees_root`".to_owned(),
        }
    }
}

/// Refuses a link at the path. An agent can put one in place of its worktree; the link's target is not
/// Paddock's to read, write or remove.
pub(crate) fn refuse_link(path: &Path) -> Result<(), GitError> {
    if !path.is_symlink() {
        return Ok(());
    }
    Err(GitError::Foreign {
        what: format!("the symbolic link {}, which replaced a folder,", path.display()),
        way_out: "check where it leads, remove the link, then retry".to_owned(),
    })
}

/// Makes a linked worktree's git directory lead to the repository that contains it.
pub(crate) fn repair_commondir(admin: &Path) -> Result<(), GitError> {
    repair_commondir_at(admin, "../..")
}

/// Like [`repair_commondir`], for a git directory that lies elsewhere; `up` is the way to the repository.
pub(crate) fn repair_commondir_at(admin: &Path, up: &str) -> Result<(), GitError> {
    write_if_other(&admin.join("commondir"), &format!("{up}\n"))
}

/// Makes a file hold exactly this text, whatever an agent put in its place.
pub(crate) fn write_if_other(file: &Path, text: &str) -> Result<(), GitError> {
    match fs::symlink_metadata(file).map(|facts| facts.file_type()) {
        Ok(kind) if kind.is_file() && plain::read_to_string(file).is_ok_and(|found| found == text) => {
            return Ok(());
        }
        // Writing through a link would change the link's target, and a pipe would block.
        Ok(kind) if !kind.is_file() && !kind.is_dir() => fs::remove_file(file).map_err(GitError::io(file))?,
        _ => {}
    }
    fs::write(file, text).map_err(GitError::io(file))
}

/// Returns the git directory of the linked worktree that git has registered for a path, if any.
pub(crate) fn admin_of(repository: &Repository, path: &Path) -> Result<Option<PathBuf>, GitError> {
    let is_here = |admin: &PathBuf| {
        // git's record may hold the path through a link, as the user wrote it.
        admin_target(admin).is_some_and(|target| target == path || absolute(&target).is_ok_and(|t| t == path))
    };
    Ok(admin_folders(repository)?.into_iter().find(is_here))
}

/// Returns the absolute form of a path whose last part need not exist.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, GitError> {
    let path = std::path::absolute(path).map_err(GitError::io(path))?;
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(path) };
    // Only the parent is resolved: the last part may be a link that an agent planted.
    Ok(fs::canonicalize(parent).map_or_else(|_| path.clone(), |parent| parent.join(name)))
}

/// Returns whether a path does not exist or is an empty folder.
fn is_free(path: &Path) -> bool {
    if path.is_symlink() {
        return false;
    }
    match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Returns the lock under which worktrees of a repository are added and removed: parallel `git worktree add`
/// calls fail.
pub(crate) fn lock_of(common_dir: &Path) -> Arc<Mutex<()>> {
    static LOCKS: Mutex<Option<HashMap<PathBuf, Arc<Mutex<()>>>>> = Mutex::new(None);
    let mut locks = LOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    locks.get_or_insert_default().entry(common_dir.to_owned()).or_default().clone()
}
