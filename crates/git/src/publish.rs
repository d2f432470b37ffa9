//! Publishing: fast-forwards the user's target branch without ever harming the user's files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::objects::changed_paths;
use super::program::{CHECKOUT_TIME_MAX, Call, flush_path, stderr_tail};
use super::repository::{Repository, oid};
use super::snapshot::Snapshot;
use super::status::Inside;
use super::target::{TargetUse, observe, target_uses};
use super::whole::SKIP_WORKTREE;
use super::worktree::Worktree;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_model::project::WaitCode;

/// A publication to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishOrder {
    /// Name of the user's branch, without `refs/heads/`.
    pub target_branch: String,
    /// Commit that the branch must hold: the last published one.
    pub published: ObjectId,
    /// Commit that the branch moves to, a descendant of `published`.
    pub to: ObjectId,
}

/// Outcome of a publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublishOutcome {
    /// The branch holds the new commit, on disk, and so does a checkout of it.
    Published,
    /// The branch held the new commit before.
    AlreadyThere,
    /// Nothing was touched; a later attempt may succeed.
    Waiting {
        /// Why the publication waits.
        code: WaitCode,
        /// Files in the way.
        files: Vec<RepoPath>,
        /// Worktree that has to be changed first, if it is known.
        worktree: Option<PathBuf>,
        /// What waits and what would clear it, for people.
        text: String,
    },
    /// The branch holds neither the published commit nor the new one.
    TargetMoved {
        /// Commit that the branch holds.
        found: ObjectId,
    },
    /// The branch does not exist. Publishing does not create it again: somebody deleted it.
    Missing,
}

/// Moves the target branch forward, through the worktree that uses it if there is one. Safe to repeat.
///
/// # Errors
/// Fails if the repository cannot be read or git cannot be run.
pub fn publish(repository: &Repository, order: &PublishOrder) -> Result<PublishOutcome, GitError> {
    if let Some(outcome) = settled_outcome(repository, order)? {
        return Ok(outcome);
    }
    // A branch that is checked out must not move without the files of its checkout, else the user would see
    // all landed work as their own uncommitted reversal.
    let uses = target_uses(repository, &order.target_branch)?;
    let message = match uses.as_slice() {
        [] => fetch(repository, order)?,
        uses => match checkout_to_move(repository.common_dir(), uses, &order.target_branch) {
            Ok((git_dir, worktree)) => {
                let deleted = deleted_in_the_way(repository, order, git_dir, worktree)?;
                if !deleted.is_empty() {
                    let text = format!(
                        "{} cannot move forward in {}: files that you deleted there have changed; commit the \
                         deletion, or bring them back",
                        order.target_branch,
                        worktree.display()
                    );
                    return Ok(waiting(WaitCode::LocalChanges, deleted, Some(worktree), text));
                }
                repository.refuse_needed(&order.to)?;
                // git's exit status is ignored: what the branch holds afterwards decides.
                let output = merge(repository, order, git_dir, worktree)?;
                if settled_outcome(repository, order)?.is_none() {
                    return Ok(refusal(repository, order, git_dir, worktree, &output));
                }
                stderr_tail(&output)
            }
            Err(waiting) => return Ok(waiting),
        },
    };
    match settled_outcome(repository, order)? {
        // The branch was elsewhere at the start, so this call moved it.
        Some(PublishOutcome::AlreadyThere) => {
            flush_target(repository, &order.target_branch)?;
            Ok(PublishOutcome::Published)
        }
        Some(other) => Ok(other),
        None => Ok(waiting(WaitCode::Other, Vec::new(), None, message)),
    }
}

/// Returns the outcome that the branch's commit alone decides, or `None` if the branch holds the published
/// commit and has to move.
fn settled_outcome(
    repository: &Repository,
    order: &PublishOrder,
) -> Result<Option<PublishOutcome>, GitError> {
    Ok(match observe(repository, &order.target_branch)? {
        None => Some(PublishOutcome::Missing),
        Some(found) if found == order.to => Some(PublishOutcome::AlreadyThere),
        Some(found) if found != order.published => Some(PublishOutcome::TargetMoved { found }),
        Some(_) => None,
    })
}

fn waiting(code: WaitCode, files: Vec<RepoPath>, worktree: Option<&Path>, text: String) -> PublishOutcome {
    PublishOutcome::Waiting { code, files, worktree: worktree.map(Path::to_owned), text }
}

