//! The plan: what to do next, from what is seen and from nothing else.

use super::BATCH_MAX;
use super::cuts::Search;
use super::order::{Conflicts, fresh_order, in_order, landable};
use crate::judge::{Judgement, Rules, Trial, judge};
use paddock_model::clock;
use paddock_model::gate::{GateRun, Purpose};
use paddock_model::ids::{EntryId, GateId, ObjectId};
use paddock_model::train::{Chain, Entry, Link, Subject, Train};

/// Entries that are tried ahead of their turn, at most: the work is lost whenever the tip moves.
const AHEAD_MAX: usize = 8;

/// Entries looked at for a chain: some of them conflict with those before them.
const LOOKED_AT_MAX: usize = 2 * BATCH_MAX;

/// All that a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The queue.
    pub train: &'a Train,
    /// The integration tip.
    pub tip: &'a ObjectId,
    /// Whether the project has a gate.
    pub has_gate: bool,
    /// Whether anything may begin or land at all: not held, not stopping, repository workable.
    pub may_move: bool,
    /// Gate runs at once.
    pub slots: usize,
    /// One slot more may be used to find out what two runs cost each other: for as long as the queue's own run takes
    /// no longer than this, in milliseconds.
    pub trial_ms: Option<i64>,
    /// The project's gate runs that are not over, whatever they are for.
    pub runs: &'a [&'a GateRun],
    /// Batches of one only.
    pub is_strict: bool,
    /// Entries that are known to conflict, in pairs.
    pub conflicts: &'a [(EntryId, EntryId)],
    /// The tree of the tip, when the tip is the user's own commit.
    pub external: Option<&'a ObjectId>,
    /// What verdicts go by.
    pub rules: Rules<'a>,
}

/// What a plan asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make a chain of these entries on the tip.
    Build(Vec<EntryId>),
    /// Run the gate on the chain's first so many members.
    Gate(usize),
    /// Run the gate on the tip that the chain is made on.
    GateBase,
    /// It is red alone on a green base: send it back, by what is known of its tree.
    Blame(EntryId, Trial),
    /// The base is red, by this run: hold the queue.
    HoldRed(GateId),
    /// The gate cannot be evaluated: hold the queue, by what is known of the tree. Whether the base could not
    /// either.
    HoldNotEvaluated(Trial, bool),
    /// The chain's first so many members passed, by this run, or there is no gate: let them land.
    Land(usize, Option<GateId>),
    /// What was made is outdated: start over.
    Reset,
    /// What this run is for is outdated, or the queue wants its slot.
    Cancel(GateId),
    /// Make the merge of this entry alone, ahead of its turn.
    BuildAhead(EntryId),
    /// Run the gate on it.
    GateAhead(EntryId),
    /// Run the gate on the tip, which is the user's own commit.
    GateExternal,
}

/// What to do next. A pure function of what it sees.
#[must_use]
pub fn plan(view: &View<'_>) -> Vec<Action> {
    if view.train.landing.is_some() {
        return Vec::new();
    }
    let mut conflicts = Conflicts::new();
    for (one, other) in view.conflicts {
        conflicts.entry(*one).or_default().insert(*other);
        conflicts.entry(*other).or_default().insert(*one);
    }
    Planner { view, conflicts }.plan()
}

struct Planner<'v, 'a> {
    view: &'v View<'a>,
    conflicts: Conflicts,
}

