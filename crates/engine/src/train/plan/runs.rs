//! Which open gate runs are of use to the plan, and which slots are free.

use super::{Found, Planner};
use crate::judge::{Judgement, judge};
use crate::train::order::landable;
use paddock_model::gate::{GateRun, Purpose};
use paddock_model::ids::ObjectId;
use paddock_model::train::{Chain, Link};

impl<'a> Planner<'_, 'a> {
    /// Returns the queue's runs whose verdict would tell nothing any more.
    pub(super) fn useless(&self) -> impl Iterator<Item = &'a GateRun> {
        self.view.runs.iter().copied().filter(|run| !run.cancelled && !self.is_useful(run))
    }

    pub(super) fn is_useful(&self, run: &GateRun) -> bool {
        let chain = self.view.train.chain.as_ref();
        // The gate's commands may have been edited since the run started; its verdict would be about another
        // gate.
        let is_current = run.terms == self.view.rules.terms && self.view.has_gate;
        match &run.purpose {
            // `side_runs`, `phases` and `recheck` decide about these.
            Purpose::Canary | Purpose::Tamper { .. } | Purpose::Phase { .. } | Purpose::Recheck => true,
            Purpose::Candidate { .. } => {
                is_current && chain.is_some_and(|chain| self.would_tell(chain, &run.tree))
            }
            Purpose::Base { .. } => {
                is_current
                    && (self.shows_tip(run) || chain.is_some_and(|chain| self.asks_base(chain, &run.tree)))
            }
            Purpose::Ahead { entry } => {
                let entry = self.view.train.entry(*entry);
                let ahead = entry.and_then(|entry| entry.ahead.as_ref());
                let made =
                    ahead.filter(|ahead| ahead.onto == *self.view.tip).and_then(|a| a.candidate.as_ref());
                is_current && made.is_some_and(|made| made.tree == run.tree)
            }
            Purpose::External => is_current && self.view.external == Some(&run.tree),
        }
    }

    /// Returns whether this is the tree of the tip, and the tests there are wanted and not known. A gate that
    /// has run there and reported nothing would report nothing again.
    pub(super) fn needs_tip(&self, tree: &ObjectId) -> bool {
        let rules = &self.view.rules;
        self.view.tip_tree == Some(tree) && rules.needs_base(tree) && rules.base(tree, None).is_none()
    }

    /// Returns whether a run finds out which tests are on the tip. After a restart the tree of the tip is not
    /// known at first.
    pub(super) fn shows_tip(&self, run: &GateRun) -> bool {
        let rules = &self.view.rules;
        run.commit == *self.view.tip && rules.needs_base(&run.tree) && rules.base(&run.tree, None).is_none()
    }

    /// Returns whether this is the tree of the base, and a member has yet to be compared with it.
    pub(super) fn asks_base(&self, chain: &Chain, tree: &ObjectId) -> bool {
        let Some(made) = chain.made.as_ref().filter(|made| made.onto_tree == *tree) else { return false };
        let is_uncompared = |link: &Link| self.trial(&link.tree).uncompared.is_some();
        if made.links.iter().any(is_uncompared) && self.view.rules.needs_base(tree) {
            return true;
        }
        let Some(first) = made.links.first() else { return false };
        self.view.train.entry(first.entry).is_some_and(|entry| {
            judge(&entry.subject, &first.tree, tree, &self.view.rules) == Judgement::RunBase
        })
    }

    /// Returns whether a verdict on this tree would tell more than is known: its prefix lies between the
    /// longest green and the shortest red one, or it is that of the first member, which is repeated before it
    /// is blamed.
    pub(super) fn would_tell(&self, chain: &Chain, tree: &ObjectId) -> bool {
        let links = self.usable(chain);
        let Some(place) = links.iter().position(|link| link.tree == *tree) else { return false };
        let found = Found::new(self, links);
        let count = place + 1;
        count > found.green && (found.red.is_none_or(|red| count < red) || count == 1)
    }

    /// Returns the prefixes that may land without overtaking any entry too often.
    pub(super) fn usable<'c>(&self, chain: &'c Chain) -> &'c [Link] {
        &chain.links()[..landable(self.view.train, &chain.members(usize::MAX))]
    }

    /// Returns the prefixes that the gate runs on now, by their number of members.
    pub(super) fn running(&self, links: &[Link]) -> Vec<usize> {
        let runs = self.view.runs.iter().filter(|run| !run.cancelled && run.terms == self.view.rules.terms);
        let place = |run: &&GateRun| links.iter().position(|link| link.tree == run.tree);
        runs.filter_map(place).map(|place| place + 1).collect()
    }

    pub(super) fn free_slots(&self) -> usize {
        let beyond = self.view.runs.iter().filter(|run| self.is_beyond(run)).count();
        self.view.slots.saturating_sub(self.view.runs.len() - beyond)
    }

    /// Returns whether a run is in the additional slot of a trial, which the queue does not count on.
    pub(super) fn is_beyond(&self, run: &GateRun) -> bool {
        run.slot as usize > self.view.slots && run.purpose.yields()
    }

    /// Returns the queue's own run, if it is the only run in the regular slots.
    pub(super) fn only_run(&self) -> Option<&'a GateRun> {
        let mut own = self.view.runs.iter().copied().filter(|run| !self.is_beyond(run));
        own.next().filter(|run| own.next().is_none() && matches!(run.purpose, Purpose::Candidate { .. }))
    }

    /// Returns the runs of a trial that cost the queue more than they are worth, or are not needed any more.
    pub(super) fn costly(&self) -> impl Iterator<Item = &'a GateRun> {
        let is_slow = |run: &GateRun, trial_ms| self.view.rules.now_ms - run.started_ms > trial_ms;
        let may_stay = match (self.view.trial_ms, self.only_run()) {
            (Some(trial_ms), Some(run)) => !is_slow(run, trial_ms),
            // The queue's own run is over. The trial's run may go on, as the slot that it fills is idle
            // otherwise.
            (_, own) => own.is_none() && self.free_slots() > 0,
        };
        let beyond = self.view.runs.iter().copied().filter(|run| !run.cancelled && self.is_beyond(run));
        beyond.filter(move |_| !may_stay)
    }

    /// Returns whether a trial of one more slot may start. The queue's own run must have begun just now, so
    /// that the two overlap for most of its time and the measurement means something.
    pub(super) fn may_try(&self) -> bool {
        let has_begun = |run: &GateRun, trial_ms| self.view.rules.now_ms - run.started_ms <= trial_ms / 4;
        let is_open = self.view.runs.iter().any(|run| self.is_beyond(run));
        let (Some(trial_ms), Some(run)) = (self.view.trial_ms, self.only_run()) else { return false };
        !is_open && !run.cancelled && has_begun(run, trial_ms)
    }

    /// Returns the runs in the queue's slots that give way to the queue when it needs a slot.
    pub(super) fn yielding(&self) -> impl Iterator<Item = &'a GateRun> {
        let may_yield = |run: &&GateRun| !run.cancelled && run.purpose.yields() && !self.is_beyond(run);
        self.view.runs.iter().copied().filter(may_yield)
    }
}
