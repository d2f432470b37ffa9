//! What a session left behind: commits, net change, uncommitted paths, and where HEAD went.

use std::collections::BTreeSet;

use git2::{Commit, ErrorCode, Sort};
use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::objects::{changed_paths, entry_at};
use super::refs::{keep_ref, relation, set_ref};
use super::repository::{Repository, object_id, oid};
use super::status::{head_commit, worktree_status};
use super::target::{operation, symbolic_head};
use super::worktree::Worktree;
use super::{CasOutcome, Relation};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::files::{Flush, mode_of, write_atomic};

/// One commit of a session, as facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointFacts {
    /// The commit.
    pub commit: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Its parents, first parent first.
    pub parents: Vec<ObjectId>,
    /// The first line of its message, at most 200 characters.
    pub summary: String,
    /// When it was authored, in seconds since 1970.
    pub author_time_s: i64,
    /// The paths that it changes; for a merge those it changes beyond the automatic merge of its parents.
    pub paths: Vec<RepoPath>,
    /// It has more than one parent.
    pub is_merge: bool,
    /// It is no merge and changes nothing.
    pub is_empty: bool,
    /// An earlier review has seen it.
    pub reviewed: bool,
}

/// A HEAD (or an earlier head) that is not on the work branch, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadElsewhere {
    /// The commit.
    pub commit: ObjectId,
    /// The branch that HEAD is on; nothing when detached.
    pub branch: Option<String>,
    /// The work branch was moved forward to it.
    pub taken_over: bool,
    /// The ref that keeps it, when it was not taken over.
    pub kept: Option<String>,
}

/// What a session left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Harvest {
    /// The work branch's head, after taking over what HEAD had beyond it.
    pub head: ObjectId,
    /// The commits that are neither in the base nor in the integration commit, oldest first.
    pub commits: Vec<CheckpointFacts>,
    /// There were more commits than [`COMMITS_MAX`]; only the oldest are listed.
    pub truncated: bool,
    /// The paths that the branch changes on the whole, from where it left the integration ref.
    pub net_paths: Vec<RepoPath>,
    /// Of those, links where git checks out nothing but files.
    pub bad_links: Vec<RepoPath>,
    /// What lies uncommitted in the worktree.
    pub uncommitted: Vec<RepoPath>,
    /// HEAD was not on the work branch's head.
    pub head_elsewhere: Option<HeadElsewhere>,
    /// The head reviewed before is no longer part of the branch: the ref that keeps it.
    pub rewritten: Option<String>,
}

/// Bounds the list of commits of one branch; a branch of this size is for a human.
pub const COMMITS_MAX: usize = 10_000;

/// Reads what a session left behind in a worktree whose processes are dead. A HEAD beyond the work branch is
/// taken over; one elsewhere is kept by a ref.
///
/// # Errors
/// When the repository cannot be read, or the branch is moved meanwhile.
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
    let uncommitted = worktree_status(repository, worktree, exclude)?;
    Ok(Harvest { head, commits, truncated, net_paths, bad_links, uncommitted, head_elsewhere, rewritten })
}

/// How many commits the work branch has beyond its base and beyond the integration commit, whose own a session
/// may merge; cheap enough for a running session.
///
/// # Errors
/// When the repository cannot be read.
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

fn settle_head(
    library: &git2::Repository,
    worktree: &Worktree,
    base: &ObjectId,
) -> Result<(ObjectId, Option<HeadElsewhere>), GitError> {
    let full = format!("refs/heads/{}", worktree.branch);
    let found = super::refs::commit_of(library, &full)?;
    let branch_head = found.clone().unwrap_or_else(|| base.clone());
    let branch = symbolic_head(&worktree.git_dir);
    let at = head_commit(library, &worktree.git_dir)?.unwrap_or_else(|| branch_head.clone());
    let lies = relation(library, oid(&at)?, oid(&branch_head)?)?;
    let elsewhere =
        |taken_over, kept| HeadElsewhere { commit: at.clone(), branch: branch.clone(), taken_over, kept };
    let (head, report) = match lies {
        Relation::Same | Relation::Ancestor => (branch_head, None),
        Relation::Descendant => (at.clone(), Some(elsewhere(true, None))),
        Relation::Diverged => {
            let kept = keep(library, worktree, &at)?;
            (branch_head, Some(elsewhere(false, Some(kept))))
        }
    };
    if found.as_ref() != Some(&head) {
        let moved = set_ref(library, &full, found.as_ref(), &head, "paddock: take over HEAD")?;
        if moved != CasOutcome::Done {
            return Err(GitError::Unexpected(format!("{full} was moved while its session was harvested")));
        }
    }
    if at == head {
        reattach(worktree)?;
    }
    Ok((head, report))
}