/// Returns the git directory and folder of the one checkout in which the branch can move, or else the outcome
/// that says why there is none.
fn checkout_to_move<'a>(
    common_dir: &Path,
    uses: &'a [TargetUse],
    branch: &str,
) -> Result<(&'a Path, &'a Path), PublishOutcome> {
    if let Some((busy, operation)) = uses.iter().find_map(|one| Some((one, one.operation.as_ref()?))) {
        let at = busy.worktree.as_deref();
        let text = format!("a {operation} is in progress in {}: finish or abort it", display_worktree(at));
        return Err(waiting(WaitCode::Operation, Vec::new(), at, text));
    }
    // git moves the branch in one checkout only; the files of the others would stay behind.
    let [one] = uses else {
        let text = format!("several worktrees are on {branch}: switch all but one of them to another branch");
        return Err(waiting(WaitCode::Other, Vec::new(), uses[0].worktree.as_deref(), text));
    };
    let Some(worktree) = one.worktree.as_deref() else {
        let text = format!(
            "the folder of a worktree on {branch} is gone: run `git worktree prune`, or put the folder back"
        );
        return Err(waiting(WaitCode::Other, Vec::new(), None, text));
    };
    // git moves the files first and the branch last, so a lock on the branch would leave the files moved and
    // the branch where it was. All locks are therefore looked at before git starts.
    let heads = common_dir.join("refs/heads");
    let locks =
        [one.git_dir.join("index.lock"), one.git_dir.join("HEAD.lock"), heads.join(format!("{branch}.lock"))];
    if let Some(lock) = locks.iter().find(|lock| lock.exists()) {
        let text = format!("{} exists: a git command is running there, or one was killed", lock.display());
        return Err(waiting(WaitCode::Locked, Vec::new(), Some(worktree), text));
    }
    Ok((&one.git_dir, worktree))
}

fn display_worktree(worktree: Option<&Path>) -> String {
    worktree.map_or_else(|| "a worktree".to_owned(), |path| path.display().to_string())
}

/// Fast-forwards in the checkout. git itself refuses whatever would touch the user's files.
fn merge(
    repository: &Repository,
    order: &PublishOrder,
    git_dir: &Path,
    worktree: &Path,
) -> Result<Output, GitError> {
    Call::new(repository)
        .in_worktree(git_dir, worktree)
        .limit(CHECKOUT_TIME_MAX)
        .durable()
        // git would add the user's own options for merges into this branch to the call: `--squash`, for one,
        // would update the files and leave the branch where it is.
        .setting(format!("branch.{}.mergeOptions", order.target_branch), "")
        .variable("GIT_REFLOG_ACTION", "paddock: publish")
        // An autostash would touch the user's changes. Without `--no-overwrite-ignore`, git overwrites
        // ignored files.
        .args(["merge", "--ff-only", "--no-autostash", "--no-overwrite-ignore", "--no-verify-signatures"])
        .args(["--no-stat", order.to.as_str()])
        .output()
}

/// Moves a branch that no worktree uses. `git fetch` from the repository itself refuses a branch in use and
/// anything but a fast-forward.
fn fetch(repository: &Repository, order: &PublishOrder) -> Result<String, GitError> {
    let output = Call::new(repository)
        .durable()
        .args([
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-prune",
        ])
        .args(["--no-auto-maintenance", "."])
        .args([format!("{}:refs/heads/{}", order.to, order.target_branch)])
        .output()?;
    Ok(stderr_tail(&output))
}

/// Returns why git refused, judged by what is in the way and not by git's sentences, which change between
/// versions.
fn refusal(
    repository: &Repository,
    order: &PublishOrder,
    git_dir: &Path,
    worktree: &Path,
    refused: &Output,
) -> PublishOutcome {
    let words = String::from_utf8_lossy(&refused.stderr);
    let message = stderr_tail(refused);
    let files = files_in_the_way(repository, order, git_dir, worktree, &refused.stderr);
    let index = git2::Index::open(&git_dir.join("index")).ok();
    let is_tracked =
        |file: &RepoPath| index.as_ref().is_some_and(|index| index.get_path(file.as_path(), 0).is_some());
    let is_unmerged = index.as_ref().is_some_and(git2::Index::has_conflicts);
    let code = match () {
        () if is_unmerged || files.iter().any(is_tracked) => WaitCode::LocalChanges,
        () if !files.is_empty() => untracked_or_ignored(repository, worktree, &files),
        // The name of a lock file, in quotes: a part of the message that is no sentence.
        () if words.contains(".lock'") => WaitCode::Locked,
        () if super::target::operation(git_dir).is_some() => WaitCode::Operation,
        () => WaitCode::Other,
    };
    let what = match code {
        WaitCode::LocalChanges => "uncommitted changes are in the way: commit, stash or undo them",
        WaitCode::Untracked => "untracked files are in the way: move or delete them",
        WaitCode::Ignored => "ignored files are in the way: move or delete them",
        _ => &message,
    };
    let text = format!("{} cannot move forward in {}: {what}", order.target_branch, worktree.display());
    waiting(code, files, Some(worktree), text)
}