impl<'a> Planner<'_, 'a> {
    fn plan(&self) -> Vec<Action> {
        if self.is_outdated() {
            return vec![Action::Reset];
        }
        let outdated = self.useless().chain(self.costly());
        let mut actions: Vec<Action> = outdated.map(|run| Action::Cancel(run.id)).collect();
        if !actions.is_empty() || !self.view.may_move {
            return actions;
        }
        let wants_slots = match self.view.train.chain.as_ref() {
            None => self.begin(&mut actions),
            Some(chain) if chain.is_building => true,
            Some(chain) if chain.made.as_ref().is_none_or(|made| made.is_stale) => self.begin(&mut actions),
            Some(chain) => self.go_on(chain, &mut actions),
        };
        if !wants_slots && actions.is_empty() {
            self.idle(&mut actions);
        }
        actions
    }

    fn trial(&self, tree: &ObjectId) -> Trial {
        self.view.rules.trial(tree)
    }

    fn users_entry(&self) -> Option<&'a Entry> {
        self.view.train.entries.iter().find(|entry| entry.subject == Subject::Target)
    }

    /// Whether the chain is for another tip, another gate, or has to give way to the user's own commits.
    fn is_outdated(&self) -> bool {
        let Some(chain) = &self.view.train.chain else { return false };
        let is_sealed = chain.made.as_ref().map(|made| made.sealed);
        let is_behind = |users: &Entry| chain.asked.first() != Some(&users.id);
        chain.onto != *self.view.tip
            || is_sealed.is_some_and(|is_sealed| is_sealed != self.view.has_gate)
            || self.users_entry().is_some_and(is_behind)
    }

    /// Runs of the queue that would tell nothing any more.
    fn useless(&self) -> impl Iterator<Item = &'a GateRun> {
        self.view.runs.iter().copied().filter(|run| !run.cancelled && !self.is_useful(run))
    }

    fn is_useful(&self, run: &GateRun) -> bool {
        let chain = self.view.train.chain.as_ref();
        let is_current = run.terms == self.view.rules.terms && self.view.has_gate;
        match &run.purpose {
            // Not the queue's to judge.
            Purpose::Canary | Purpose::Tamper { .. } | Purpose::Phase { .. } => true,
            Purpose::Candidate { .. } => {
                is_current && chain.is_some_and(|chain| self.would_tell(chain, &run.tree))
            }
            Purpose::Base { .. } => is_current && chain.is_some_and(|chain| self.asks_base(chain, &run.tree)),
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

    /// Whether the first member is still to be compared with this tree, which it would land on.
    fn asks_base(&self, chain: &Chain, tree: &ObjectId) -> bool {
        let made = chain.made.as_ref().filter(|made| made.onto_tree == *tree);
        let Some(first) = made.and_then(|made| made.links.first()) else { return false };
        self.view.train.entry(first.entry).is_some_and(|entry| {
            judge(&entry.subject, &first.tree, tree, &self.view.rules) == Judgement::RunBase
        })
    }

    /// Whether a verdict on this tree would say more than is known: it is between the longest green prefix and
    /// the shortest red one, or it is the first member's, which is tried again.
    fn would_tell(&self, chain: &Chain, tree: &ObjectId) -> bool {
        let links = self.usable(chain);
        let Some(place) = links.iter().position(|link| link.tree == *tree) else { return false };
        let found = Found::new(self, links);
        let count = place + 1;
        count > found.green && (found.red.is_none_or(|red| count < red) || count == 1)
    }

    /// The prefixes that may land without anybody being overtaken too often.
    fn usable<'c>(&self, chain: &'c Chain) -> &'c [Link] {
        &chain.links()[..landable(self.view.train, &chain.members(usize::MAX))]
    }

    fn running(&self, links: &[Link]) -> Vec<usize> {
        let runs = self.view.runs.iter().filter(|run| !run.cancelled && run.terms == self.view.rules.terms);
        let place = |run: &&GateRun| links.iter().position(|link| link.tree == run.tree);
        runs.filter_map(place).map(|place| place + 1).collect()
    }

    fn free_slots(&self) -> usize {
        let beyond = self.view.runs.iter().filter(|run| self.is_beyond(run)).count();
        self.view.slots.saturating_sub(self.view.runs.len() - beyond)
    }

    /// Whether a run that gives way is in a slot that the queue does not count on.
    fn is_beyond(&self, run: &GateRun) -> bool {
        run.slot as usize > self.view.slots && run.purpose.yields()
    }

    /// The queue's own run, when it is the only one.
    fn only_run(&self) -> Option<&'a GateRun> {
        let mut own = self.view.runs.iter().copied().filter(|run| !self.is_beyond(run));
        own.next().filter(|run| own.next().is_none() && matches!(run.purpose, Purpose::Candidate { .. }))
    }

    /// Runs beyond the slots that cost the queue more than they are worth, or are no longer wanted there.
    fn costly(&self) -> impl Iterator<Item = &'a GateRun> {
        let is_slow = |run: &GateRun, trial_ms| self.view.rules.now_ms - run.started_ms > trial_ms;
        let may_stay = match (self.view.trial_ms, self.only_run()) {
            (Some(trial_ms), Some(run)) => !is_slow(run, trial_ms),
            (_, own) => own.is_none() && self.free_slots() > 0,
        };
        let beyond = self.view.runs.iter().copied().filter(|run| !run.cancelled && self.is_beyond(run));
        beyond.filter(move |_| !may_stay)
    }

    /// Whether a run may start in a slot more, to find out what two cost each other: beside one that has just begun.
    fn may_try(&self) -> bool {
        let has_begun = |run: &GateRun, trial_ms| self.view.rules.now_ms - run.started_ms <= trial_ms / 4;
        let is_open = self.view.runs.iter().any(|run| self.is_beyond(run));
        let (Some(trial_ms), Some(run)) = (self.view.trial_ms, self.only_run()) else { return false };
        !is_open && !run.cancelled && has_begun(run, trial_ms)
    }

    /// Runs that give way and whose slot is the queue's: as many as are asked for.
    fn yielding(&self) -> impl Iterator<Item = &'a GateRun> {
        let may_yield = |run: &&GateRun| !run.cancelled && run.purpose.yields() && !self.is_beyond(run);
        self.view.runs.iter().copied().filter(may_yield)
    }

    fn failure(&self, entry: &Entry) -> f64 {
        self.view.train.rates.failure(entry.has_passed)
    }

    /// The entries that may be tried together, beginning with those that are kept.
    fn line(&self, kept: &[EntryId], separate: &[EntryId]) -> Vec<&'a Entry> {
        let limit = match (self.view.has_gate, self.view.is_strict) {
            (false, _) => 1,
            (true, true) => self.view.slots,
            (true, false) => BATCH_MAX,
        };
        let mut line: Vec<&Entry> = Vec::new();
        let order = fresh_order(self.view.train, kept, &self.conflicts, LOOKED_AT_MAX);
        // Whoever waits for a run with the tests as they were stands aside.
        for entry in order.into_iter().filter(|entry| !entry.waits_for_guard()) {
            if line.len() >= limit.max(kept.len()) {
                break;
            }
            let others = self.conflicts.get(&entry.id);
            let conflicts = others.is_some_and(|others| line.iter().any(|known| others.contains(&known.id)));
            if kept.contains(&entry.id) || (!conflicts && !separate.contains(&entry.id)) {
                line.push(entry);
            }
            if entry.subject == Subject::Target {
                break; // The user's commits are tried alone.
            }
        }
        let members: Vec<EntryId> = line.iter().map(|entry| entry.id).collect();
        line.truncate(landable(self.view.train, &members));
        line
    }

    /// No merges are there: which to make. Whether the queue has use for slots.
    fn begin(&self, actions: &mut Vec<Action>) -> bool {
        let kept = self.kept();
        let mut line = self.line(&kept, &[]);
        if line.len() < kept.len() {
            line = self.line(&[], &[]); // What is kept would overtake somebody too often.
        }
        let Some(first) = line.first() else { return false };
        if first.not_before_ms.is_some_and(|at_ms| !clock::is_over(at_ms, self.view.rules.now_ms)) {
            return true;
        }
        let failure: Vec<f64> = line.iter().map(|entry| self.failure(entry)).collect();
        let cuts = match self.view.is_strict {
            true => vec![line.len()],
            false => Search { failure: &failure, red: None, running: &[] }.cuts(self.view.slots),
        };
        let count = cuts.into_iter().max().unwrap_or(1).max(kept.len()).min(line.len());
        actions.push(Action::Build(line[..count].iter().map(|entry| entry.id).collect()));
        true
    }

    /// Members of a chain that has to be made again whose order is kept: up to the last one of which something
    /// is known or being found out.
    fn kept(&self) -> Vec<EntryId> {
        let Some(chain) = &self.view.train.chain else { return Vec::new() };
        let links = self.usable(chain);
        let found = Found::new(self, links);
        let running = self.running(links).into_iter().max().unwrap_or(0);
        let count = found.red.unwrap_or_else(|| running.max(found.green));
        chain.members(count)
    }

    /// The merges are there. Whether the queue has use for slots.
    fn go_on(&self, chain: &Chain, actions: &mut Vec<Action>) -> bool {
        let links = self.usable(chain);
        if links.is_empty() {
            actions.push(Action::Reset);
            return true;
        }
        let first = links.first().and_then(|link| self.view.train.entry(link.entry));
        let Some((first, made)) = first.zip(chain.made.as_ref()) else { return false };
        if first.not_before_ms.is_some_and(|at_ms| !clock::is_over(at_ms, self.view.rules.now_ms)) {
            return true;
        }
        if !self.view.has_gate {
            actions.push(Action::Land(1, None));
            return true;
        }
        let found = Found::new(self, links);
        let green = if self.view.is_strict { found.green.min(1) } else { found.green };
        match (self.trial(&links[green.saturating_sub(1)].tree).green, found.unclear) {
            (Some(gate), _) if green > 0 => actions.push(Action::Land(green, Some(gate))),
            (_, Some(trial)) => actions.push(Action::HoldNotEvaluated(trial, false)),
            _ if found.red == Some(1) => self.alone(first, &links[0].tree, &made.onto_tree, actions),
            _ => self.search(chain, links, &found, actions),
        }
        true
    }

    /// The first member fails, and it is alone on the tip.
    fn alone(&self, first: &Entry, tree: &ObjectId, base: &ObjectId, actions: &mut Vec<Action>) {
        let is_running =
            |tree: &ObjectId| self.view.runs.iter().any(|run| run.tree == *tree && !run.cancelled);
        let trial = self.trial(tree);
        let wanted = match judge(&first.subject, tree, base, &self.view.rules) {
            Judgement::Run if is_running(tree) => None,
            Judgement::Run => Some(Action::Gate(1)),
            Judgement::RunBase if is_running(base) => None,
            Judgement::RunBase => Some(Action::GateBase),
            Judgement::Blame => return actions.push(Action::Blame(first.id, trial)),
            Judgement::RedBase(gate) => return actions.push(Action::HoldRed(gate)),
            Judgement::NotEvaluated => {
                let on_base = trial.has_crashed || trial.red > 0;
                return actions.push(Action::HoldNotEvaluated(trial, on_base));
            }
            Judgement::Reuse(gate) => return actions.push(Action::Land(1, Some(gate))),
        };
        match wanted {
            None => self.idle(actions),
            Some(wanted) => self.start(wanted, actions),
        }
    }

    /// Starts a run in a free slot, or makes one free.
    fn start(&self, wanted: Action, actions: &mut Vec<Action>) {
        match (self.free_slots(), self.yielding().next()) {
            (0, Some(run)) => actions.push(Action::Cancel(run.id)),
            (0, None) => {}
            _ => actions.push(wanted),
        }
    }

    /// Prefixes are tried where they tell the most; entries join the chain where that is beyond its end.
    fn search(&self, chain: &Chain, links: &[Link], found: &Found, actions: &mut Vec<Action>) {
        let running = self.running(links);
        let slots = self.free_slots() + self.yielding().count();
        let members: Vec<EntryId> = links.iter().map(|link| link.entry).collect();
        let separate = chain.made.as_ref().map_or(&[][..], |made| made.separate.as_slice());
        let line = match found.red {
            Some(_) => members.iter().filter_map(|id| self.view.train.entry(*id)).collect(),
            None => self.line(&members, separate),
        };
        let failure: Vec<f64> = line.iter().map(|entry| self.failure(entry)).collect();
        let cuts = match self.view.is_strict {
            true => (found.green + 1..=line.len()).filter(|cut| !running.contains(cut)).take(slots).collect(),
            false => Search { failure: &failure, red: found.red, running: &running }.cuts(slots),
        };
        let Some(longest) = cuts.iter().max() else { return self.idle(actions) };
        if *longest > links.len() {
            let asked: Vec<EntryId> = line[..*longest].iter().map(|entry| entry.id).collect();
            return actions.push(Action::Build(asked));
        }
        let known = |cut: &&usize| !self.trial(&links[**cut - 1].tree).is_failing();
        if let Some(cut) = cuts.iter().find(known) {
            self.start(Action::Gate(*cut), actions);
        }
    }

    /// The queue has no use for a slot: the user's commits are tried, and entries ahead of their turn.
    fn idle(&self, actions: &mut Vec<Action>) {
        let is_free = self.free_slots() > 0;
        if !self.view.has_gate || (!is_free && !self.may_try()) {
            return;
        }
        let is_due = |tree: &ObjectId| {
            let trial = self.trial(tree);
            let is_open = trial.green.is_none() && trial.red <= self.view.rules.flaky_retries;
            let is_running = self.view.runs.iter().any(|run| run.tree == *tree);
            is_open && !trial.is_unclear() && !is_running
        };
        if is_free && self.view.external.is_some_and(is_due) {
            return actions.push(Action::GateExternal);
        }
        let order = in_order(self.view.train);
        let waiting = order.iter().filter(|entry| entry.subject != Subject::Target).skip(1).take(AHEAD_MAX);
        for entry in waiting {
            let ahead = entry.ahead.as_ref().filter(|ahead| ahead.onto == *self.view.tip);
            match ahead.map(|ahead| ahead.candidate.as_ref()) {
                None => return actions.push(Action::BuildAhead(entry.id)),
                Some(None) => return, // It is being made.
                Some(Some(candidate)) if is_due(&candidate.tree) => {
                    return actions.push(Action::GateAhead(entry.id));
                }
                Some(Some(_)) => {}
            }
        }
    }
}

/// What is known of a chain's prefixes.
struct Found {
    /// The longest green one, by its number of members.
    green: usize,
    /// The shortest failing one that is longer.
    red: Option<usize>,
    /// The first of which nothing can be said.
    unclear: Option<Trial>,
}

impl Found {
    fn new(planner: &Planner<'_, '_>, links: &[Link]) -> Self {
        let trials: Vec<Trial> = links.iter().map(|link| planner.trial(&link.tree)).collect();
        let green = match planner.view.is_strict {
            // Each lands by itself, and so needs a green verdict of its own.
            true => trials.iter().take_while(|trial| trial.green.is_some()).count(),
            false => trials.iter().rposition(|trial| trial.green.is_some()).map_or(0, |place| place + 1),
        };
        let failing = trials[green..].iter().position(Trial::is_failing);
        let unclear = trials[green..].iter().find(|trial| trial.is_unclear() && !trial.is_failing());
        Self { green, red: failing.map(|place| green + place + 1), unclear: unclear.copied() }
    }
}
