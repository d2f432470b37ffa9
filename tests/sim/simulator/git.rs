//! git, modelled: commits with parents and trees, refs, ancestry and three-way merges.

use std::collections::{BTreeMap, BTreeSet};

use paddock_model::facts::{CommitFacts, Relation};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

use crate::ancestry;
use crate::rng::mix;

/// Paths and contents.
pub(super) type Tree = BTreeMap<String, u64>;

/// A commit.
#[derive(Debug, Clone)]
pub(super) struct Commit {
    pub parents: Vec<ObjectId>,
    pub tree: Tree,
    generation: usize,
}

/// A repository: the integration ref, the user's branch, the work branches, and all commits.
#[derive(Debug)]
pub(super) struct Repo {
    pub commits: BTreeMap<ObjectId, Commit>,
    pub integration: Option<ObjectId>,
    pub target: Option<ObjectId>,
    pub branches: BTreeMap<String, ObjectId>,
    /// Uncommitted changes in worktrees, by branch.
    pub worktrees: BTreeMap<String, Vec<String>>,
    /// Start of each work branch. A branch that is still there holds no work.
    pub made: BTreeMap<String, ObjectId>,
    /// Work branches with commits of a person.
    pub touched: BTreeSet<String>,
    counter: u64,
    salt: u64,
}

fn hex(number: u64) -> ObjectId {
    ObjectId::new(format!("{:016x}{:016x}{:08x}", mix(number), mix(number ^ 7), mix(number) >> 32)).unwrap()
}

/// Returns the id of a tree, which depends on its content alone.
pub(super) fn tree_id(tree: &Tree) -> ObjectId {
    let mut sum = 17;
    for (path, content) in tree {
        sum = path.bytes().fold(mix(sum ^ content), |sum, byte| mix(sum ^ u64::from(byte)));
    }
    hex(sum)
}

/// The simulated gate: two marked paths in one tree are red, so branches that are green alone can be red
/// together.
pub(super) fn is_green(tree: &Tree) -> bool {
    tree.keys().filter(|path| path.ends_with("/mark")).count() < 2
}

/// Returns whether the work in a red tree makes the gate end with 0 all the same. Only the tests that it
/// reports show that.
pub(super) fn is_faked(tree: &Tree) -> bool {
    !is_green(tree) && tree_id(tree).as_str().starts_with(['0', '2', '4', '6'])
}

impl Repo {
    pub(super) fn new(salt: u64) -> Self {
        let mut repo = Self {
            commits: BTreeMap::new(),
            integration: None,
            target: None,
            branches: BTreeMap::new(),
            worktrees: BTreeMap::new(),
            made: BTreeMap::new(),
            touched: BTreeSet::new(),
            counter: 0,
            salt,
        };
        let root = repo.commit(Vec::new(), BTreeMap::from([("README.md".to_owned(), 1)]));
        repo.target = Some(root);
        repo
    }

    /// Makes a commit. Each has a new id, as in git, where the time differs.
    pub(super) fn commit(&mut self, parents: Vec<ObjectId>, tree: Tree) -> ObjectId {
        self.counter += 1;
        let id = hex(mix(self.salt) ^ self.counter);
        let generation = parents.iter().map(|id| self.commits[id].generation + 1).max().unwrap_or(0);
        self.commits.insert(id.clone(), Commit { parents, tree, generation });
        id
    }

    pub(super) fn tree(&self, id: &ObjectId) -> &Tree {
        &self.commits[id].tree
    }

    fn reach(&self, from: &ObjectId) -> BTreeSet<ObjectId> {
        let mut seen = BTreeSet::new();
        let mut todo = vec![from.clone()];
        while let Some(id) = todo.pop() {
            if seen.insert(id.clone()) {
                todo.extend(self.commits[&id].parents.iter().cloned());
            }
        }
        seen
    }

