//! The plan of the merge queue: what to do next, as a function of the [`View`] alone.

mod runs;

use super::BATCH_MAX;
use super::cuts::Search;
use super::order::{Conflicts, fresh_order, in_order, landable};
use crate::judge::{Judgement, Rules, Trial, judge};
use paddock_model::clock;
use paddock_model::gate::GateRun;
use paddock_model::ids::{EntryId, GateId, ObjectId};
use paddock_model::train::{Chain, Entry, Link, Train};

/// Entries that are tried ahead of their turn, at most: that work is lost whenever the tip moves.
const AHEAD_MAX: usize = 8;

/// Entries considered for a chain. It is more than a batch holds, since some conflict with entries before
/// them.
const LOOKED_AT_MAX: usize = 2 * BATCH_MAX;

/// The input of a plan.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Entries of the queue, and the chain made from them.
    pub train: &'a Train,
    /// Integration tip.
    pub tip: &'a ObjectId,
    /// Whether the project has a gate.
    pub has_gate: bool,
    /// Whether anything may begin or land: the queue is not held, the supervisor is not stopping, and the
    /// repository is workable.
    pub may_move: bool,
    /// Number of parallel gate runs.
    pub slots: usize,
    /// How long the queue's own run may take while one more slot is tried, in milliseconds. `None` if no
    /// further slot may be tried. The trial measures how much two runs slow each other down.
    pub trial_ms: Option<i64>,
    /// Open gate runs of the project, for every purpose.
    pub runs: &'a [&'a GateRun],
    /// Whether each entry has to pass the gate by itself.
    pub is_strict: bool,
    /// Pairs of entries that are known to conflict.
    pub conflicts: &'a [(EntryId, EntryId)],
    /// Tree of the tip, if the tip is the user's own commit.
    pub external: Option<&'a ObjectId>,
    /// Tree of the tip, if its tests will be needed soon: work is under way. `None` also if the tree is not
    /// known.
    pub tip_tree: Option<&'a ObjectId>,
    /// Runs whose tests are being compared with those on the base.
    pub comparing: &'a [GateId],
    /// Rules for judging verdicts.
    pub rules: Rules<'a>,
}

/// A step that a plan asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make a chain of these entries on the tip.
    Build(Vec<EntryId>),
    /// Run the gate on this many members of the chain, from its first.
    Gate(usize),
    /// Run the gate on the tip that the chain is based on.
    GateBase,
    /// Run the gate on the tip while it would be idle, to know the tests there.
    GateTip,
    /// Compare the tests of this run with those on the base. The run was on this many members of the chain,
    /// from its first.
    Compare(usize, GateId),
    /// Send this entry back: it is red alone on a green base.
    Blame(EntryId, Trial),
    /// Hold the queue: this run was red on the base.
    HoldRed(GateId),
    /// Hold the queue: the gate cannot be evaluated on the tree. The flag says whether it was also tried on
    /// the base.
    HoldNotEvaluated(Trial, bool),
    /// Land this many members of the chain, from its first. They passed by this run; `None` without a gate.
    Land(usize, Option<GateId>),
    /// Give up the chain, which is out of date.
    Reset,
    /// Cancel this run: its verdict is not needed any more, or the queue needs its slot.
    Cancel(GateId),
    /// Merge this entry alone onto the tip, ahead of its turn.
    BuildAhead(EntryId),
    /// Run the gate on the merge of this entry, ahead of its turn.
    GateAhead(EntryId),
    /// Run the gate on the tip, which is the user's own commit.
    GateExternal,
}

