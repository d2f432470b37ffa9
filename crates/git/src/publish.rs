//! Publishing: fast-forwarding the user's target branch without ever harming the user's files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::objects::{changed_paths, entry_at};
use super::program::{CHECKOUT_TIME_MAX, Call, flush_path, stderr_tail};
use super::repository::{Repository, oid};
use super::status::Inside;
use super::target::{TargetUse, observe, target_uses};
use super::worktree::Worktree;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_model::project::WaitCode;

/// The publication to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishOrder {
    /// The user's branch, without `refs/heads/`.
    pub target_branch: String,
    /// Where the branch must be: the last published commit.
    pub published: ObjectId,
    /// Where it goes: a descendant.
    pub to: ObjectId,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublishOutcome {
    /// The branch is at the new commit, on disk, and so is a checkout of it.
    Published,
    /// It was there before.
    AlreadyThere,
    /// Nothing was touched; it is to be tried again.
    Waiting {
        /// Why.
        code: WaitCode,
        /// The files in the way.
        files: Vec<RepoPath>,
        /// The worktree it is about.
        worktree: Option<PathBuf>,
        /// For people: what waits, and what would clear it.
        text: String,
    },
    /// The branch is neither at the published commit nor at the new one.
    TargetMoved {
        /// Where it is.
        found: ObjectId,
    },
    /// The branch does not exist. It is not made anew.
    Missing,
}

/// Moves the target branch forward, through the worktree that uses it if there is one. Safe to repeat.
///
/// # Errors
/// When the repository cannot be read or git cannot be run.
pub fn publish(repository: &Repository, order: &PublishOrder) -> Result<PublishOutcome, GitError> {
    if let Some(outcome) = standing(repository, order)? {
        return Ok(outcome);
    }
    let uses = target_uses(repository, &order.target_branch)?;
    let answer = match uses.as_slice() {
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
                let output = merge(repository, order, git_dir, worktree)?;
                if standing(repository, order)?.is_none() {
                    return Ok(refusal(repository, order, git_dir, worktree, &output));
                }
                stderr_tail(&output)
            }
            Err(waiting) => return Ok(waiting),
        },
    };
    match standing(repository, order)? {
        Some(PublishOutcome::AlreadyThere) => {
            flush_target(repository, &order.target_branch)?;
            Ok(PublishOutcome::Published)
        }
        Some(other) => Ok(other),
        None => Ok(waiting(WaitCode::Other, Vec::new(), None, answer)),
    }
}

/// What the branch's place alone answers; nothing when it is where it must be.
fn standing(repository: &Repository, order: &PublishOrder) -> Result<Option<PublishOutcome>, GitError> {
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

/// The one checkout in which the branch can be moved, or why there is none.
fn checkout_to_move<'a>(
    common_dir: &Path,
    uses: &'a [TargetUse],
    branch: &str,
) -> Result<(&'a Path, &'a Path), PublishOutcome> {
    if let Some((busy, operation)) = uses.iter().find_map(|one| Some((one, one.operation.as_ref()?))) {
        let at = busy.worktree.as_deref();
        let text = format!("a {operation} is in progress in {}: finish or abort it", shown(at));
        return Err(waiting(WaitCode::Operation, Vec::new(), at, text));
    }
    let [one] = uses else {
        let text = format!("several worktrees are on {branch}: leave it on one of them");
        return Err(waiting(WaitCode::Other, Vec::new(), uses[0].worktree.as_deref(), text));
    };
    let Some(worktree) = one.worktree.as_deref() else {
        let text = format!(
            "a worktree on {branch} is gone from its place: run `git worktree prune`, or put it back"
        );
        return Err(waiting(WaitCode::Other, Vec::new(), None, text));
    };
    // git moves the files first and the branch last: a lock on the branch would leave them moved without it.
    let heads = common_dir.join("refs/heads");
    let locks =
        [one.git_dir.join("index.lock"), one.git_dir.join("HEAD.lock"), heads.join(format!("{branch}.lock"))];
    if let Some(lock) = locks.iter().find(|lock| lock.exists()) {
        let text = format!("{} exists: a git command is running there, or one was killed", lock.display());
        return Err(waiting(WaitCode::Locked, Vec::new(), Some(worktree), text));
    }
    Ok((&one.git_dir, worktree))
}

fn shown(worktree: Option<&Path>) -> String {
    worktree.map_or_else(|| "a worktree".to_owned(), |path| path.display().to_string())
}

