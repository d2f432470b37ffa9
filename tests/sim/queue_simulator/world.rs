//! The world around the queue: changes with their faults, and a git that knows which changes a tree holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use paddock_model::ids::ObjectId;

use crate::ancestry;
use crate::rng::{Rng, mix};

/// A version of a change. Each branch head has one.
pub(super) type Version = u32;

/// The versions of changes in a tree, the newest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    hash: u64,
    last: Option<Rc<Held>>,
    red: bool,
}

#[derive(Debug)]
struct Held {
    version: Version,
    before: Option<Rc<Held>>,
}

impl Tree {
    pub(super) fn id(&self) -> ObjectId {
        hex(self.hash ^ 0x7EEE)
    }

    pub(super) fn is_green(&self) -> bool {
        !self.red
    }

    pub(super) fn versions(&self) -> impl Iterator<Item = Version> + '_ {
        std::iter::successors(self.last.as_deref(), |held| held.before.as_deref()).map(|held| held.version)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Commit {
    pub parents: Vec<ObjectId>,
    pub tree: Tree,
    generation: u32,
}

/// Probabilities of faults, in thousandths.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Faults {
    /// A change is red by itself.
    pub bad: usize,
    /// A change is red together with an earlier one; per earlier change.
    pub interaction: usize,
    /// A change conflicts with an earlier one; per earlier change.
    pub conflict: usize,
    /// The gate is red on a green tree.
    pub flake: usize,
    /// The gate cannot be evaluated.
    pub broken: usize,
}

#[derive(Debug)]
pub(super) struct World {
    pub faults: Faults,
    commits: HashMap<ObjectId, Commit>,
    heads: HashMap<ObjectId, Version>,
    bad: BTreeSet<Version>,
    enemies: BTreeMap<Version, Vec<Version>>,
    conflicts: BTreeSet<(Version, Version)>,
    pub versions: Version,
    counter: u64,
}

pub(super) fn hex(number: u64) -> ObjectId {
    ObjectId::new(format!("{:016x}{:016x}{:08x}", mix(number), mix(number ^ 7), mix(number) >> 32)).unwrap()
}

impl World {
    pub(super) fn new(seed: u64, faults: Faults) -> (Self, ObjectId) {
        let mut world = Self {
            faults,
            commits: HashMap::new(),
            heads: HashMap::new(),
            bad: BTreeSet::new(),
            enemies: BTreeMap::new(),
            conflicts: BTreeSet::new(),
            versions: 0,
            counter: mix(seed),
        };
        let root = world.commit(Vec::new(), Tree::default());
        (world, root)
    }

    pub(super) fn commit(&mut self, parents: Vec<ObjectId>, tree: Tree) -> ObjectId {
        self.counter += 1;
        let id = hex(self.counter);
        let generation = parents.iter().map(|id| self.commits[id].generation + 1).max().unwrap_or(0);
        self.commits.insert(id.clone(), Commit { parents, tree, generation });
        id
    }

    pub(super) fn at(&self, commit: &ObjectId) -> &Commit {
        &self.commits[commit]
    }

    /// Makes a branch head on this commit, with a new version and random faults.
    pub(super) fn head(&mut self, rng: &mut Rng, from: &ObjectId) -> ObjectId {
        let version = self.version(rng);
        self.head_with(from, version)
    }

    /// Makes a branch head on this commit with a given version.
    pub(super) fn head_with(&mut self, from: &ObjectId, version: Version) -> ObjectId {
        let head = self.commit(vec![from.clone()], self.at(from).tree.clone());
        self.heads.insert(head.clone(), version);
        head
    }

    fn version(&mut self, rng: &mut Rng) -> Version {
        let version = self.versions;
        self.versions += 1;
        if rng.below(1_000) < self.faults.bad {
            self.bad.insert(version);
        }
        // Only the twelve changes before can interact: enough for one batch, and the cost stays linear.
        for other in version.saturating_sub(12)..version {
            if self.faults.interaction > 0 && rng.below(1_000) < self.faults.interaction {
                self.enemies.entry(version).or_default().push(other);
                self.enemies.entry(other).or_default().push(version);
            }
            if self.faults.conflict > 0 && rng.below(1_000) < self.faults.conflict {
                self.conflicts.insert((other, version));
            }
        }
        version
    }

    /// Makes a version that is red by itself or has no fault.
    pub(super) fn chosen(&mut self, is_bad: bool) -> Version {
        let version = self.versions;
        self.versions += 1;
        if is_bad {
            self.bad.insert(version);
        }
        version
    }

    pub(super) fn conflict(&mut self, one: Version, other: Version) {
        self.conflicts.insert((one.min(other), one.max(other)));
    }

    /// Registers a commit of the user as a head, since the queue can merge it like a branch.
    pub(super) fn know(&mut self, head: &ObjectId, version: Version) {
        self.heads.insert(head.clone(), version);
    }

    pub(super) fn version_of(&self, head: &ObjectId) -> Version {
        self.heads[head]
    }

    /// Returns the tree with a head merged in, or `None` if they conflict.
    pub(super) fn merged(&self, onto: &Tree, head: &ObjectId) -> Option<Tree> {
        let version = self.heads[head];
        if !self.conflicts.is_empty()
            && onto.versions().any(|held| self.conflicts.contains(&(held.min(version), held.max(version))))
        {
            return None;
        }
        Some(self.with(onto, version))
    }

    /// Returns the tree with this version added.
    pub(super) fn with(&self, onto: &Tree, version: Version) -> Tree {
        let enemies = self.enemies.get(&version).map_or(&[][..], Vec::as_slice);
        let meets = !enemies.is_empty() && onto.versions().any(|held| enemies.contains(&held));
        Tree {
            hash: onto.hash ^ mix(u64::from(version) + 1),
            red: onto.red || meets || self.bad.contains(&version),
            last: Some(Rc::new(Held { version, before: onto.last.clone() })),
        }
    }

    pub(super) fn is_in(&self, old: &ObjectId, new: &ObjectId) -> bool {
        ancestry::is_in(old, new, |id| (self.commits[id].generation, &self.commits[id].parents))
    }
}
