//! The merge queue as a pure state machine: `plan(view) -> actions`, planned anew from one read at every
//! event. Lost or doubled events are harmless, since nothing is remembered between two plans.
//!
//! Batches hold one entry and one gate runs at a time.

use serde::{Deserialize, Serialize};

use super::ids::{GateId, ObjectId, ObjectiveId};
use super::judge::{Judgement, Rules, Trial, judge};
use super::reason::Reason;

/// How often an entry may be overtaken by younger ones of higher priority (SPEC 3.5, Order).
pub const OVERTAKEN_MAX: u32 = 8;

/// What an entry would land.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The branch of an objective.
    Objective(ObjectiveId),
    /// The user's own commits on the target branch, made while landed work was not published.
    Target,
}

/// How far an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing is made for it.
    Waiting,
    /// Its merge is being made.
    Building {
        /// The integration tip it is merged onto.
        onto: ObjectId,
    },
    /// Its merge is made.
    Built(Candidate),
    /// The gate runs on it.
    Gating {
        /// Its merge.
        candidate: Candidate,
        /// The gate run.
        gate: GateId,
    },
    /// It may land.
    Passed {
        /// Its merge.
        candidate: Candidate,
        /// The gate run that passed; none when the project has no gate.
        gate: Option<GateId>,
    },
    /// The intent to land it is on disk.
    Landing {
        /// Its merge.
        candidate: Candidate,
        /// The gate run that passed.
        gate: Option<GateId>,
    },
}

/// A merge made in memory.
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

/// An approved branch head on its way to landing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Numbers the entries of a project.
    pub id: u64,
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
    /// How far it is.
    pub stage: Stage,
    /// The gate runs on its present merge.
    #[serde(default)]
    pub trial: Trial,
    /// Times its merge could not be built or landed for an outside reason.
    pub build_failures: u32,
    /// Not touched before this time, in Unix milliseconds.
    pub not_before_ms: Option<i64>,
}

impl Entry {
    /// An entry that nothing was made for yet.
    #[must_use]
    pub fn new(id: u64, subject: Subject, head: ObjectId, priority: i32, queued_ms: i64) -> Self {
        Self {
            id,
            subject,
            head,
            priority,
            queued_ms,
            overtaken: 0,
            stage: Stage::Waiting,
            trial: Trial::default(),
            build_failures: 0,
            not_before_ms: None,
        }
    }
}

/// The merge queue of a project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Train {
    /// The entries, in order of approval.
    pub entries: Vec<Entry>,
    /// The number of the next entry.
    pub next_entry: u64,
    /// Why it is held, when it is.
    pub held: Option<Reason>,
}

impl Train {
    /// The entry of that number.
    #[must_use]
    pub fn entry(&self, id: u64) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// The entry of that objective.
    #[must_use]
    pub fn entry_of(&self, objective: &ObjectiveId) -> Option<&Entry> {
        self.entries.iter().find(|entry| matches!(&entry.subject, Subject::Objective(id) if id == objective))
    }

    /// The entry whose landing has been intended.
    #[must_use]
    pub fn landing(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| matches!(entry.stage, Stage::Landing { .. }))
    }

    /// The entries as they will land: the user's commits first, then whoever was overtaken too often, then what
    /// has begun (a gate run is not given up for an entry that comes later), then by priority, then by time of
    /// approval.
    #[must_use]
    pub fn in_order(&self) -> Vec<&Entry> {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by_key(|entry| {
            let is_users = entry.subject == Subject::Target;
            let is_due = entry.overtaken >= OVERTAKEN_MAX;
            let priority = if is_due { 0 } else { -i64::from(entry.priority) };
            (!is_users, !is_due, entry.stage == Stage::Waiting, priority, entry.id)
        });
        entries
    }
}

/// All that a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The queue.
    pub train: &'a Train,
    /// The integration tip.
    pub tip: &'a ObjectId,
    /// Whether the project has a gate.
    pub has_gate: bool,
    /// Whether landing is allowed at all: not held, not stopping, repository workable.
    pub may_move: bool,
    /// What verdicts go by.
    pub rules: Rules<'a>,
}

/// What a plan asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make the merge of this entry onto the tip.
    Build(u64),
    /// Run the gate on this entry's merge.
    Gate(u64),
    /// Run the gate on the base of this entry's merge.
    GateBase(u64),
    /// Its tree is green already, by this run.
    Reuse(u64, GateId),
    /// It is red alone on a green base: send it back.
    Blame(u64),
    /// The base is red, by this run: hold the queue.
    HoldRed(u64, GateId),
    /// The gate cannot be evaluated: hold the queue.
    HoldNotEvaluated(u64),
    /// It passed (or there is no gate): let it land.
    Land(u64),
    /// What runs for this entry is outdated: cancel it and start over.
    Reset(u64),
}

impl Action {
    /// The entry that it is about.
    #[must_use]
    pub fn entry(&self) -> u64 {
        match self {
            Self::Build(id) | Self::Gate(id) | Self::GateBase(id) | Self::Reuse(id, _) | Self::Blame(id) => {
                *id
            }
            Self::HoldRed(id, _) | Self::HoldNotEvaluated(id) | Self::Land(id) | Self::Reset(id) => *id,
        }
    }
}

