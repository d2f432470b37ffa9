//! The merge queue of a project: its entries, the merges that are made of them, and what is landing.
//!
//! The engine plans the queue anew after every event, from this state, the open gate runs and the known
//! verdicts. Entries are merged one after the other onto the integration tip, which gives a [`Chain`]; a
//! batch is a prefix of the chain, and each prefix has a commit that would land it ([`Link`]). Verdicts
//! belong to trees, not to runs. When a prefix has landed, the rest of the chain is merged again on the new
//! tip and has the same trees as before, so earlier verdicts and running gates still apply.

mod rate;

use serde::{Deserialize, Serialize};

use super::ids::{EntryId, GateId, ObjectId, ObjectiveId};
use super::reason::Reason;
use super::side_runs::Guard;

pub use rate::{Rates, useful_slots};

/// What an entry would land.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The branch of an objective.
    Objective(ObjectiveId),
    /// The user's commits on the target branch, made while landed work was not published there.
    Target,
    /// The commits of the remote's branch that a person ordered to be brought in (`queue pull`).
    Remote,
}

impl Subject {
    /// Returns whether these are commits that people made, not an objective's. They land on their own and
    /// before everything else.
    #[must_use]
    pub fn is_of_people(&self) -> bool {
        self.rank() < Self::OBJECTIVE_RANK
    }

    /// Rank of an objective's branch.
    const OBJECTIVE_RANK: u8 = 2;

    /// Returns the place of such an entry in the queue, before priority and age: the lowest goes first.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::Target => 0,
            Self::Remote => 1,
            Self::Objective(_) => Self::OBJECTIVE_RANK,
        }
    }
}

/// A merge made in memory, which lands if the gate is green on its tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Integration tip on which the merge is based: its first parent.
    pub onto: ObjectId,
    /// Tree of that tip.
    pub onto_tree: ObjectId,
    /// The merge commit.
    pub commit: ObjectId,
    /// Tree of the merge: what the gate judges and what lands.
    pub tree: ObjectId,
    /// Whether the commit message states that this tree was verified. Such a merge must not land without a
    /// gate.
    #[serde(default)]
    pub sealed: bool,
}

/// A prefix of a chain, given by its last member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The last member of the prefix.
    pub entry: EntryId,
    /// Commit that lands the whole prefix as one merge onto the tip.
    pub commit: ObjectId,
    /// Tree of that commit.
    pub tree: ObjectId,
}

/// Entries that are tried together, in the order in which they would land.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Number of the chain, unique in the project.
    pub number: u64,
    /// Integration tip on which the chain is based.
    pub onto: ObjectId,
    /// Entries that the chain was ordered for.
    pub asked: Vec<EntryId>,
    /// The merges; `None` before they were made for the first time.
    pub made: Option<Made>,
    /// Whether the merges are being made, for the first time or again.
    pub is_building: bool,
}

/// The merges of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Tree of the tip on which they are based.
    pub onto_tree: ObjectId,
    /// One link per prefix, shortest first.
    pub links: Vec<Link>,
    /// Entries that conflict with others before them in the chain, but not with the tip. They wait for their
    /// turn and land separately.
    #[serde(rename = "apart")]
    pub separate: Vec<EntryId>,
    /// Whether the commit messages state that the trees were verified.
    pub sealed: bool,
    /// Whether the merges must be made again, because a prefix has landed or members were added. Until then
    /// the trees are those to expect, and what runs on them stays useful.
    pub is_stale: bool,
}

impl Chain {
    /// Returns the links that were made, shortest prefix first.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        self.made.as_ref().map_or(&[], |made| made.links.as_slice())
    }

    /// Returns the merge that lands the first `count` members; `None` if it was not made.
    #[must_use]
    pub fn candidate(&self, count: usize) -> Option<Candidate> {
        let made = self.made.as_ref()?;
        let link = made.links.get(count.checked_sub(1)?)?;
        Some(Candidate {
            onto: self.onto.clone(),
            onto_tree: made.onto_tree.clone(),
            commit: link.commit.clone(),
            tree: link.tree.clone(),
            sealed: made.sealed,
        })
    }

    /// Returns the first `count` members.
    #[must_use]
    pub fn members(&self, count: usize) -> Vec<EntryId> {
        self.links().iter().take(count).map(|link| link.entry).collect()
    }
}

