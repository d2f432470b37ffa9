//! The merge queue of a project as it stands: its entries, what is made of them, and what lands.

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
    /// The user's own commits on the target branch, made while landed work was not published.
    Target,
}

/// A merge made in memory: what lands when the gate passes on its tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The integration tip it is merged onto: its first parent.
    pub onto: ObjectId,
    /// The tree of that.
    pub onto_tree: ObjectId,
    /// The merge commit.
    pub commit: ObjectId,
    /// Its tree: what the gate judges and what lands.
    pub tree: ObjectId,
    /// Its message says that this tree was verified: it may land through a gate only.
    #[serde(default)]
    pub sealed: bool,
}

/// One prefix of a chain: the merge that lands its members, up to this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The member that it adds.
    pub entry: EntryId,
    /// What lands all members up to this one: one merge onto the tip.
    pub commit: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
}

/// The entries that are tried together, in the order in which they would land.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Numbers the chains of a project.
    pub number: u64,
    /// The integration tip it is made on.
    pub onto: ObjectId,
    /// The entries that it was to hold.
    pub asked: Vec<EntryId>,
    /// What was made; none before the first time.
    pub made: Option<Made>,
    /// It is being made, or made again.
    pub is_building: bool,
}

/// A chain's merges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The tree of the tip.
    pub onto_tree: ObjectId,
    /// Its prefixes, shortest first.
    pub links: Vec<Link>,
    /// Entries that do not go together with those before them in the chain; they wait for their turn.
    #[serde(rename = "apart")]
    pub separate: Vec<EntryId>,
    /// The messages say that the trees were verified.
    pub sealed: bool,
    /// A part of it has landed, or others are to join it: these are the trees to expect, the merges have to be
    /// made anew.
    pub is_stale: bool,
}

impl Chain {
    /// The prefixes that are made, shortest first.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        self.made.as_ref().map_or(&[], |made| made.links.as_slice())
    }

    /// What lands the first `count` members.
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

    /// The first `count` members.
    #[must_use]
    pub fn members(&self, count: usize) -> Vec<EntryId> {
        self.links().iter().take(count).map(|link| link.entry).collect()
    }
}

/// A landing whose intent is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landing {
    /// What lands.
    pub candidate: Candidate,
    /// Whose it is, in order.
    pub members: Vec<EntryId>,
    /// The gate run that passed; none when the project has no gate.
    pub gate: Option<GateId>,
}

/// An entry's own merge, made ahead of its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ahead {
    /// The integration tip it is made on.
    pub onto: ObjectId,
    /// The merge; none while it is being made.
    pub candidate: Option<Candidate>,
}

/// An approved branch head on its way to landing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Numbers the entries of a project.
    pub id: EntryId,
    /// What it would land.
    pub subject: Subject,
    /// The pinned head.
    pub head: ObjectId,
    /// Higher goes first.
    pub priority: i32,
    /// When it was approved, in Unix milliseconds.
    pub queued_ms: i64,
    /// How often a younger entry landed before it.
    pub overtaken: u32,
    /// Times its merge could not be built or landed for an outside reason.
    pub build_failures: u32,
    /// What the last of those was.
    #[serde(default)]
    pub problem: Option<String>,
    /// Not touched before this time, in Unix milliseconds.
    pub not_before_ms: Option<i64>,
    /// Its own merge, made ahead of its turn.
    #[serde(default)]
    pub ahead: Option<Ahead>,
    /// It was green on its own merge with some tip: it fails less often in its turn.
    #[serde(default)]
    pub has_passed: bool,
    /// Tests that it changed and its scope does not name: the gate has to be green with them as they were.
    #[serde(default)]
    pub guard: Option<Guard>,
}

impl Entry {
    /// An entry that nothing was made for yet.
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

    /// Whether it stands aside until the gate has run with the tests as they were.
    #[must_use]
    pub fn waits_for_guard(&self) -> bool {
        self.guard.as_ref().is_some_and(|guard| !guard.settled)
    }
}

/// The merge queue of a project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Train {
    /// The entries, in order of approval.
    pub entries: Vec<Entry>,
    /// The number of the next entry.
    pub next_entry: EntryId,
    /// Why it is held, when it is.
    pub held: Option<Reason>,
    /// What is tried together.
    #[serde(default)]
    pub chain: Option<Chain>,
    /// The number of the last chain.
    #[serde(default)]
    pub chains: u64,
    /// What is landing.
    #[serde(default)]
    pub landing: Option<Landing>,
    /// How often entries failed so far.
    #[serde(default)]
    pub rates: Rates,
}

impl Train {
    /// The entry of that number.
    #[must_use]
    pub fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// The entry of that objective.
    #[must_use]
    pub fn entry_of(&self, objective: &ObjectiveId) -> Option<&Entry> {
        self.entries.iter().find(|entry| matches!(&entry.subject, Subject::Objective(id) if id == objective))
    }

    /// Whether the intent to land this entry is on disk.
    #[must_use]
    pub fn is_landing(&self, entry: EntryId) -> bool {
        self.landing.as_ref().is_some_and(|landing| landing.members.contains(&entry))
    }

    /// The number of the chain that holds this entry, once it is made.
    #[must_use]
    pub fn batch_of(&self, entry: EntryId) -> Option<u64> {
        let chain = self.chain.as_ref()?;
        chain.links().iter().any(|link| link.entry == entry).then_some(chain.number)
    }

    /// Whether it does not go together with those that are tried now, and waits for its turn.
    #[must_use]
    pub fn is_separate(&self, entry: EntryId) -> bool {
        let made = self.chain.as_ref().and_then(|chain| chain.made.as_ref());
        made.is_some_and(|made| made.separate.contains(&entry))
    }

    /// The tree of an entry's own merge with the tip, where it was made.
    pub(crate) fn own_trees(&self, entry: EntryId) -> Vec<ObjectId> {
        let first = self.chain.as_ref().and_then(|chain| chain.links().first());
        let in_chain = first.filter(|link| link.entry == entry).map(|link| link.tree.clone());
        let ahead = self.entry(entry).and_then(|found| found.ahead.as_ref()?.candidate.as_ref());
        in_chain.into_iter().chain(ahead.map(|candidate| candidate.tree.clone())).collect()
    }

    /// Takes an entry out: what was made with it does not count any more.
    pub(crate) fn take_out(&mut self, entry: EntryId) {
        self.entries.retain(|found| found.id != entry);
        let Some(chain) = self.chain.as_mut().filter(|chain| chain.asked.contains(&entry)) else { return };
        let Some(made) = &mut chain.made else {
            self.chain = None;
            return;
        };
        match made.links.iter().position(|link| link.entry == entry) {
            // Whoever is apart may go together with those that are left.
            Some(place) => {
                made.links.truncate(place);
                made.separate.clear();
            }
            None => made.separate.retain(|id| *id != entry),
        }
        made.is_stale |= chain.is_building;
        chain.is_building = false;
        chain.asked.retain(|id| *id != entry);
        // One that nobody asked for could not be given up by anybody's name.
        if made.links.is_empty() || chain.asked.is_empty() {
            self.chain = None;
        }
    }

    /// The tip moved on to commits of the user's. Where these leave its tree as it was, the merges have the trees that
    /// they had, and what is known of them and runs on them goes on to count.
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

    /// Takes the landed members out; what is left of the chain has to be made again on the new tip.
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
        // One that nobody asked for could not be given up by anybody's name.
        if made.links.is_empty() || chain.asked.is_empty() {
            self.chain = None;
        }
    }
}