fn candidate_of(stage: &Stage) -> Option<&ObjectId> {
    match stage {
        Stage::Waiting => None,
        Stage::Building { onto } => Some(onto),
        Stage::Built(candidate)
        | Stage::Gating { candidate, .. }
        | Stage::Passed { candidate, .. }
        | Stage::Landing { candidate, .. } => Some(&candidate.onto),
    }
}

/// What to do next. A pure function of what it sees.
#[must_use]
pub fn plan(view: &View<'_>) -> Vec<Action> {
    if view.train.landing().is_some() {
        return Vec::new();
    }
    let order = view.train.in_order();
    let outdated =
        order.iter().filter(|entry| candidate_of(&entry.stage).is_some_and(|onto| onto != view.tip));
    let mut actions: Vec<Action> = outdated.map(|entry| Action::Reset(entry.id)).collect();
    let Some(first) = order.first() else { return actions };
    let overtakers = order.iter().skip(1).filter(|entry| entry.stage != Stage::Waiting);
    actions.extend(overtakers.map(|entry| Action::Reset(entry.id)));
    actions.dedup();
    if !actions.is_empty() || !view.may_move || first.not_before_ms.is_some_and(|t| t > view.rules.now_ms) {
        return actions;
    }
    match &first.stage {
        Stage::Waiting => actions.push(Action::Build(first.id)),
        Stage::Built(candidate) if view.has_gate => actions.push(judged(first, candidate, &view.rules)),
        Stage::Built(_) | Stage::Passed { .. } => actions.push(Action::Land(first.id)),
        Stage::Building { .. } | Stage::Gating { .. } | Stage::Landing { .. } => {}
    }
    actions
}

fn judged(entry: &Entry, candidate: &Candidate, rules: &Rules<'_>) -> Action {
    match judge(entry, candidate, rules) {
        Judgement::Run => Action::Gate(entry.id),
        Judgement::Reuse(gate) => Action::Reuse(entry.id, gate),
        Judgement::RunBase => Action::GateBase(entry.id),
        Judgement::Blame => Action::Blame(entry.id),
        Judgement::RedBase(gate) => Action::HoldRed(entry.id, gate),
        Judgement::NotEvaluated => Action::HoldNotEvaluated(entry.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(digit: char) -> ObjectId {
        ObjectId::new(String::from(digit).repeat(40)).unwrap()
    }

    fn entry(id: u64, priority: i32, stage: Stage) -> Entry {
        let subject = Subject::Objective(ObjectiveId::new(format!("o{id}")).unwrap());
        Entry { stage, ..Entry::new(id, subject, oid('9'), priority, 0) }
    }

    fn planned(train: &Train, has_gate: bool) -> Vec<Action> {
        let rules = Rules { verdicts: &[], terms: "", flaky_retries: 1, now_ms: 0 };
        plan(&View { train, tip: &oid('1'), has_gate, may_move: true, rules })
    }

    fn candidate(onto: char) -> Candidate {
        Candidate { onto: oid(onto), onto_tree: oid('4'), commit: oid('2'), tree: oid('3'), sealed: false }
    }

    #[test]
    fn the_first_entry_is_built_then_gated_then_landed() {
        let mut train = Train { entries: vec![entry(1, 0, Stage::Waiting)], ..Train::default() };
        assert_eq!(planned(&train, true), [Action::Build(1)]);
        train.entries[0].stage = Stage::Built(candidate('1'));
        assert_eq!(planned(&train, true), [Action::Gate(1)]);
        assert_eq!(planned(&train, false), [Action::Land(1)]);
        train.entries[0].stage = Stage::Passed { candidate: candidate('1'), gate: None };
        assert_eq!(planned(&train, true), [Action::Land(1)]);
        train.entries[0].stage = Stage::Landing { candidate: candidate('1'), gate: None };
        assert_eq!(planned(&train, true), []);
    }

    #[test]
    fn what_was_made_for_an_older_tip_is_made_anew() {
        let stage = Stage::Gating { candidate: candidate('7'), gate: GateId(1) };
        let train = Train { entries: vec![entry(1, 0, stage)], ..Train::default() };
        assert_eq!(planned(&train, true), [Action::Reset(1)]);
    }

    #[test]
    fn nobody_is_overtaken_more_than_eight_times() {
        let mut old = entry(1, 0, Stage::Waiting);
        let urgent = entry(2, 5, Stage::Waiting);
        let mut train = Train { entries: vec![old.clone(), urgent.clone()], ..Train::default() };
        assert_eq!(planned(&train, true), [Action::Build(2)]);
        old.overtaken = OVERTAKEN_MAX;
        train.entries = vec![old, urgent];
        assert_eq!(planned(&train, true), [Action::Build(1)]);
    }

    #[test]
    fn a_gate_run_is_not_given_up_for_an_urgent_entry_that_comes_later() {
        let stage = Stage::Gating { candidate: candidate('1'), gate: GateId(1) };
        let entries = vec![entry(1, 0, stage), entry(2, 5, Stage::Waiting)];
        assert_eq!(planned(&Train { entries, ..Train::default() }, true), []);
    }

    #[test]
    fn the_users_own_commits_go_first() {
        let mut users = entry(2, 0, Stage::Waiting);
        users.subject = Subject::Target;
        let train = Train { entries: vec![entry(1, 100, Stage::Waiting), users], ..Train::default() };
        assert_eq!(planned(&train, true), [Action::Build(2)]);
    }
}