/// A landing whose intent is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landing {
    /// The merge that lands.
    pub candidate: Candidate,
    /// The entries that it lands, in order.
    pub members: Vec<EntryId>,
    /// The gate run that passed; `None` if the project has no gate.
    pub gate: Option<GateId>,
}

/// The merge of a single entry, made ahead of its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ahead {
    /// Integration tip on which it is based.
    pub onto: ObjectId,
    /// The merge; `None` while it is being made.
    pub candidate: Option<Candidate>,
}

/// A branch head in the merge queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Number of the entry, unique in the project.
    pub id: EntryId,
    /// What the entry would land.
    pub subject: Subject,
    /// The approved head. If the branch moves on, the entry is dropped and the branch is reviewed again.
    pub head: ObjectId,
    /// Priority; a higher number goes first.
    pub priority: i32,
    /// When the entry was queued, in Unix milliseconds.
    pub queued_ms: i64,
    /// Number of younger entries that landed before it.
    pub overtaken: u32,
    /// Times that its merge could not be made or landed for a reason outside of the branch.
    pub build_failures: u32,
    /// Text of the last such reason.
    #[serde(default)]
    pub problem: Option<String>,
    /// Earliest time of the next attempt, in Unix milliseconds.
    pub not_before_ms: Option<i64>,
    /// Its own merge, made ahead of its turn.
    #[serde(default)]
    pub ahead: Option<Ahead>,
    /// Whether the gate was green on its own merge with some tip. Such an entry fails less often in its turn.
    #[serde(default)]
    pub has_passed: bool,
    /// Tests that the branch changed and that the objective's scope does not name. The gate must be green
    /// with these files as they were before.
    #[serde(default)]
    pub guard: Option<Guard>,
}

impl Entry {
    /// Returns an entry for which nothing was made yet.
    #[must_use]
    pub fn new(id: EntryId, subject: Subject, head: ObjectId, priority: i32, queued_ms: i64) -> Self {
        Self {
            id,
            subject,
            head,
            priority,
            queued_ms,
            overtaken: 0,
            build_failures: 0,
            problem: None,
            not_before_ms: None,
            ahead: None,
            has_passed: false,
            guard: None,
        }
    }

    /// Returns whether the entry waits for the gate to run with the earlier tests.
    #[must_use]
    pub fn waits_for_guard(&self) -> bool {
        self.guard.as_ref().is_some_and(|guard| !guard.settled)
    }
}

/// The merge queue of a project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Train {
    /// Entries in the order in which they were queued.
    pub entries: Vec<Entry>,
    /// Number of the next entry.
    pub next_entry: EntryId,
    /// Why the queue is on hold; `None` if it is not.
    pub held: Option<Reason>,
    /// Entries that are tried together.
    #[serde(default)]
    pub chain: Option<Chain>,
    /// Number of the last chain.
    #[serde(default)]
    pub chains: u64,
    /// The landing in progress.
    #[serde(default)]
    pub landing: Option<Landing>,
    /// How often entries failed so far.
    #[serde(default)]
    pub rates: Rates,
}

impl Train {
    /// Returns the entry with that number.
    #[must_use]
    pub fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// Returns the entry of that objective.
    #[must_use]
    pub fn entry_of(&self, objective: &ObjectiveId) -> Option<&Entry> {
        self.entries.iter().find(|entry| matches!(&entry.subject, Subject::Objective(id) if id == objective))
    }