    /// Returns whether `old` is `new` or an ancestor of it.
    pub(super) fn is_in(&self, old: &ObjectId, new: &ObjectId) -> bool {
        ancestry::is_in(old, new, |id| (self.commits[id].generation, &self.commits[id].parents))
    }

    pub(super) fn relation(&self, one: &ObjectId, other: &ObjectId) -> Relation {
        match (one == other, self.is_in(one, other), self.is_in(other, one)) {
            (true, ..) => Relation::Same,
            (_, true, _) => Relation::Ancestor,
            (_, _, true) => Relation::Descendant,
            _ => Relation::Diverged,
        }
    }

    fn base(&self, one: &ObjectId, other: &ObjectId) -> ObjectId {
        let theirs = self.reach(other);
        let common = self.reach(one).into_iter().filter(|id| theirs.contains(id));
        common.max_by_key(|id| (self.commits[id].generation, id.clone())).unwrap()
    }

    /// Returns the merged tree, or the paths in conflict.
    pub(super) fn merge(&self, ours: &ObjectId, theirs: &ObjectId) -> Result<Tree, Vec<RepoPath>> {
        let base = &self.tree(&self.base(ours, theirs)).clone();
        let (a, b) = (self.tree(ours), self.tree(theirs));
        let mut merged = Tree::new();
        let mut conflicts = Vec::new();
        for path in base.keys().chain(a.keys()).chain(b.keys()).collect::<BTreeSet<_>>() {
            let (at_base, left, right) = (base.get(path), a.get(path), b.get(path));
            let kept = if left == right || right == at_base { left } else { right };
            if left != right && left != at_base && right != at_base {
                conflicts.push(RepoPath::from(path.as_str()));
            }
            if let Some(content) = kept {
                merged.insert(path.clone(), *content);
            }
        }
        if conflicts.is_empty() { Ok(merged) } else { Err(conflicts) }
    }

    /// Merges both sides in spite of conflicts, in which `ours` wins.
    pub(super) fn merge_anyhow(&self, ours: &ObjectId, theirs: &ObjectId) -> Tree {
        self.merge(ours, theirs).unwrap_or_else(|_| {
            let mut tree = self.tree(theirs).clone();
            tree.extend(self.tree(ours).clone());
            tree
        })
    }

    /// Returns the paths that a branch changes relative to its merge base with the integration ref.
    pub(super) fn net_paths(&self, head: &ObjectId) -> Vec<String> {
        let tip = self.integration.as_ref().unwrap();
        let (base, tree) = (self.tree(&self.base(head, tip)), self.tree(head));
        let all: BTreeSet<&String> = base.keys().chain(tree.keys()).collect();
        all.into_iter().filter(|path| base.get(*path) != tree.get(*path)).cloned().collect()
    }

    /// Returns the tree of a branch's merge base with the integration ref.
    pub(super) fn base_tree(&self, head: &ObjectId) -> Tree {
        self.tree(&self.base(head, self.integration.as_ref().unwrap())).clone()
    }

    /// Returns the commits of a branch since a session's start that are not on the integration ref, oldest
    /// first.
    pub(super) fn since(&self, from: &ObjectId, head: &ObjectId) -> Vec<CommitFacts> {
        let known = self.reach(from);
        let landed = self.integration.as_ref().map(|tip| self.reach(tip)).unwrap_or_default();
        let new = self.reach(head).into_iter().filter(|id| !known.contains(id) && !landed.contains(id));
        let mut new: Vec<ObjectId> = new.collect();
        new.sort_by_key(|id| self.commits[id].generation);
        new.into_iter().map(|id| self.facts_of(id)).collect()
    }

    fn facts_of(&self, commit: ObjectId) -> CommitFacts {
        let found = &self.commits[&commit];
        let is_merge = found.parents.len() > 1;
        let is_empty = !is_merge && found.parents.first().is_some_and(|id| self.tree(id) == &found.tree);
        CommitFacts { commit, summary: "work".to_owned(), paths: 1, is_merge, is_empty }
    }
}
