//! Landing: the one place where the integration ref moves to a verified commit.

use std::collections::BTreeSet;

use git2::{Delta, DiffFindOptions, Oid};
use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::objects::changed_paths;
use super::refs::{CasOutcome, Relation, relation};
use super::repository::{Repository, oid};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::fail_points::fail_point;

/// The landing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandOrder {
    /// The full name of the integration ref.
    pub integration_ref: String,
    /// Where it must be.
    pub old: ObjectId,
    /// Where it goes.
    pub new: ObjectId,
    /// The tree that passed the gate.
    pub verified_tree: ObjectId,
    /// Of each member: the commit its branch started from, and its head.
    pub members: Vec<(ObjectId, ObjectId)>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LandOutcome {
    /// The ref is at the new commit, on disk, read back.
    Landed,
    /// The new commit was part of the ref already.
    AlreadyLanded,
    /// The ref is neither where it must be nor beyond the new commit.
    Moved {
        /// Where it is; nothing when absent.
        found: Option<ObjectId>,
    },
    /// The commit is not what was verified. The queue must stop.
    SelfCheckFailed {
        /// What is wrong, for a human.
        why: String,
    },
}

/// Lands a verified commit: self-check, compare and swap, flush, read back. Safe to repeat.
///
/// # Errors
/// When the repository cannot be read or written.
pub fn land(repository: &Repository, order: &LandOrder) -> Result<LandOutcome, GitError> {
    let library = repository.durable_library()?;
    let found = super::refs::commit_of(&library, &order.integration_ref)?;
    if found.as_ref() != Some(&order.old) {
        return not_at_old(&library, order, found);
    }
    if let Some(why) = fault(&library, order)? {
        return Ok(LandOutcome::SelfCheckFailed { why });
    }
    let message = "paddock: land";
    fail_point!("landing.checked");
    let moved =
        super::refs::set_ref(&library, &order.integration_ref, Some(&order.old), &order.new, message)?;
    fail_point!("landing.moved");
    match moved {
        CasOutcome::Modified { found } => not_at_old(&library, order, found),
        CasOutcome::Done => match repository.commit_of(&order.integration_ref)? {
            Some(found) if found == order.new => Ok(LandOutcome::Landed),
            found => not_at_old(&library, order, found),
        },
    }
}

fn not_at_old(
    library: &git2::Repository,
    order: &LandOrder,
    found: Option<ObjectId>,
) -> Result<LandOutcome, GitError> {
    if let Some(at) = &found {
        let lies = relation(library, oid(&order.new)?, oid(at)?)?;
        if matches!(lies, Relation::Same | Relation::Ancestor) {
            return Ok(LandOutcome::AlreadyLanded);
        }
    }
    Ok(LandOutcome::Moved { found })
}

/// What is wrong with the commit, if anything.
fn fault(library: &git2::Repository, order: &LandOrder) -> Result<Option<String>, GitError> {
    let new = library.find_commit(oid(&order.new)?)?;
    if new.tree_id().to_string() != order.verified_tree.as_str() {
        let why =
            format!("the tree of {} is {}, verified was {}", order.new, new.tree_id(), order.verified_tree);
        return Ok(Some(why));
    }
    if new.parent_id(0).ok() != Some(oid(&order.old)?) {
        return Ok(Some(format!("the first parent of {} is not {}", order.new, order.old)));
    }
    let old_tree = library.find_commit(oid(&order.old)?)?.tree_id();
    let mut unexplained = changed_paths(library, Some(old_tree), Some(new.tree_id()))?;
    for (base, head) in &order.members {
        if unexplained.is_empty() {
            return Ok(None);
        }
        let (from, to) = member_trees(library, oid(base)?, oid(head)?, oid(&order.old)?)?;
        let touched = changed_paths(library, from, Some(to))?;
        unexplained.retain(|path| !touched.contains(path));
        if !unexplained.is_empty() {
            let moved = moved_by_others(library, from, old_tree, &touched)?;
            unexplained.retain(|path| !moved.contains(path));
        }
    }
    let named: Vec<String> = unexplained.iter().take(5).map(ToString::to_string).collect();
    match unexplained.len() {
        0 => Ok(None),
        count => Ok(Some(format!("{count} changed paths that no member touched: {}", named.join(", ")))),
    }
}

/// The trees between which a member worked: from where its branch last met the integration ref to its head.
fn member_trees(
    library: &git2::Repository,
    base: Oid,
    head: Oid,
    old: Oid,
) -> Result<(Option<Oid>, Oid), GitError> {
    let start = library.merge_base(old, head).unwrap_or(base);
    Ok((Some(library.find_commit(start)?.tree_id()), library.find_commit(head)?.tree_id()))
}

/// Where files that a member touched had been renamed to meanwhile: the merge rightly changes them there.
fn moved_by_others(
    library: &git2::Repository,
    from: Option<Oid>,
    old_tree: Oid,
    touched: &BTreeSet<RepoPath>,
) -> Result<BTreeSet<RepoPath>, GitError> {
    let from = from.map(|id| library.find_tree(id)).transpose()?;
    let mut diff = library.diff_tree_to_tree(from.as_ref(), Some(&library.find_tree(old_tree)?), None)?;
    diff.find_similar(Some(DiffFindOptions::new().renames(true)))?;
    let mut moved = BTreeSet::new();
    for delta in diff.deltas().filter(|delta| delta.status() == Delta::Renamed) {
        let (before, after) = (delta.old_file().path_bytes(), delta.new_file().path_bytes());
        if let (Some(before), Some(after)) = (before, after)
            && touched.contains(&RepoPath::new(before))
        {
            moved.insert(RepoPath::new(after));
        }
    }
    Ok(moved)
}