    /// Returns whether the intent to land this entry is recorded.
    #[must_use]
    pub fn is_landing(&self, entry: EntryId) -> bool {
        self.landing.as_ref().is_some_and(|landing| landing.members.contains(&entry))
    }

    /// Returns the number of the chain in which this entry is merged.
    #[must_use]
    pub fn batch_of(&self, entry: EntryId) -> Option<u64> {
        let chain = self.chain.as_ref()?;
        chain.links().iter().any(|link| link.entry == entry).then_some(chain.number)
    }

    /// Returns whether the entry conflicts with others of the current chain, and waits for its turn.
    #[must_use]
    pub fn is_separate(&self, entry: EntryId) -> bool {
        let made = self.chain.as_ref().and_then(|chain| chain.made.as_ref());
        made.is_some_and(|made| made.separate.contains(&entry))
    }

    /// Returns the trees of the entry's own merge with the tip, from the chain and from ahead of its turn.
    pub(crate) fn own_trees(&self, entry: EntryId) -> Vec<ObjectId> {
        let first = self.chain.as_ref().and_then(|chain| chain.links().first());
        // Only the first link is a merge with the tip alone; the later ones contain other entries.
        let in_chain = first.filter(|link| link.entry == entry).map(|link| link.tree.clone());
        let ahead = self.entry(entry).and_then(|found| found.ahead.as_ref()?.candidate.as_ref());
        in_chain.into_iter().chain(ahead.map(|candidate| candidate.tree.clone())).collect()
    }

    /// Removes an entry, and from the chain every merge that contains it.
    pub(crate) fn take_out(&mut self, entry: EntryId) {
        self.entries.retain(|found| found.id != entry);
        let Some(chain) = self.chain.as_mut().filter(|chain| chain.asked.contains(&entry)) else { return };
        let Some(made) = &mut chain.made else {
            self.chain = None;
            return;
        };
        match made.links.iter().position(|link| link.entry == entry) {
            // A separate entry may merge cleanly with the members that are left.
            Some(place) => {
                made.links.truncate(place);
                made.separate.clear();
            }
            None => made.separate.retain(|id| *id != entry),
        }
        // The merges being made still contain the entry. Their answer will name other members and is ignored.
        made.is_stale |= chain.is_building;
        chain.is_building = false;
        chain.asked.retain(|id| *id != entry);
        // An order to discard a chain names one of its members, so a chain without members could never be
        // discarded.
        if made.links.is_empty() || chain.asked.is_empty() {
            self.chain = None;
        }
    }

    /// Bases the chain on a tip to which the user's own commits were added.
    ///
    /// If these commits leave the tip's tree unchanged, the merges keep their trees. The known verdicts and
    /// the running gates therefore stay, and the next plan decides whether they still apply.
    pub(crate) fn follow_tip(&mut self, onto: &ObjectId) {
        let Some(chain) = self.chain.as_mut().filter(|chain| chain.onto != *onto) else { return };
        let Some(made) = &mut chain.made else {
            self.chain = None;
            return;
        };
        made.separate.clear();
        made.is_stale = true;
        chain.is_building = false;
        chain.onto = onto.clone();
    }

    /// Removes a landed entry and the prefix that ends with it. The rest of the chain has to be merged again
    /// on the new tip.
    pub fn take_landed(&mut self, entry: EntryId, onto: &ObjectId) {
        self.entries.retain(|found| found.id != entry);
        let Some(chain) = &mut self.chain else { return };
        let Some(made) = &mut chain.made else {
            self.chain = None;
            return;
        };
        let place = made.links.iter().position(|link| link.entry == entry);
        made.links.drain(..place.map_or(0, |place| place + 1));
        made.separate.clear();
        made.is_stale = true;
        chain.is_building = false;
        chain.onto = onto.clone();
        chain.asked.retain(|id| *id != entry);
        // See `take_out`: a chain without members could never be discarded.
        if made.links.is_empty() || chain.asked.is_empty() {
            self.chain = None;
        }
    }
}