/// Length in bytes below which a message of git is known to be whole: git cuts its messages off at 4,096
/// bytes.
const WHOLE_MESSAGE_BYTES: usize = 4_000;

/// Returns the files that git named, on lines that begin with a tab. If the message may be cut off, looks for
/// the files again.
fn files_in_the_way(
    repository: &Repository,
    order: &PublishOrder,
    git_dir: &Path,
    worktree: &Path,
    message: &[u8],
) -> Vec<RepoPath> {
    let lines = message.split(|byte| *byte == b'\n');
    let named: Vec<RepoPath> = lines.filter_map(|line| line.strip_prefix(b"\t")).map(RepoPath::new).collect();
    if message.len() < WHOLE_MESSAGE_BYTES {
        return named;
    }
    found_in_the_way(repository, order, git_dir, worktree).unwrap_or(named)
}

/// Returns files that the user deleted without `git rm` and that publishing would bring back: git treats a
/// missing file as unchanged. Files that a sparse checkout leaves out are meant to be missing.
fn deleted_in_the_way(
    repository: &Repository,
    order: &PublishOrder,
    git_dir: &Path,
    worktree: &Path,
) -> Result<Vec<RepoPath>, GitError> {
    let library = repository.library()?;
    let tree = |id| Ok::<_, GitError>(library.find_commit(oid(id)?)?.tree_id());
    let changed = changed_paths(&library, Some(tree(&order.published)?), Some(tree(&order.to)?))?;
    let index = git2::Index::open(&git_dir.join("index"))?;
    let after = Snapshot::new(&library, Some(tree(&order.to)?));
    let is_gone = |path: &RepoPath| {
        let is_tracked = index
            .get_path(path.as_path(), 0)
            .is_some_and(|entry| entry.flags_extended & SKIP_WORKTREE == 0 && entry.mode != 0o160_000);
        let found = fs::symlink_metadata(worktree.join(path.as_path()));
        is_tracked
            && after.entry(path).is_some()
            && found.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    };
    Ok(changed.into_iter().filter(is_gone).collect())
}

/// Returns the paths that publishing changes and that are changed or untracked in the checkout.
fn found_in_the_way(
    repository: &Repository,
    order: &PublishOrder,
    git_dir: &Path,
    worktree: &Path,
) -> Result<Vec<RepoPath>, GitError> {
    let checkout = Worktree {
        path: worktree.to_owned(),
        git_dir: git_dir.to_owned(),
        branch: order.target_branch.clone(),
        reused: true,
        is_own: false,
    };
    let inside = Inside::open(repository, &checkout)?;
    let tree = |id| Ok::<_, GitError>(inside.library.find_commit(oid(id)?)?.tree_id());
    let mut paths = changed_paths(&inside.library, Some(tree(&order.published)?), Some(tree(&order.to)?))?;
    let mut dirty = inside.staged()?;
    dirty.extend(inside.unstaged()?);
    paths.retain(|path| {
        let tracked = inside.index.get_path(path.as_path(), 0).is_some();
        dirty.contains(path) || (!tracked && fs::symlink_metadata(worktree.join(path.as_path())).is_ok())
    });
    Ok(paths.into_iter().collect())
}

fn untracked_or_ignored(repository: &Repository, worktree: &Path, files: &[RepoPath]) -> WaitCode {
    // This only chooses between two words for people, so a fault here is not worth an error.
    let Ok(library) = repository.library() else { return WaitCode::Untracked };
    if library.set_workdir(worktree, false).is_err() || files.is_empty() {
        return WaitCode::Untracked;
    }
    let ignored = |file: &RepoPath| library.is_path_ignored(file.as_path()).unwrap_or(false);
    if files.iter().all(ignored) { WaitCode::Ignored } else { WaitCode::Untracked }
}

/// Flushes the folder of the ref's file; git itself flushes the file only.
fn flush_target(repository: &Repository, branch: &str) -> Result<(), GitError> {
    let file = repository.common_dir().join("refs/heads").join(branch);
    match (fs::metadata(&file), file.parent()) {
        (Ok(_), Some(folder)) => flush_path(folder),
        // The ref is packed, and git flushes packed refs.
        _ => Ok(()),
    }
}