/// Returns what to do next: nothing, or actions to execute in order.
#[must_use]
pub fn plan(view: &View<'_>) -> Vec<Action> {
    // A landing moves the tip, and until its answer is there nobody knows which tip to plan for.
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
        // Cancelling comes first, even for a queue that is held, so that a useless run gives its slot back.
        // The next plan sees the cancelled runs and goes on.
        let outdated = self.useless().chain(self.costly());
        let mut actions: Vec<Action> = outdated.map(|run| Action::Cancel(run.id)).collect();
        if !actions.is_empty() || !self.view.may_move {
            return actions;
        }
        let wants_slots = match self.view.train.chain.as_ref() {
            None => self.begin(&mut actions),
            Some(chain) if chain.is_building => true,
            Some(chain) if chain.made.as_ref().is_none_or(|made| made.is_stale) => self.begin(&mut actions),
            Some(chain) => self.advance(chain, &mut actions),
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
        let of_people = self.view.train.entries.iter().filter(|entry| entry.subject.is_of_people());
        of_people.min_by_key(|entry| (entry.subject.rank(), entry.id))
    }

    /// Returns whether the chain is out of date: made on another tip, made for a project with (or without) a
    /// gate, or in front of the user's own commits, which always go first.
    fn is_outdated(&self) -> bool {
        let Some(chain) = &self.view.train.chain else { return false };
        // The commit messages of a sealed chain say that the gate verified them.
        let is_sealed = chain.made.as_ref().map(|made| made.sealed);
        let is_behind = |users: &Entry| chain.asked.first() != Some(&users.id);
        chain.onto != *self.view.tip
            || is_sealed.is_some_and(|is_sealed| is_sealed != self.view.has_gate)
            || self.users_entry().is_some_and(is_behind)
    }

    /// Returns the probability that an entry fails the gate.
    fn failure(&self, entry: &Entry) -> f64 {
        self.view.train.rates.failure(entry.has_passed)
    }

    /// Returns the entries that may be tried together, in order. Those in `kept` come first; those in
    /// `separate` conflict with members before them and are left out.
    fn eligible(&self, kept: &[EntryId], separate: &[EntryId]) -> Vec<&'a Entry> {
        let limit = match (self.view.has_gate, self.view.is_strict) {
            // Without a gate a batch saves nothing: each entry lands at once.
            (false, _) => 1,
            // Each member needs a run of its own, so more members than slots would only wait.
            (true, true) => self.view.slots,
            (true, false) => BATCH_MAX,
        };
        let mut eligible: Vec<&Entry> = Vec::new();
        let order = fresh_order(self.view.train, kept, &self.conflicts, LOOKED_AT_MAX);
        // An entry whose tamper guard is still due lets others go first.
        for entry in order.into_iter().filter(|entry| !entry.waits_for_guard()) {
            if eligible.len() >= limit.max(kept.len()) {
                break;
            }
            let others = self.conflicts.get(&entry.id);
            let conflicts =
                others.is_some_and(|others| eligible.iter().any(|known| others.contains(&known.id)));
            // A kept member stays even if it is known to conflict by now: its merge has been made.
            if kept.contains(&entry.id) || (!conflicts && !separate.contains(&entry.id)) {
                eligible.push(entry);
            }
            if entry.subject.is_of_people() {
                break; // The user's commits are tried alone.
            }
        }
        let members: Vec<EntryId> = eligible.iter().map(|entry| entry.id).collect();
        eligible.truncate(landable(self.view.train, &members));
        eligible
    }

    /// Asks for a chain, as there is none on the tip of now. Returns whether the queue has a use for slots.
    fn begin(&self, actions: &mut Vec<Action>) -> bool {
        let kept = self.kept();
        let mut eligible = self.eligible(&kept, &[]);
        if eligible.len() < kept.len() {
            eligible = self.eligible(&[], &[]); // The kept members would overtake an entry too often.
        }
        let Some(first) = eligible.first() else { return false };
        // The last merge or landing failed for an outside reason, and its pause is not over.
        if first.not_before_ms.is_some_and(|at_ms| !clock::is_over(at_ms, self.view.rules.now_ms)) {
            return true;
        }
        let failure: Vec<f64> = eligible.iter().map(|entry| self.failure(entry)).collect();
        let cuts = match self.view.is_strict {
            true => vec![eligible.len()],
            false => Search { failure: &failure, red: None, running: &[] }.cuts(self.view.slots),
        };
        // The chain has to hold every prefix to be tried, and all members that are kept.
        let count = cuts.into_iter().max().unwrap_or(1).max(kept.len()).min(eligible.len());
        actions.push(Action::Build(eligible[..count].iter().map(|entry| entry.id).collect()));
        true
    }

    /// Returns the members of an outdated chain whose order the next chain keeps: up to the last prefix that
    /// has a verdict or a run. In the same order they have the same trees, so that verdicts and runs stay
    /// good.
    fn kept(&self) -> Vec<EntryId> {
        let Some(chain) = &self.view.train.chain else { return Vec::new() };
        let links = self.usable(chain);
        let found = Found::new(self, links);
        let running = self.running(links).into_iter().max().unwrap_or(0);
        let count = found.red.unwrap_or_else(|| running.max(found.green));
        chain.members(count)
    }

    /// Decides about a chain that is made: land, search, or judge its first member. Returns whether the queue
    /// has a use for slots.
    fn advance(&self, chain: &Chain, actions: &mut Vec<Action>) -> bool {
        let links = self.usable(chain);
        // No prefix may land any more: entries outside of the chain have been overtaken too often since it
        // was made.
        if links.is_empty() {
            actions.push(Action::Reset);
            return true;
        }
        let first = links.first().and_then(|link| self.view.train.entry(link.entry));
        let Some((first, made)) = first.zip(chain.made.as_ref()) else { return false };
        if first.not_before_ms.is_some_and(|at_ms| !clock::is_over(at_ms, self.view.rules.now_ms)) {
            return true;
        }
        // Without a gate nothing has to be found out, so the first member lands at once.
        if !self.view.has_gate {
            actions.push(Action::Land(1, None));
            return true;
        }
        let found = Found::new(self, links);
        let green = if self.view.is_strict { found.green.min(1) } else { found.green };
        if green == 0 && self.compare(links, &made.onto_tree, actions) {
            return true;
        }
        // A green prefix lands at once, before the search goes on behind it: its members need not wait for
        // that.
        match (self.trial(&links[green.saturating_sub(1)].tree).green, found.unclear) {
            (Some(gate), _) if green > 0 => actions.push(Action::Land(green, Some(gate))),
            (_, Some(trial)) => actions.push(Action::HoldNotEvaluated(trial, false)),
            _ if found.red == Some(1) => self.alone(first, &links[0].tree, &made.onto_tree, actions),
            _ => self.search(chain, links, &found, actions),
        }
        true
    }

    /// Asks for what keeps a green prefix from landing: a comparison of its tests, or a run on the base to
    /// compare with. Returns whether there is such a prefix.
    fn compare(&self, links: &[Link], base: &ObjectId, actions: &mut Vec<Action>) -> bool {
        let mut uncompared = links.iter().enumerate().rev();
        // In a strict queue each member is compared, the first one first.
        let uncompared = match self.view.is_strict {
            true => links.first().and_then(|link| Some((1, self.trial(&link.tree).uncompared?))),
            false => {
                uncompared.find_map(|(place, link)| Some((place + 1, self.trial(&link.tree).uncompared?)))
            }
        };
        let Some((count, gate)) = uncompared else { return false };
        let is_running = self.view.runs.iter().any(|run| run.tree == *base && !run.cancelled);
        match self.view.rules.needs_base(base) {
            true if is_running => self.idle(actions),
            true => self.start(Action::GateBase, actions),
            false if self.view.comparing.contains(&gate) => {}
            false => actions.push(Action::Compare(count, gate)),
        }
        true
    }

    /// Decides about the first member, which failed alone on the tip: repeat the run, ask the base, or blame.
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
            Judgement::Compare(gate) if self.view.comparing.contains(&gate) => None,
            Judgement::Compare(gate) => return actions.push(Action::Compare(1, gate)),
        };
        match wanted {
            None => self.idle(actions),
            Some(wanted) => self.start(wanted, actions),
        }
    }

    /// Starts a run in a free slot. If there is none, cancels a run that gives way; the next plan starts this
    /// one.
    fn start(&self, wanted: Action, actions: &mut Vec<Action>) {
        match (self.free_slots(), self.yielding().next()) {
            (0, Some(run)) => actions.push(Action::Cancel(run.id)),
            (0, None) => {}
            _ => actions.push(wanted),
        }
    }

    /// Tries the prefixes whose verdicts tell the most. If such a prefix is longer than the chain, further
    /// entries join the chain first.
    fn search(&self, chain: &Chain, links: &[Link], found: &Found, actions: &mut Vec<Action>) {
        let running = self.running(links);
        let slots = self.free_slots() + self.yielding().count();
        let members: Vec<EntryId> = links.iter().map(|link| link.entry).collect();
        let separate = chain.made.as_ref().map_or(&[][..], |made| made.separate.as_slice());
        let eligible = match found.red {
            // The culprit is inside of the chain: longer prefixes would be red as well.
            Some(_) => members.iter().filter_map(|id| self.view.train.entry(*id)).collect(),
            None => self.eligible(&members, separate),
        };
        let failure: Vec<f64> = eligible.iter().map(|entry| self.failure(entry)).collect();
        let cuts = match self.view.is_strict {
            true => {
                (found.green + 1..=eligible.len()).filter(|cut| !running.contains(cut)).take(slots).collect()
            }
            false => Search { failure: &failure, red: found.red, running: &running }.cuts(slots),
        };
        let Some(longest) = cuts.iter().max() else { return self.idle(actions) };
        if *longest > links.len() {
            let asked: Vec<EntryId> = eligible[..*longest].iter().map(|entry| entry.id).collect();
            return actions.push(Action::Build(asked));
        }
        let known = |cut: &&usize| !self.trial(&links[**cut - 1].tree).is_failing();
        if let Some(cut) = cuts.iter().find(known) {
            self.start(Action::Gate(*cut), actions);
        }
    }

    /// Uses a slot that the queue does not need: for the user's own commits, then for entries ahead of their
    /// turn.
    fn idle(&self, actions: &mut Vec<Action>) {
        let is_free = self.free_slots() > 0;
        if !self.view.has_gate || (!is_free && !self.may_try()) {
            return;
        }
        let is_due = |tree: &ObjectId| {
            let trial = self.trial(tree);
            let is_open = !trial.is_known() && trial.red <= self.view.rules.flaky_retries;
            let is_running = self.view.runs.iter().any(|run| run.tree == *tree);
            is_open && !trial.is_unclear() && !is_running
        };
        if is_free && self.view.external.is_some_and(is_due) {
            return actions.push(Action::GateExternal);
        }
        let is_unrun = |tree: &ObjectId| !self.view.runs.iter().any(|run| run.tree == *tree);
        if is_free && self.view.tip_tree.is_some_and(|tree| self.needs_tip(tree) && is_unrun(tree)) {
            return actions.push(Action::GateTip);
        }
        let order = in_order(self.view.train);
        // The first entry is the queue's own business.
        let waiting = order.iter().filter(|entry| !entry.subject.is_of_people()).skip(1).take(AHEAD_MAX);
        for entry in waiting {
            let ahead = entry.ahead.as_ref().filter(|ahead| ahead.onto == *self.view.tip);
            match ahead.map(|ahead| ahead.candidate.as_ref()) {
                None => return actions.push(Action::BuildAhead(entry.id)),
                Some(None) => return, // Its merge is being made; one at a time is enough.
                Some(Some(candidate)) if is_due(&candidate.tree) => {
                    return actions.push(Action::GateAhead(entry.id));
                }
                Some(Some(_)) => {}
            }
        }
    }
}

/// The verdicts on a chain's prefixes.
struct Found {
    /// Number of members of the longest green prefix. 0 if there is none.
    green: usize,
    /// Number of members of the shortest failing prefix that is longer than the green one.
    red: Option<usize>,
    /// Runs on the first prefix after the green one that cannot be evaluated.
    unclear: Option<Trial>,
}

impl Found {
    fn new(planner: &Planner<'_, '_>, links: &[Link]) -> Self {
        let trials: Vec<Trial> = links.iter().map(|link| planner.trial(&link.tree)).collect();
        let green = match planner.view.is_strict {
            // Each member lands by itself, and so needs a green verdict of its own.
            true => trials.iter().take_while(|trial| trial.green.is_some()).count(),
            // A batch lands with the tree of its last member, so red trees before a green one do not matter.
            false => trials.iter().rposition(|trial| trial.green.is_some()).map_or(0, |place| place + 1),
        };
        let failing = trials[green..].iter().position(Trial::is_failing);
        let unclear = trials[green..].iter().find(|trial| trial.is_unclear() && !trial.is_failing());
        Self { green, red: failing.map(|place| green + place + 1), unclear: unclear.copied() }
    }
}
