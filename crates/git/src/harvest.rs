//! Reading what a session left behind: its commits, their net change, uncommitted paths, and where HEAD went.

use std::collections::BTreeSet;

use git2::{Commit, ErrorCode, Sort};
use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::objects::changed_paths;
use super::refs::{keep_ref, relation, set_ref};
use super::repository::{Repository, object_id, oid};
use super::set_up::{Baseline, SetUpLeft};
use super::snapshot::Snapshot;
use super::status::{head_commit, worktree_status};
use super::target::{operation, symbolic_head};
use super::worktree::Worktree;
use super::{CasOutcome, Relation};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::files::{Flush, mode_of, write_atomic};

/// Facts about one commit of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointFacts {
    /// The commit.
    pub commit: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Parents, first parent first.
    pub parents: Vec<ObjectId>,
    /// First line of the message, at most 200 characters.
    pub summary: String,
    /// Author's time, in seconds since 1970.
    pub author_time_s: i64,
    /// Paths that the commit changes; for a merge, those that differ from the automatic merge of its parents.
    pub paths: Vec<RepoPath>,
    /// Whether the commit has more than one parent.
    pub is_merge: bool,
    /// Whether the commit is no merge and changes nothing.
    pub is_empty: bool,
    /// Whether an earlier review has judged the commit.
    pub reviewed: bool,
}

/// A HEAD that is not on the head of the work branch, and what the harvest did about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadElsewhere {
    /// Commit that HEAD leads to.
    pub commit: ObjectId,
    /// Branch that HEAD is on; `None` if HEAD is detached.
    pub branch: Option<String>,
    /// Whether the work branch was moved forward to the commit.
    pub taken_over: bool,
    /// Ref that keeps the commit if it was not taken over.
    pub kept: Option<String>,
}

/// What a session left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Harvest {
    /// Head of the work branch, after taking over what HEAD had beyond it.
    pub head: ObjectId,
    /// Commits that are neither in the base nor in the integration commit, oldest first.
    pub commits: Vec<CheckpointFacts>,
    /// Whether the branch has more than [`COMMITS_MAX`] commits; only the oldest are listed.
    pub truncated: bool,
    /// Paths that the branch as a whole changes, compared with where it left the integration ref.
    pub net_paths: Vec<RepoPath>,
    /// Those of the net paths that are links where git accepts only files (`.gitmodules`).
    pub bad_links: Vec<RepoPath>,
    /// What the set-up of the worktree made, and what the branch commits of it.
    pub set_up: SetUpLeft,
    /// Uncommitted paths in the worktree.
    pub uncommitted: Vec<RepoPath>,
    /// Set if HEAD was not on the head of the work branch.
    pub head_elsewhere: Option<HeadElsewhere>,
    /// Ref that keeps the head of the last review, if the branch no longer contains that head.
    pub rewritten: Option<String>,
}

/// Maximum number of commits listed. A branch with more is for a person to judge.
pub const COMMITS_MAX: usize = 10_000;

/// Reads what a session left behind in a worktree whose processes are dead. If HEAD is ahead of the work
/// branch, the branch follows it; if HEAD has diverged, a ref keeps its commit.
///
/// # Errors
/// Fails if the repository cannot be read, or if somebody moves the branch meanwhile.
pub fn harvest(
    repository: &Repository,
    worktree: &Worktree,
    base: &ObjectId,
    integration: &ObjectId,
    reviewed: Option<&ObjectId>,
    exclude: &[String],
) -> Result<Harvest, GitError> {
    let library = repository.library()?;
    let (head, head_elsewhere) = settle_head(&library, worktree, base)?;
    let rewritten = keep_rewritten(&library, worktree, &head, reviewed)?;
    let (commits, truncated) = checkpoints(&library, &head, [base, integration], reviewed)?;
    let net_paths = net_paths(&library, integration, &head)?;
    let bad_links = bad_links(&library, &head, &net_paths)?;
    let set_up = Baseline::load(&worktree.git_dir).judge(&library, integration, &head, &net_paths)?;
    let uncommitted = worktree_status(repository, worktree, exclude)?;
    Ok(Harvest {
        head,
        commits,
        truncated,
        net_paths,
        bad_links,
        set_up,
        uncommitted,
        head_elsewhere,
        rewritten,
    })
}

/// Returns the number of commits that HEAD has beyond the branch's base and beyond the integration commit,
/// whose commits a session may merge. Cheap enough to ask while a session runs.
///
/// # Errors
/// Fails if the repository cannot be read.
pub fn head_count(
    repository: &Repository,
    worktree: &Worktree,
    base: &ObjectId,
    integration: &ObjectId,
) -> Result<u32, GitError> {
    let library = repository.library()?;
    let Some(head) = head_commit(&library, &worktree.git_dir)? else { return Ok(0) };
    let mut walk = library.revwalk()?;
    walk.push(oid(&head)?)?;
    walk.hide(oid(base)?)?;
    walk.hide(oid(integration)?)?;
    Ok(u32::try_from(walk.take(COMMITS_MAX).count()).unwrap_or(u32::MAX))
}

