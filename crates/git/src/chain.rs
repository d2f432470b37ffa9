//! Chains of candidates: members merged one after the other, and for every prefix the one merge that lands it.
//!
//! A batch lands as one first-parent commit; its members' merges stand on the side of its second parent, so that
//! `git log --first-parent` shows verified trees only.

use git2::Oid;

use super::candidate::{Identity, Merged, merge_tree, sealed, signed, trivial_tree};
use super::error::GitError;
use super::objects::{flush_objects, new_objects};
use super::refs::keep_ref;
use super::repository::{Repository, object_id, oid};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::fail_points::fail_point;

/// The chain to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainOrder {
    /// The first parent of every landing: the integration commit.
    pub base: ObjectId,
    /// The members, in order.
    pub members: Vec<ChainMember>,
    /// Author and committer.
    pub identity: Identity,
    /// The commits' time, in seconds since 1970: the same order gives the same commits.
    pub time_s: i64,
    /// `refs/paddock/candidate/<name>` keeps them alive.
    pub name: String,
    /// Have git sign what lands, as the user's configuration says (`sign: true`).
    pub sign: bool,
    /// Add the trailer `Paddock-Verified: <tree>` to what lands: only if that tree passes the gate.
    pub seal: bool,
}

/// A member of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainMember {
    /// The branch head.
    pub head: ObjectId,
    /// The message of its merge, with its trailers.
    pub message: String,
    /// One line that names it in the message of a batch.
    pub line: String,
    /// Its trailers for the message of a batch, a line each.
    pub trailers: String,
}

/// What the chain gave, members named by their place in the order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChainOutcome {
    /// For each member that goes together with those before it: what lands all up to it, and its tree.
    pub links: Vec<ChainLink>,
    /// Members that merge with the base, and not with those before them.
    pub separate: Vec<usize>,
    /// Members that do not merge with the base: the files in conflict, and git's words about them.
    pub conflicts: Vec<(usize, Vec<RepoPath>, Vec<String>)>,
}

/// One prefix of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainLink {
    /// The member that it adds.
    pub member: usize,
    /// The merge onto the base that lands it.
    pub commit: ObjectId,
    /// Its tree: what the gate runs on.
    pub tree: ObjectId,
}

/// Merges the members into the base one after the other without a checkout, and flushes all that is new.
///
/// # Errors
/// When a commit is missing, or git fails for another reason than a conflict.
pub fn make_chain(repository: &Repository, order: &ChainOrder) -> Result<ChainOutcome, GitError> {
    let library = repository.library()?;
    let mut maker = Maker { repository, library: &library, order, tip: oid(&order.base)?, taken: Vec::new() };
    let mut outcome = ChainOutcome::default();
    let mut landings = Vec::new();
    for place in 0..order.members.len() {
        match maker.add(place)? {
            Added::Link { commit, tree } => {
                landings.push(commit);
                let (commit, tree) = (object_id(commit)?, object_id(tree)?);
                outcome.links.push(ChainLink { member: place, commit, tree });
            }
            Added::Separate => outcome.separate.push(place),
            Added::Conflict(paths, messages) => outcome.conflicts.push((place, paths, messages)),
        }
    }
    if let Some(last) = maker.keeper(&landings)? {
        let base = Some(oid(&order.base)?);
        flush_objects(repository.common_dir(), &new_objects(&library, base, last)?)?;
        fail_point!("candidate.unreferenced");
        keep_ref(&library, &format!("refs/paddock/candidate/{}", order.name), &object_id(last)?)?;
    }
    Ok(outcome)
}

enum Added {
    Link { commit: Oid, tree: Oid },
    Separate,
    Conflict(Vec<RepoPath>, Vec<String>),
}

struct Maker<'r> {
    repository: &'r Repository,
    library: &'r git2::Repository,
    order: &'r ChainOrder,
    /// The merge of all that were taken so far.
    tip: Oid,
    taken: Vec<usize>,
}

impl Maker<'_> {
    fn add(&mut self, place: usize) -> Result<Added, GitError> {
        let head = oid(&self.order.members[place].head)?;
        let tree = match self.merged(self.tip, head)? {
            Merged::Tree(tree) => tree,
            Merged::Conflict { paths, messages } if self.taken.is_empty() => {
                return Ok(Added::Conflict(paths, messages));
            }
            Merged::Conflict { .. } => {
                return Ok(match self.merged(oid(&self.order.base)?, head)? {
                    Merged::Tree(_) => Added::Separate,
                    Merged::Conflict { paths, messages } => Added::Conflict(paths, messages),
                });
            }
        };
        let base = oid(&self.order.base)?;
        let member = &self.order.members[place];
        let is_first = self.taken.is_empty();
        let own = self.commit(&member.message, tree, [self.tip, head])?;
        self.taken.push(place);
        self.tip = own;
        let message = if is_first { member.message.clone() } else { self.batch_message() };
        let message = if self.order.seal { sealed(&message, tree) } else { message };
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

    /// `Merge a batch of N`, its members a line each, and their trailers.
    fn batch_message(&self) -> String {
        let members: Vec<&ChainMember> = self.taken.iter().map(|place| &self.order.members[*place]).collect();
        let lines: Vec<String> = members.iter().map(|member| format!("- {}", member.line)).collect();
        let trailers: String = members.iter().map(|member| member.trailers.as_str()).collect();
        format!("Merge a batch of {}\n\n{}\n\n{trailers}", members.len(), lines.join("\n"))
    }

    /// One commit that reaches all of them: none is lost to a `git gc` while the chain is worked on.
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
