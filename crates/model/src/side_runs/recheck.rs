//! The recheck: once a day the gate runs on the newest landed tree in a new folder without caches, as a fresh
//! clone would have it. A tree that passed only with what earlier runs left is found in this way.

use serde::{Deserialize, Serialize};

use crate::clock::distance_ms;
use crate::gate::{CommandResult, GateRun, Verdict};
use crate::ids::{ObjectId, ObjectiveId};

/// Time between two landed trees that are judged from nothing, in milliseconds.
const EVERY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Pause after a recheck without a verdict, in milliseconds.
const PAUSE_MS: i64 = 60 * 60 * 1_000;
/// Landings that are remembered by name.
const DOUBTFUL_MAX: usize = 200;

/// A landing since the last landed tree that was judged from nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubtful {
    /// Commit on the integration ref.
    pub commit: ObjectId,
    /// Objectives that landed with it; empty for the user's own commits.
    pub objectives: Vec<ObjectiveId>,
    /// When it landed, in Unix milliseconds.
    pub at_ms: i64,
}

/// A landed commit, and the gate that passed on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandedTree {
    /// Commit on the integration ref.
    pub commit: ObjectId,
    /// Tree of the commit.
    pub tree: ObjectId,
    /// Fingerprint of the gate's commands and limits.
    pub terms: String,
}

/// State of a project's rechecks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Recheck {
    /// Whether a person asked for one that has no verdict yet.
    pub asked: bool,
    /// When a landed tree was last judged from nothing, in Unix milliseconds.
    pub last_ms: Option<i64>,
    /// When the first landing after that was, in Unix milliseconds.
    pub first_ms: Option<i64>,
    /// The landings after that, oldest first; the oldest are dropped beyond a bound.
    pub since: Vec<Doubtful>,
    /// Number of all landings after that.
    pub landings: u64,
    /// The newest landed tree that a gate passed on.
    pub newest: Option<LandedTree>,
    /// The tree on which the last recheck was red, until it is judged.
    pub failing: Option<LandedTree>,
    /// Red rechecks of that tree.
    pub red: u32,
    /// Number of the caches: those that were kept under a smaller number are void.
    pub epoch: u64,
    /// Before this time no recheck starts, in Unix milliseconds.
    pub not_before_ms: Option<i64>,
}

impl Recheck {
    /// Returns the tree that the next recheck runs on, under a gate with these terms. `None` if nothing has
    /// landed that a gate passed on.
    #[must_use]
    pub fn tree(&self, terms: &str) -> Option<&LandedTree> {
        self.failing_under(terms).or(self.newest.as_ref())
    }

    /// Returns whether this is a landed commit that a recheck may still say something about. The integration
    /// ref may have been reset while the recheck ran, or a newer landing judged from nothing.
    #[must_use]
    pub fn is_open(&self, commit: &ObjectId) -> bool {
        let is_it = |tree: &LandedTree| tree.commit == *commit;
        self.newest.as_ref().is_some_and(is_it)
            || self.failing.as_ref().is_some_and(is_it)
            || self.since.iter().any(|landing| landing.commit == *commit)
    }

    /// Returns the tree of the last recheck if it was red under a gate with these terms.
    fn failing_under(&self, terms: &str) -> Option<&LandedTree> {
        self.failing.as_ref().filter(|failing| failing.terms == terms)
    }

    /// Returns whether a recheck is due under a gate with these terms.
    #[must_use]
    pub fn is_due(&self, terms: &str, now_ms: i64) -> bool {
        self.due_ms(terms, now_ms).is_some_and(|due_ms| due_ms <= now_ms)
    }

