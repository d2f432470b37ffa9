//! Chains of candidates: the members of a queue merged one after the other, and for every prefix of the chain
//! the one merge that lands it.
//!
//! A batch lands as one first-parent commit. The merges of its members are reachable through its second
//! parent, so that `git log --first-parent` shows verified trees only.

use git2::Oid;

use super::candidate::{Identity, Merged, merge_tree, sealed, signed, trivial_tree};
use super::error::GitError;
use super::kept_pack::keep_objects;
use super::objects::{flush_objects, made_objects, new_objects};
use super::refs::keep_ref;
use super::repository::{Repository, object_id, oid};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::fail_points::fail_point;

/// A chain to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainOrder {
    /// First parent of every landing: the integration commit.
    pub base: ObjectId,
    /// Members, in the order of the queue.
    pub members: Vec<ChainMember>,
    /// Author and committer of every commit.
    pub identity: Identity,
    /// Time of the commits, in seconds since 1970. A fixed time makes the same order give the same commits.
    pub time_s: i64,
    /// Last part of `refs/paddock/candidate/<name>`, the ref that keeps all commits from garbage collection.
    pub name: String,
    /// Whether git signs the commits, as the user's configuration says (`sign: true`).
    pub sign: bool,
    /// Whether to add the trailer `Paddock-Verified: <tree>` to the commits that land. Each lands only if
    /// that tree passes the gate.
    pub seal: bool,
}

/// A member of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainMember {
    /// Head of the member's branch.
    pub head: ObjectId,
    /// Message of the member's own merge, with its trailers.
    pub message: String,
    /// One line that names the member in the message of a batch.
    pub line: String,
    /// Trailers of the member for the message of a batch, one per line.
    pub trailers: String,
}

/// Times that a chain is made again because objects of it were removed meanwhile.
const TRIES_AGAIN: u32 = 3;

/// Outcome of [`make_chain`]. Members are named by their index in the order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChainOutcome {
    /// One link for each member that merges with those before it, in order.
    pub links: Vec<ChainLink>,
    /// Members that merge with the base, but not with the members before them: they have to land separately.
    pub separate: Vec<usize>,
    /// Members that do not merge with the base, with the files in conflict and git's description of each
    /// conflict.
    pub conflicts: Vec<(usize, Vec<RepoPath>, Vec<String>)>,
}

/// One prefix of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainLink {
    /// Index of the last member of the prefix.
    pub member: usize,
    /// Merge onto the base that lands the prefix.
    pub commit: ObjectId,
    /// Tree of that merge, which the gate tests.
    pub tree: ObjectId,
}

/// Merges the members into the base one after the other without a checkout, and flushes all new objects.
///
/// # Errors
/// Fails if a commit is missing, or if git fails for another reason than a conflict.
pub fn make_chain(repository: &Repository, order: &ChainOrder) -> Result<ChainOutcome, GitError> {
    // A collection by the user may remove what was just made and what no ref leads to yet.
    for _ in 0..TRIES_AGAIN {
        match try_chain(repository, order) {
            Err(GitError::Library(error)) if error.code() == git2::ErrorCode::NotFound => {}
            made => return made,
        }
    }
    try_chain(repository, order)
}

fn try_chain(repository: &Repository, order: &ChainOrder) -> Result<ChainOutcome, GitError> {
    repository.refuse_needed(&order.base)?;
    let library = repository.library()?;
    let mut maker = Maker { repository, library: &library, order, tip: oid(&order.base)?, taken: Vec::new() };
    let mut outcome = ChainOutcome::default();
    let mut landings = Vec::new();
    for index in 0..order.members.len() {
        match maker.add(index)? {
            Added::Link { commit, tree } => {
                landings.push(commit);
                let (commit, tree) = (object_id(commit)?, object_id(tree)?);
                outcome.links.push(ChainLink { member: index, commit, tree });
            }
            Added::Separate => outcome.separate.push(index),
            Added::Conflict(paths, messages) => outcome.conflicts.push((index, paths, messages)),
        }
    }
    // Objects first, then the ref: a crash in between leaves unreferenced objects, and the repeated effect
    // makes the same commits again.
    if let Some(last) = maker.keeper(&landings)? {
        let base = Some(oid(&order.base)?);
        flush_objects(repository.common_dir(), &new_objects(&library, base, last)?)?;
        let heads = order.members.iter().map(|member| oid(&member.head));
        let known: Vec<Oid> = base.into_iter().map(Ok).chain(heads).collect::<Result<_, _>>()?;
        keep_objects(repository, &library, &made_objects(&library, &known, last)?)?;
        fail_point!("candidate.unreferenced");
        keep_ref(&library, &format!("refs/paddock/candidate/{}", order.name), &object_id(last)?)?;
    }
    Ok(outcome)
}