/// Decides which commit is the work branch's head, moves the branch there, and puts HEAD back on the branch.
fn settle_head(
    library: &git2::Repository,
    worktree: &Worktree,
    base: &ObjectId,
) -> Result<(ObjectId, Option<HeadElsewhere>), GitError> {
    let full = format!("refs/heads/{}", worktree.branch);
    let found = super::refs::commit_of(library, &full)?;
    // A session may have deleted its branch; the base is its start.
    let branch_head = found.clone().unwrap_or_else(|| base.clone());
    let branch = symbolic_head(&worktree.git_dir);
    let worktree_head = head_commit(library, &worktree.git_dir)?.unwrap_or_else(|| branch_head.clone());
    let head_relation = relation(library, oid(&worktree_head)?, oid(&branch_head)?)?;
    let elsewhere = |taken_over, kept| HeadElsewhere {
        commit: worktree_head.clone(),
        branch: branch.clone(),
        taken_over,
        kept,
    };
    let (head, report) = match head_relation {
        // A HEAD behind the branch holds nothing that the branch lacks.
        Relation::Same | Relation::Ancestor => (branch_head, None),
        Relation::Descendant => (worktree_head.clone(), Some(elsewhere(true, None))),
        // Neither contains the other. The session was asked to commit to the branch, so the branch counts.
        Relation::Diverged => {
            let kept = keep_work(library, worktree, &worktree_head)?;
            (branch_head, Some(elsewhere(false, Some(kept))))
        }
    };
    if found.as_ref() != Some(&head) {
        let moved = set_ref(library, &full, found.as_ref(), &head, "paddock: take over HEAD")?;
        if moved != CasOutcome::Done {
            return Err(GitError::Unexpected(format!(
                "{full} was moved by somebody else while Paddock read what its session left behind"
            )));
        }
    }
    if worktree_head == head {
        reattach(worktree)?;
    }
    Ok((head, report))
}

/// Puts HEAD back on the work branch, so that the next session's commits go there. HEAD's commit stays the
/// same, so index and files fit.
fn reattach(worktree: &Worktree) -> Result<(), GitError> {
    // During a rebase, git itself puts HEAD back when the rebase ends.
    let on_branch = symbolic_head(&worktree.git_dir).as_deref() == Some(worktree.branch.as_str());
    if on_branch || operation(&worktree.git_dir).is_some() {
        return Ok(());
    }
    let file = worktree.git_dir.join("HEAD");
    let text = format!("ref: refs/heads/{}\n", worktree.branch);
    write_atomic(&file, text.as_bytes(), mode_of(&file), Flush::Later).map_err(GitError::io(&file))
}

/// Keeps the head of the last review with a ref if the branch was rewritten since, and returns the ref.
fn keep_rewritten(
    library: &git2::Repository,
    worktree: &Worktree,
    head: &ObjectId,
    reviewed: Option<&ObjectId>,
) -> Result<Option<String>, GitError> {
    let Some(reviewed) = reviewed else { return Ok(None) };
    match relation(library, oid(reviewed)?, oid(head)?)? {
        Relation::Same | Relation::Ancestor => Ok(None),
        Relation::Descendant | Relation::Diverged => keep_work(library, worktree, reviewed).map(Some),
    }
}

/// Keeps a commit with a ref of the objective and returns the ref. The name follows from the commit, so a
/// repeated harvest finds the same ref.
pub(crate) fn keep_work(
    library: &git2::Repository,
    worktree: &Worktree,
    commit: &ObjectId,
) -> Result<String, GitError> {
    let middle = worktree.branch.strip_prefix("paddock/").unwrap_or(&worktree.branch);
    let objective = middle.strip_suffix("/work").unwrap_or(middle);
    let name = format!("refs/paddock/kept/{objective}/{}", commit.short());
    keep_ref(library, &name, commit)?;
    Ok(name)
}

/// Keeps a commit with a ref of the worktree's objective and returns the ref. Does nothing if the work branch
/// holds the commit.
///
/// # Errors
/// Fails if the repository cannot be read or written.
pub fn keep_for_objective(
    repository: &Repository,
    worktree: &Worktree,
    commit: &ObjectId,
) -> Result<Option<String>, GitError> {
    let library = repository.library()?;
    let head = super::refs::commit_of(&library, &format!("refs/heads/{}", worktree.branch))?;
    let is_held = match head {
        Some(head) => {
            matches!(relation(&library, oid(commit)?, oid(&head)?)?, Relation::Same | Relation::Ancestor)
        }
        None => false,
    };
    if is_held { Ok(None) } else { keep_work(&library, worktree, commit).map(Some) }
}