    /// Returns when the next recheck is due under a gate with these terms, in Unix milliseconds; a time in
    /// the past if one is due. `None` if none will be before the next landing: after the gate has changed, a
    /// red run would say nothing about caches, so only a person's order runs it.
    #[must_use]
    pub fn due_ms(&self, terms: &str, now_ms: i64) -> Option<i64> {
        self.newest.as_ref().filter(|_| self.is_wanted(terms))?;
        // Neither the day nor the pause may last as long as a clock that was set back is wrong.
        let is_old = |from_ms: i64| distance_ms(now_ms, from_ms) >= EVERY_MS;
        let due_ms = match self.begin_ms() {
            _ if self.is_pressing(terms) => i64::MIN,
            Some(from_ms) if is_old(from_ms) => i64::MIN,
            from_ms => from_ms?.saturating_add(EVERY_MS),
        };
        let rests = |until_ms: &i64| until_ms.saturating_sub(now_ms) <= PAUSE_MS;
        Some(self.not_before_ms.filter(rests).map_or(due_ms, |until_ms| due_ms.max(until_ms)))
    }

    /// Returns whether a person asked for a recheck, or the last one was red and has to be repeated.
    fn is_pressing(&self, terms: &str) -> bool {
        self.asked || self.failing_under(terms).is_some()
    }

    fn is_wanted(&self, terms: &str) -> bool {
        self.asked || self.tree(terms).is_some_and(|tree| tree.terms == terms)
    }

    /// Returns the time from which the day is counted, while there are landings to check.
    fn begin_ms(&self) -> Option<i64> {
        self.first_ms.map(|first_ms| self.last_ms.unwrap_or(first_ms))
    }

    /// Records a landing that passed the gate in this run. The members of a batch share its commit.
    pub(crate) fn land(&mut self, run: &GateRun, landed: &LandedTree, id: Option<&ObjectiveId>, at_ms: i64) {
        // Only the first member of a batch is a new landing.
        let is_new = self.newest.as_ref().is_none_or(|newest| newest.commit != landed.commit);
        self.newest = Some(landed.clone());
        if run.from_nothing {
            (self.last_ms, self.first_ms, self.landings) = (Some(at_ms), None, 0);
            self.reset_failures();
            return self.since.clear();
        }
        if is_new {
            self.first_ms.get_or_insert(at_ms);
            self.landings += 1;
            self.since.push(Doubtful { commit: landed.commit.clone(), objectives: Vec::new(), at_ms });
            let excess = self.since.len().saturating_sub(DOUBTFUL_MAX);
            self.since.drain(..excess);
        }
        if let Some(last) = self.since.last_mut().filter(|last| last.commit == landed.commit) {
            last.objectives.extend(id.cloned());
        }
    }

    /// Records the verdict of a recheck. A failure that may pass by itself is repeated later.
    pub(crate) fn record(&mut self, run: &GateRun, verdict: Verdict, at_ms: i64) {
        if !self.is_open(&run.commit) {
            return;
        }
        let may_pass = run.results.iter().any(CommandResult::may_be_passing);
        let puts_off = verdict == Verdict::NotEvaluated || (verdict == Verdict::Red && may_pass);
        self.not_before_ms = puts_off.then(|| at_ms.saturating_add(PAUSE_MS));
        if verdict == Verdict::Red {
            let (commit, tree, terms) = (run.commit.clone(), run.tree.clone(), run.terms.clone());
            let now = LandedTree { commit, tree, terms };
            let is_repeat = self.failing.as_ref() == Some(&now);
            self.red = if is_repeat { self.red + 1 } else { 1 };
            self.failing = Some(now);
        }
    }

    /// Records the judgement on a landed commit. Green clears the landings up to it; after red a person
    /// decides about all of them, and the caches are void.
    pub(crate) fn judge(&mut self, commit: &ObjectId, verdict: Verdict, at_ms: i64) {
        (self.asked, self.last_ms, self.not_before_ms) = (false, Some(at_ms), None);
        self.reset_failures();
        let place = self.since.iter().position(|landing| landing.commit == *commit);
        let checked = match (verdict, place) {
            (Verdict::Green, place) => place.map_or(0, |place| place + 1),
            _ => self.since.len(),
        };
        self.epoch += u64::from(verdict == Verdict::Red);
        if checked > 0 || verdict != Verdict::Green {
            self.since.drain(..checked);
            self.landings = self.since.len() as u64;
            self.first_ms = self.since.first().map(|landing| landing.at_ms);
        }
    }