/// Outcome of adding a member to a chain.
enum Added {
    Link { commit: Oid, tree: Oid },
    Separate,
    Conflict(Vec<RepoPath>, Vec<String>),
}

/// A chain in the making.
struct Maker<'r> {
    repository: &'r Repository,
    library: &'r git2::Repository,
    order: &'r ChainOrder,
    /// Merge of all members taken so far.
    tip: Oid,
    /// Indices of the members taken so far.
    taken: Vec<usize>,
}

impl Maker<'_> {
    /// Merges a member into the chain, or finds out why it does not merge.
    fn add(&mut self, index: usize) -> Result<Added, GitError> {
        let head = oid(&self.order.members[index].head)?;
        let tree = match self.merged(self.tip, head)? {
            Merged::Tree(tree) => tree,
            Merged::Conflict { paths, messages } if self.taken.is_empty() => {
                return Ok(Added::Conflict(paths, messages));
            }
            Merged::Conflict { .. } => {
                // Only a conflict with the base is the member's own to resolve. A conflict with an earlier
                // member may vanish: that member may fail the gate and leave the queue.
                return Ok(match self.merged(oid(&self.order.base)?, head)? {
                    Merged::Tree(_) => Added::Separate,
                    Merged::Conflict { paths, messages } => Added::Conflict(paths, messages),
                });
            }
        };
        let base = oid(&self.order.base)?;
        let member = &self.order.members[index];
        let is_first = self.taken.is_empty();
        // The member's own merge is the next member's base. It never lands as first parent, so its message
        // needs no seal.
        let own = self.commit(&member.message, tree, [self.tip, head])?;
        self.taken.push(index);
        self.tip = own;
        let message = if is_first { member.message.clone() } else { self.batch_message() };
        let message = if self.order.seal { sealed(&message, tree) } else { message };
        // A single member's own merge is what lands: a merge of that merge would only add a commit.
        let second = if is_first { head } else { own };
        let commit = self.commit(&message, tree, [base, second])?;
        Ok(Added::Link { commit, tree })
    }

    fn merged(&self, ours: Oid, theirs: Oid) -> Result<Merged, GitError> {
        match trivial_tree(self.library, ours, theirs)? {
            Some(tree) => Ok(Merged::Tree(tree)),
            None => merge_tree(self.repository, &object_id(ours)?, &object_id(theirs)?),
        }
    }

    fn commit(&self, message: &str, tree: Oid, parents: [Oid; 2]) -> Result<Oid, GitError> {
        if self.order.sign {
            return signed(self.repository, &self.order.identity, self.order.time_s, tree, parents, message);
        }
        let signature = self.order.identity.signature(self.order.time_s)?;
        let [first, second] = parents.map(|id| self.library.find_commit(id));
        let parents = [&first?, &second?];
        let tree = self.library.find_tree(tree)?;
        Ok(self.library.commit(None, &signature, &signature, message, &tree, &parents)?)
    }

    /// Returns the message of a batch: `Merge a batch of N`, one line per member, and the trailers of all
    /// members.
    fn batch_message(&self) -> String {
        let members: Vec<&ChainMember> = self.taken.iter().map(|index| &self.order.members[*index]).collect();
        let lines: Vec<String> = members.iter().map(|member| format!("- {}", member.line)).collect();
        let trailers: String = members.iter().map(|member| member.trailers.as_str()).collect();
        format!("Merge a batch of {}\n\n{}\n\n{trailers}", members.len(), lines.join("\n"))
    }

    /// Returns one commit that reaches all landings, so that one ref keeps the whole chain from `git gc`. The
    /// landings are siblings: none reaches another.
    fn keeper(&self, landings: &[Oid]) -> Result<Option<Oid>, GitError> {
        let Some(last) = landings.last().copied() else { return Ok(None) };
        if landings.len() == 1 {
            return Ok(Some(last));
        }
        let found: Result<Vec<_>, git2::Error> =
            landings.iter().map(|id| self.library.find_commit(*id)).collect();
        let found = found?;
        let parents: Vec<&git2::Commit<'_>> = found.iter().collect();
        let signature = self.order.identity.signature(self.order.time_s)?;
        let tree = self.library.find_commit(last)?.tree()?;
        let message = "Candidates of a batch; Paddock keeps them until it has landed\n";
        Ok(Some(self.library.commit(None, &signature, &signature, message, &tree, &parents)?))
    }
}