fn checkpoints(
    library: &git2::Repository,
    head: &ObjectId,
    known: [&ObjectId; 2],
    reviewed: Option<&ObjectId>,
) -> Result<(Vec<CheckpointFacts>, bool), GitError> {
    let ids = new_commits(library, head, &known)?;
    // "Reviewed" means reachable from the reviewed head, which a walk that hides this head decides for all at
    // once.
    let unseen: BTreeSet<git2::Oid> = match reviewed {
        Some(reviewed) => new_commits(library, head, &[known[0], known[1], reviewed])?.into_iter().collect(),
        None => ids.iter().copied().collect(),
    };
    let truncated = ids.len() > COMMITS_MAX;
    let mut facts = Vec::new();
    for id in ids.into_iter().take(COMMITS_MAX) {
        facts.push(facts_of(library, &library.find_commit(id)?, !unseen.contains(&id))?);
    }
    Ok((facts, truncated))
}

/// Returns the commits that `head` has beyond `known`, oldest first, parents before children.
pub(super) fn new_commits(
    library: &git2::Repository,
    head: &ObjectId,
    known: &[&ObjectId],
) -> Result<Vec<git2::Oid>, GitError> {
    let mut walk = library.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
    walk.push(oid(head)?)?;
    for commit in known {
        walk.hide(oid(commit)?)?;
    }
    Ok(walk.collect::<Result<_, _>>()?)
}

pub(super) fn facts_of(
    library: &git2::Repository,
    commit: &Commit<'_>,
    reviewed: bool,
) -> Result<CheckpointFacts, GitError> {
    let is_merge = commit.parent_count() > 1;
    let paths = match commit.parent_count() {
        0 | 1 => {
            let parent = commit.parents().next().map(|parent| parent.tree_id());
            changed_paths(library, parent, Some(commit.tree_id()))?
        }
        _ => beyond_merge(library, commit)?,
    };
    let summary = commit.summary_bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    Ok(CheckpointFacts {
        commit: object_id(commit.id())?,
        tree: object_id(commit.tree_id())?,
        parents: commit.parent_ids().map(object_id).collect::<Result<_, _>>()?,
        summary: summary.unwrap_or_default().chars().take(200).collect(),
        author_time_s: commit.author().when().seconds(),
        is_empty: !is_merge && paths.is_empty(),
        is_merge,
        paths: paths.into_iter().collect(),
        reviewed,
    })
}

/// Returns the paths in which a merge differs from the automatic merge of its parents; in files where the
/// automatic merge conflicts, from all parents.
fn beyond_merge(library: &git2::Repository, commit: &Commit<'_>) -> Result<BTreeSet<RepoPath>, GitError> {
    let tree = Snapshot::new(library, Some(commit.tree_id()));
    // What equals one parent came with that parent, so only paths that differ from every parent can be the
    // merge's own.
    let mut suspects: Option<BTreeSet<RepoPath>> = None;
    for parent in commit.parents() {
        let changed = changed_paths(library, Some(parent.tree_id()), tree.id())?;
        suspects = Some(match suspects {
            Some(before) => before.intersection(&changed).cloned().collect(),
            None => changed,
        });
    }
    let mut suspects = suspects.unwrap_or_default();
    // libgit2 merges two commits only; in an octopus merge, every suspect counts.
    if suspects.is_empty() || commit.parent_count() != 2 {
        return Ok(suspects);
    }
    let merged = library.merge_commits(&commit.parent(0)?, &commit.parent(1)?, None)?;
    suspects.retain(|path| {
        let automatic = merged.get_path(path.as_path(), 0).map(|entry| (entry.id, entry.mode as i32));
        automatic.is_none() || automatic != tree.entry(path)
    });
    // A path that is missing on both sides was deleted by the automatic merge, too, unless it conflicts
    // there.
    let both_gone =
        |path: &RepoPath| tree.entry(path).is_none() && merged.get_path(path.as_path(), 0).is_none();
    suspects.retain(|path| !both_gone(path) || conflicts_at(&merged, path));
    Ok(suspects)
}

/// Returns the paths that are links where git accepts only files. git refuses to check out such a tree, so it
/// would block every candidate that contains it.
pub(super) fn bad_links(
    library: &git2::Repository,
    head: &ObjectId,
    paths: &[RepoPath],
) -> Result<Vec<RepoPath>, GitError> {
    let tree = Snapshot::of_commit(library, oid(head)?)?;
    let is_link = |path: &RepoPath| tree.entry(path).is_some_and(|(_, mode)| mode == 0o120_000);
    Ok(paths.iter().filter(|path| path.must_be_no_link() && is_link(path)).cloned().collect())
}

fn conflicts_at(index: &git2::Index, path: &RepoPath) -> bool {
    (1..=3).any(|stage| index.get_path(path.as_path(), stage).is_some())
}

/// Returns the paths that differ between the head and where it left the integration ref.
pub(super) fn net_paths(
    library: &git2::Repository,
    integration: &ObjectId,
    head: &ObjectId,
) -> Result<Vec<RepoPath>, GitError> {
    let from = match library.merge_base(oid(integration)?, oid(head)?) {
        Ok(base) => Some(library.find_commit(base)?.tree_id()),
        Err(error) if error.code() == ErrorCode::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let to = library.find_commit(oid(head)?)?.tree_id();
    Ok(changed_paths(library, from, Some(to))?.into_iter().collect())
}