    /// Forgets red runs, so that the next recheck begins anew.
    pub(crate) fn reset_failures(&mut self) {
        (self.failing, self.red) = (None, 0);
    }

    /// Forgets the landings: the integration ref is on another branch, or was reset. The caches keep their
    /// number.
    pub(crate) fn forget_landings(&mut self) {
        *self = Self { last_ms: self.last_ms, epoch: self.epoch, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Purpose, Start};
    use crate::ids::{GateId, ProjectSlug};

    fn oid(number: u64) -> ObjectId {
        ObjectId::new(format!("{number:040x}")).unwrap()
    }

    fn run(commit: u64, from_nothing: bool) -> GateRun {
        GateRun {
            id: GateId(1),
            project: ProjectSlug::new("q").unwrap(),
            purpose: Purpose::Recheck,
            slot: 1,
            commands: Vec::new(),
            terms: "t".to_owned(),
            start: Start::FromNothing,
            from_nothing,
            commit: oid(commit),
            tree: oid(commit + 1_000),
            started_ms: 0,
            finished_ms: None,
            results: Vec::new(),
            verdict: None,
            cancelled: false,
            compared: None,
        }
    }

    fn land(recheck: &mut Recheck, commit: u64, at_ms: i64) {
        let tree = LandedTree { commit: oid(commit), tree: oid(commit + 1_000), terms: "t".to_owned() };
        recheck.land(&run(commit, false), &tree, None, at_ms);
    }

    #[test]
    fn landings_are_bounded_by_name_and_the_first_still_begins_the_day() {
        let mut recheck = Recheck::default();
        (1..=250).for_each(|commit| land(&mut recheck, commit, i64::try_from(commit).unwrap()));
        assert_eq!((recheck.since.len(), recheck.landings), (DOUBTFUL_MAX, 250));
        assert_eq!(recheck.due_ms("t", 250), Some(1 + EVERY_MS));
        recheck.judge(&oid(240), Verdict::Green, 500);
        assert_eq!((recheck.since.len(), recheck.landings, recheck.first_ms), (10, 10, Some(241)));
    }

    #[test]
    fn another_gate_puts_the_recheck_off_until_something_lands_under_it() {
        let mut recheck = Recheck::default();
        land(&mut recheck, 1, 0);
        assert!(recheck.is_due("t", EVERY_MS) && !recheck.is_due("other", EVERY_MS));
        recheck.record(&run(1, true), Verdict::Red, EVERY_MS);
        assert_eq!((recheck.red, recheck.is_due("other", EVERY_MS)), (1, false));
        recheck.asked = true;
        assert!(recheck.is_due("other", EVERY_MS));
    }

    #[test]
    fn a_verdict_on_a_commit_that_is_not_in_question_changes_nothing() {
        let mut recheck = Recheck::default();
        land(&mut recheck, 1, 0);
        recheck.record(&run(2, true), Verdict::Red, 1);
        assert_eq!(recheck.red, 0);
        recheck.forget_landings();
        recheck.record(&run(1, true), Verdict::Red, 1);
        assert_eq!((recheck.red, recheck.is_due("t", i64::MAX)), (0, false));
    }

    #[test]
    fn a_clock_that_was_set_back_puts_off_neither_the_day_nor_the_pause() {
        let mut recheck = Recheck::default();
        land(&mut recheck, 1, 400 * EVERY_MS);
        assert!(recheck.is_due("t", 0));
        recheck.record(&run(1, true), Verdict::NotEvaluated, 0);
        assert_eq!((recheck.is_due("t", 1), recheck.due_ms("t", 1)), (false, Some(PAUSE_MS)));
        recheck.not_before_ms = Some(400 * EVERY_MS);
        assert!(recheck.is_due("t", 1));
    }
}