/// Puts HEAD back on the work branch, so that the next session's commits arrive there. The commit is the
/// same, so index and files stay as they are.
fn reattach(worktree: &Worktree) -> Result<(), GitError> {
    let on_branch = symbolic_head(&worktree.git_dir).as_deref() == Some(worktree.branch.as_str());
    if on_branch || operation(&worktree.git_dir).is_some() {
        return Ok(());
    }
    let file = worktree.git_dir.join("HEAD");
    let text = format!("ref: refs/heads/{}\n", worktree.branch);
    write_atomic(&file, text.as_bytes(), mode_of(&file), Flush::Later).map_err(GitError::io(&file))
}

fn keep_rewritten(
    library: &git2::Repository,
    worktree: &Worktree,
    head: &ObjectId,
    reviewed: Option<&ObjectId>,
) -> Result<Option<String>, GitError> {
    let Some(reviewed) = reviewed else { return Ok(None) };
    match relation(library, oid(reviewed)?, oid(head)?)? {
        Relation::Same | Relation::Ancestor => Ok(None),
        Relation::Descendant | Relation::Diverged => keep(library, worktree, reviewed).map(Some),
    }
}

fn keep(library: &git2::Repository, worktree: &Worktree, commit: &ObjectId) -> Result<String, GitError> {
    let middle = worktree.branch.strip_prefix("paddock/").unwrap_or(&worktree.branch);
    let objective = middle.strip_suffix("/work").unwrap_or(middle);
    let name = format!("refs/paddock/kept/{objective}/{}", commit.short());
    keep_ref(library, &name, commit)?;
    Ok(name)
}

fn checkpoints(
    library: &git2::Repository,
    head: &ObjectId,
    known: [&ObjectId; 2],
    reviewed: Option<&ObjectId>,
) -> Result<(Vec<CheckpointFacts>, bool), GitError> {
    let ids = new_commits(library, head, &known)?;
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

/// The paths in which a merge differs from the automatic merge of its parents; where that conflicts, from
/// all of its parents.
fn beyond_merge(library: &git2::Repository, commit: &Commit<'_>) -> Result<BTreeSet<RepoPath>, GitError> {
    let tree = commit.tree()?;
    let mut suspects: Option<BTreeSet<RepoPath>> = None;
    for parent in commit.parents() {
        let changed = changed_paths(library, Some(parent.tree_id()), Some(tree.id()))?;
        suspects = Some(match suspects {
            Some(before) => before.intersection(&changed).cloned().collect(),
            None => changed,
        });
    }
    let mut suspects = suspects.unwrap_or_default();
    if suspects.is_empty() || commit.parent_count() != 2 {
        return Ok(suspects);
    }
    let merged = library.merge_commits(&commit.parent(0)?, &commit.parent(1)?, None)?;
    suspects.retain(|path| {
        let automatic = merged.get_path(path.as_path(), 0).map(|entry| (entry.id, entry.mode as i32));
        automatic.is_none() || automatic != entry_at(&tree, path)
    });
    let both_gone =
        |path: &RepoPath| entry_at(&tree, path).is_none() && merged.get_path(path.as_path(), 0).is_none();
    suspects.retain(|path| !both_gone(path) || conflicts_at(&merged, path));
    Ok(suspects)
}

/// Git refuses to check a tree with such a link out, so it would hold up whoever is merged with it.
fn bad_links(
    library: &git2::Repository,
    head: &ObjectId,
    paths: &[RepoPath],
) -> Result<Vec<RepoPath>, GitError> {
    let tree = library.find_commit(oid(head)?)?.tree()?;
    let is_link = |path: &RepoPath| entry_at(&tree, path).is_some_and(|(_, mode)| mode == 0o120_000);
    Ok(paths.iter().filter(|path| path.must_be_no_link() && is_link(path)).cloned().collect())
}

fn conflicts_at(index: &git2::Index, path: &RepoPath) -> bool {
    (1..=3).any(|stage| index.get_path(path.as_path(), stage).is_some())
}

fn net_paths(
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