/// Fast-forwards in the checkout; git itself refuses whatever would touch the user's files.
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
        .setting(format!("branch.{}.mergeOptions", order.target_branch), "")
        .variable("GIT_REFLOG_ACTION", "paddock: publish")
        .args(["merge", "--ff-only", "--no-autostash", "--no-overwrite-ignore", "--no-verify-signatures"])
        .args(["--no-stat", order.to.as_str()])
        .output()
}

/// Moves a branch that nobody uses; fetch refuses a branch in use and anything but a fast-forward.
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

/// Why git refused, by what is in the way and not by its sentences.
fn refusal(
    repository: &Repository,
    order: &PublishOrder,
    git_dir: &Path,
    worktree: &Path,
    refused: &Output,
) -> PublishOutcome {
    let words = String::from_utf8_lossy(&refused.stderr);
    let ended = stderr_tail(refused);
    let files = files_in_the_way(repository, order, git_dir, worktree, &refused.stderr);
    let index = git2::Index::open(&git_dir.join("index")).ok();
    let is_tracked =
        |file: &RepoPath| index.as_ref().is_some_and(|index| index.get_path(file.as_path(), 0).is_some());
    let is_unmerged = index.as_ref().is_some_and(git2::Index::has_conflicts);
    let code = match () {
        () if is_unmerged || files.iter().any(is_tracked) => WaitCode::LocalChanges,
        () if !files.is_empty() => untracked_or_ignored(repository, worktree, &files),
        // The name of a file, in quotes.
        () if words.contains(".lock'") => WaitCode::Locked,
        () if super::target::operation(git_dir).is_some() => WaitCode::Operation,
        () => WaitCode::Other,
    };
    let what = match code {
        WaitCode::LocalChanges => "uncommitted changes are in the way: commit, stash or undo them",
        WaitCode::Untracked => "untracked files are in the way: move or delete them",
        WaitCode::Ignored => "ignored files are in the way: move or delete them",
        _ => &ended,
    };
    let text = format!("{} cannot move forward in {}: {what}", order.target_branch, worktree.display());
    waiting(code, files, Some(worktree), text)
}

/// git cuts its messages off at 4,096 bytes; a shorter one is whole.
const WHOLE_MESSAGE_BYTES: usize = 4_000;

/// The files that git named, on lines that begin with a tab; found anew where its message was cut off.
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

/// Files that the user deleted without a word to git, and that publishing would bring back: git takes a file that is
/// gone for one that nobody changed. Files that a sparse checkout leaves out are meant to be away.
fn deleted_in_the_way(
    repository: &Repository,
    order: &PublishOrder,
    git_dir: &Path,
    worktree: &Path,
) -> Result<Vec<RepoPath>, GitError> {
    const SKIP_WORKTREE: u16 = 1 << 14;
    let library = repository.library()?;
    let tree = |id| Ok::<_, GitError>(library.find_commit(oid(id)?)?.tree_id());
    let changed = changed_paths(&library, Some(tree(&order.published)?), Some(tree(&order.to)?))?;
    let index = git2::Index::open(&git_dir.join("index"))?;
    let after = library.find_tree(tree(&order.to)?)?;
    let is_gone = |path: &RepoPath| {
        let is_tracked = index
            .get_path(path.as_path(), 0)
            .is_some_and(|entry| entry.flags_extended & SKIP_WORKTREE == 0 && entry.mode != 0o160_000);
        let found = fs::symlink_metadata(worktree.join(path.as_path()));
        is_tracked
            && entry_at(&after, path).is_some()
            && found.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    };
    Ok(changed.into_iter().filter(is_gone).collect())
}

/// The paths that publishing changes and that are changed, or untracked, in the checkout.
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
    let Ok(library) = repository.library() else { return WaitCode::Untracked };
    if library.set_workdir(worktree, false).is_err() || files.is_empty() {
        return WaitCode::Untracked;
    }
    let ignored = |file: &RepoPath| library.is_path_ignored(file.as_path()).unwrap_or(false);
    if files.iter().all(ignored) { WaitCode::Ignored } else { WaitCode::Untracked }
}

/// git flushes the ref's file; the folder that names it is flushed here.
fn flush_target(repository: &Repository, branch: &str) -> Result<(), GitError> {
    let file = repository.common_dir().join("refs/heads").join(branch);
    match (fs::metadata(&file), file.parent()) {
        (Ok(_), Some(folder)) => flush_path(folder),
        _ => Ok(()),
    }
}
