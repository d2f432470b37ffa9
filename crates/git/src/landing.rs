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

/// A landing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandOrder {
    /// Full name of the integration ref.
    pub integration_ref: String,
    /// Commit that the ref must hold.
    pub old: ObjectId,
    /// Commit that the ref moves to.
    pub new: ObjectId,
    /// Tree that passed the gate.
    pub verified_tree: ObjectId,
    /// Start and head of each member's branch.
    pub members: Vec<(ObjectId, ObjectId)>,
}

/// Outcome of a landing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LandOutcome {
    /// The ref holds the new commit; flushed and read back.
    Landed,
    /// The ref held the new commit, or a descendant of it, before.
    AlreadyLanded,
    /// The ref holds neither the old commit nor the new one or a descendant of it.
    Moved {
        /// Commit that the ref holds; `None` if the ref does not exist.
        found: Option<ObjectId>,
    },
    /// The new commit is not what the gate verified. The queue must stop.
    SelfCheckFailed {
        /// What is wrong, for people.
        why: String,
    },
}

/// Lands a verified commit: checks it, moves the ref by compare-and-swap, flushes, and reads the ref back.
/// Safe to repeat.
///
/// # Errors
/// Fails if the repository cannot be read or written.
pub fn land(repository: &Repository, order: &LandOrder) -> Result<LandOutcome, GitError> {
    let library = repository.durable_library()?;
    let found = super::refs::commit_of(&library, &order.integration_ref)?;
    if found.as_ref() != Some(&order.old) {
        return outcome_if_moved(&library, order, found);
    }
    // Checked again here, although the engine chose the commit: a fault in any earlier step must stop before
    // the ref moves, because a landing is never undone.
    if let Some(why) = fault(&library, order)? {
        return Ok(LandOutcome::SelfCheckFailed { why });
    }
    let message = "paddock: land";
    fail_point!("landing.checked");
    // Compare-and-swap: the check above took a while, and somebody may have moved the ref since.
    let moved =
        super::refs::set_ref(&library, &order.integration_ref, Some(&order.old), &order.new, message)?;
    fail_point!("landing.moved");
    match moved {
        CasOutcome::Modified { found } => outcome_if_moved(&library, order, found),
        // Read back through a fresh handle: what the next reader finds counts, not what libgit2 reports.
        CasOutcome::Done => match repository.commit_of(&order.integration_ref)? {
            Some(found) if found == order.new => Ok(LandOutcome::Landed),
            found => outcome_if_moved(&library, order, found),
        },
    }
}

/// Returns the outcome for a ref that does not hold the old commit. After a crash between the move and its
/// record, the repeated landing finds the ref at the new commit: that is success.
fn outcome_if_moved(
    library: &git2::Repository,
    order: &LandOrder,
    found: Option<ObjectId>,
) -> Result<LandOutcome, GitError> {
    if let Some(at) = &found {
        let relation_to_ref = relation(library, oid(&order.new)?, oid(at)?)?;
        if matches!(relation_to_ref, Relation::Same | Relation::Ancestor) {
            return Ok(LandOutcome::AlreadyLanded);
        }
    }
    Ok(LandOutcome::Moved { found })
}

/// Returns what is wrong with the new commit, if anything: its tree is not the verified one, it does not
/// follow the old commit, or it changes paths that no member touched.
fn fault(library: &git2::Repository, order: &LandOrder) -> Result<Option<String>, GitError> {
    let new = library.find_commit(oid(&order.new)?)?;
    if new.tree_id().to_string() != order.verified_tree.as_str() {
        let why = format!(
            "{} has tree {}, but the gate verified {}",
            order.new,
            new.tree_id(),
            order.verified_tree
        );
        return Ok(Some(why));
    }
    if new.parent_id(0).ok() != Some(oid(&order.old)?) {
        return Ok(Some(format!("{} does not have {} as its first parent", order.new, order.old)));
    }
    let old_tree = library.find_commit(oid(&order.old)?)?.tree_id();
    // Every path that the landing changes has to come from a member. A merge that went wrong may bring in or
    // drop other work, although its tree passed the gate.
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
        count => {
            let named = named.join(", ");
            Ok(Some(format!("{} changes {count} paths that no member touched: {named}", order.new)))
        }
    }
}

/// Returns the trees at both ends of a member's work: where its branch last met the integration ref, and its
/// head.
fn member_trees(
    library: &git2::Repository,
    base: Oid,
    head: Oid,
    old: Oid,
) -> Result<(Option<Oid>, Oid), GitError> {
    // A branch may have merged the integration ref since it began; the paths of that merge are not its work.
    let start = library.merge_base(old, head).unwrap_or(base);
    Ok((Some(library.find_commit(start)?.tree_id()), library.find_commit(head)?.tree_id()))
}

/// Returns where others have renamed files that the member touched: a merge rightly changes them under the
/// new name.
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
