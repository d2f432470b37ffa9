//! The meaning of the gate's verdicts: when a run is repeated, when the base is asked, and which branch is
//! blamed.
//!
//! A branch is sent back only if it fails alone on a base that is green. Everything here is a pure function
//! of the recorded verdicts.
//!
//! | the gate on a candidate | then |
//! |---|---|
//! | its tree is green already | no run; the landing carries the number of the run that was green |
//! | red, at most `flaky_retries` times | another run of the same tree, without caches; two verdicts on one tree are recorded as flaky, and nobody is blamed |
//! | red more often; or crashed, timed out or failed its set-up twice | the verdict on the base decides: a known one, or one run on the base under the same limits |
//! | … for a cause that may pass (a failed set-up, words of a full disk) | at least one more run, and only a later run on the base counts |
//! | … and the base is green | the branch is sent back |
//! | … and the base is red | the queue is held (`target_red`) until the target or the gate changes, or `queue release`; nobody is blamed |
//! | … and the base cannot be evaluated, or the gate never started | the queue is held (`not_evaluated`) |
//! | green, and its tests were not compared yet | they are compared with those on the base; without any run there, the gate runs on the base first |
//! | green, but tests of the base are missing | another run without caches, then another run on the base; if they are still missing, the branch is sent back |
//!
//! Verdicts are known by tree and terms (commands with their limits, and the set-up) for a day; a project
//! keeps a bounded number of them. The user's own commits are never sent back: if their merge with landed
//! work is red, publishing waits.

use paddock_model::clock::distance_ms;
use paddock_model::evidence::{KnownComparison, Outcome, TestedTree};
use paddock_model::gate::Verdict;
use paddock_model::ids::{GateId, ObjectId};
use paddock_model::train::Subject;
use paddock_model::verdicts::{KnownVerdict, VERDICT_AGE_MAX_MS};

/// Runs on a tree that cannot be evaluated before something follows. The first is repeated, since most
/// crashes and time-outs do not happen twice.
const NOT_EVALUATED_MAX: u32 = 2;

/// Green runs that lack tests of the base, before the branch is blamed: the first is repeated.
const FEWER_MAX: u32 = 2;

/// The gate's verdict on the base of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BaseVerdict {
    /// Verdict on the base.
    pub verdict: Verdict,
    /// Run that gave it.
    pub gate: GateId,
}

/// The gate runs on one tree, so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trial {
    /// Green run, if there was one.
    pub green: Option<GateId>,
    /// Number of red runs.
    pub red: u32,
    /// Number of runs that could not be evaluated.
    pub not_evaluated: u32,
    /// Whether the last of those had started and then crashed or timed out.
    pub has_crashed: bool,
    /// Whether a run failed for a cause that may lie outside of the tree and pass, such as a full disk.
    pub may_be_passing: bool,
    /// Last run that was not green.
    pub last: Option<GateId>,
    /// Green run whose tests have yet to be compared with those on the base. The tree is not green until
    /// then.
    pub uncompared: Option<GateId>,
    /// Number of green runs in a row that lack tests of the base. The tree is not green then.
    pub fewer: u32,
    /// What follows from the last comparison; `None` if there was none.
    pub outcome: Option<Outcome>,
}

impl Trial {
    /// Returns whether the tree counts as failing in the search for the culprit. A failing prefix only tells
    /// where to look next; no branch is blamed for it.
    #[must_use]
    pub(crate) fn is_failing(&self) -> bool {
        self.green.is_none()
            && self.uncompared.is_none()
            && (self.red > 0 || self.fewer > 0 || (self.is_unclear() && self.has_crashed))
    }

    /// Returns whether a run ended with a verdict, whatever its tests are worth.
    #[must_use]
    pub(crate) fn is_known(&self) -> bool {
        self.green.is_some() || self.uncompared.is_some() || self.fewer > 0
    }

    /// Returns whether the gate cannot be evaluated on the tree.
    #[must_use]
    pub(crate) fn is_unclear(&self) -> bool {
        self.green.is_none() && self.not_evaluated >= NOT_EVALUATED_MAX
    }
}

/// What is known about tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// Trees whose tests are known.
    pub tested: &'a [TestedTree],
    /// Comparisons of candidates with their base.
    pub compared: &'a [KnownComparison],
    /// Tree of the base of all candidates; `None` if it is not known, so that nothing can be compared.
    pub base: Option<&'a ObjectId>,
}

impl Evidence<'_> {
    /// Returns the runs that reported a tree's tests under these terms.
    pub(crate) fn runs(&self, tree: &ObjectId, terms: &str) -> &[GateId] {
        let found = self.tested.iter().find(|known| known.tree == *tree && known.terms == terms);
        found.map_or(&[], |known| known.gates.as_slice())
    }

    /// Replaces a green verdict by what the comparison with the base says.
    fn weigh(&self, tree: &ObjectId, terms: &str, trial: &mut Trial) {
        let (Some(green), Some(base)) = (trial.green, self.base.filter(|base| *base != tree)) else { return };
        let found = self
            .compared
            .iter()
            .find(|known| known.tree == *tree && known.base_tree == *base && known.terms == terms);
        let Some(known) = found else {
            (trial.green, trial.uncompared) = (None, Some(green));
            return;
        };
        if known.outcome.may_land() {
            // That run reported the tests; a later one adds nothing.
            trial.green = Some(known.gate);
            return;
        }
        (trial.green, trial.fewer, trial.outcome) = (None, known.faults, Some(known.outcome));
        trial.last = trial.last.max(Some(known.gate));
        // A later run, on the candidate or on the base, may show other tests.
        let is_current = known.gate == green && known.bases == self.runs(base, terms);
        trial.uncompared = (!is_current).then_some(green);
    }
}

/// The verdicts and settings that trees are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Recorded verdicts.
    pub verdicts: &'a [KnownVerdict],
    /// Current commands and limits of the gate, by [`paddock_model::verdicts::terms_of`].
    pub terms: &'a str,
    /// Repeats of a red run on the same tree before a branch is blamed.
    pub flaky_retries: u32,
    /// Current time, in Unix milliseconds.
    pub now_ms: i64,
    /// What is known about tests.
    pub evidence: Evidence<'a>,
}

impl Rules<'_> {
    /// Returns the runs on a tree under the current terms. Verdicts of another gate, and those older than a
    /// day, do not count.
    #[must_use]
    pub(crate) fn trial(&self, tree: &ObjectId) -> Trial {
        let mut trial = Trial::default();
        let mut has_tests = false;
        let counts = |known: &&KnownVerdict| {
            known.tree == *tree
                && known.terms == self.terms
                && known.runs > 0
                && distance_ms(self.now_ms, known.at_ms) < VERDICT_AGE_MAX_MS
        };
        for known in self.verdicts.iter().filter(counts) {
            match known.verdict {
                Verdict::Green => {
                    (trial.green, has_tests) = (Some(known.gate), known.has_tests);
                }
                Verdict::Red => trial.red = known.runs,
                Verdict::NotEvaluated => {
                    (trial.not_evaluated, trial.has_crashed) = (known.runs, known.has_crashed);
                }
            }
            if known.verdict != Verdict::Green {
                trial.last = trial.last.max(Some(known.gate));
                trial.may_be_passing |= known.may_be_passing;
            }
        }
        if has_tests {
            self.evidence.weigh(tree, self.terms, &mut trial);
        }
        trial
    }

    /// Returns whether the gate has to run on the base before tests can be compared with it. A base on which
    /// the gate cannot be evaluated has none.
    #[must_use]
    pub(crate) fn needs_base(&self, base: &ObjectId) -> bool {
        self.evidence.runs(base, self.terms).is_empty() && !self.trial(base).is_unclear()
    }

    /// Returns the next step for a candidate whose tests are in doubt, or `None` if the verdicts decide.
    fn doubt(&self, trial: &Trial, base: &ObjectId) -> Option<Judgement> {
        if let Some(gate) = trial.uncompared {
            let is_ready = !self.needs_base(base);
            return Some(if is_ready { Judgement::Compare(gate) } else { Judgement::RunBase });
        }
        // That definitions of tests were removed is certain: no further run would show anything else.
        if trial.fewer == 0 || trial.outcome == Some(Outcome::Person) {
            return (trial.fewer > 0).then_some(Judgement::Blame);
        }
        let is_red = trial.red > repeats(self.flaky_retries, trial.may_be_passing);
        if trial.fewer < FEWER_MAX && !is_red && !trial.is_unclear() {
            return Some(Judgement::Run);
        }
        let base_runs = self.evidence.runs(base, self.terms).len();
        let may_run_base = base_runs < TestedTree::RUNS_MAX && !self.trial(base).is_unclear();
        Some(if may_run_base { Judgement::RunBase } else { Judgement::Blame })
    }

    /// Returns the verdict on the base's tree. With `after`, only runs that started later than that one
    /// count.
    #[must_use]
    pub(crate) fn base(&self, tree: &ObjectId, after: Option<GateId>) -> Option<BaseVerdict> {
        let mut trial = self.trial(tree);
        let is_later = |gate: &GateId| after.is_none_or(|after| *gate > after);
        (trial.green, trial.last) = (trial.green.filter(is_later), trial.last.filter(is_later));
        let said = |verdict, gate| Some(BaseVerdict { verdict, gate });
        match (trial.green, trial.last) {
            (Some(gate), _) => said(Verdict::Green, gate),
            (None, Some(gate)) if trial.red > 0 => said(Verdict::Red, gate),
            (None, Some(gate)) => said(Verdict::NotEvaluated, gate),
            (None, None) => None,
        }
    }
}

/// The next step for a candidate that is alone on its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Run the gate on the candidate.
    Run,
    /// Land the candidate: this run was green on its tree.
    Reuse(GateId),
    /// Run the gate on the base.
    RunBase,
    /// Compare the tests of this run on the candidate with those on the base.
    Compare(GateId),
    /// Send the branch back: it is red alone on a green base.
    Blame,
    /// Hold the queue: this run was red on the base, so no branch is to blame.
    RedBase(GateId),
    /// Hold the queue: the gate cannot be evaluated.
    NotEvaluated,
}

/// Returns the next step for an entry that is alone on a base, from the trees of its merge and of the base.
///
/// Every answer that runs the gate uses up one of a bounded number of runs, so the judgement always ends.
#[must_use]
pub(crate) fn judge(subject: &Subject, tree: &ObjectId, base: &ObjectId, rules: &Rules<'_>) -> Judgement {
    let trial = rules.trial(tree);
    if let Some(gate) = trial.green {
        return Judgement::Reuse(gate);
    }
    if let Some(judgement) = rules.doubt(&trial, base) {
        return judgement;
    }
    let is_red = trial.red > repeats(rules.flaky_retries, trial.may_be_passing);
    if !is_red && !trial.is_unclear() {
        return Judgement::Run;
    }
    // There is no agent to send commits of people back to. "Blame" makes them wait and informs a
    // person, and the base need not be asked for that.
    if is_red && subject.is_of_people() {
        return Judgement::Blame;
    }
    // A gate that never started says nothing about the tree, even if it starts on the base.
    if !is_red && !trial.has_crashed {
        return Judgement::NotEvaluated;
    }
    // A cause that may pass (a full disk, a failed set-up) may have come after the base was last tried. Only
    // a later run on the base tells whether the cause is in the branch or in the machine.
    match rules.base(base, trial.last.filter(|_| trial.may_be_passing)) {
        None => Judgement::RunBase,
        Some(BaseVerdict { verdict: Verdict::Green, .. }) => Judgement::Blame,
        Some(BaseVerdict { verdict: Verdict::Red, gate }) => Judgement::RedBase(gate),
        Some(BaseVerdict { verdict: Verdict::NotEvaluated, .. }) => Judgement::NotEvaluated,
    }
}

/// Returns how often a red run is repeated on the same tree before a branch is blamed: at least once if its
/// cause may pass.
#[must_use]
pub(crate) fn repeats(flaky_retries: u32, may_be_passing: bool) -> u32 {
    flaky_retries.max(u32::from(may_be_passing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_model::ids::ObjectiveId;
    use paddock_model::verdicts::{contradicted, keep, settle};

    fn oid(digit: char) -> ObjectId {
        ObjectId::new(String::from(digit).repeat(40)).unwrap()
    }

    fn known(tree: char, verdict: Verdict, at_ms: i64) -> KnownVerdict {
        KnownVerdict {
            tree: oid(tree),
            terms: "t".into(),
            verdict,
            gate: GateId(7),
            at_ms,
            runs: 1,
            has_crashed: false,
            may_be_passing: false,
            has_tests: false,
        }
    }

    fn judged(verdicts: &[KnownVerdict]) -> Judgement {
        let subject = Subject::Objective(ObjectiveId::new("a").unwrap());
        let evidence = Evidence::default();
        let rules = Rules { verdicts, terms: "t", flaky_retries: 1, now_ms: 1_000, evidence };
        judge(&subject, &oid('c'), &oid('b'), &rules)
    }

    fn red(runs: u32) -> KnownVerdict {
        KnownVerdict { runs, gate: GateId(3), ..known('c', Verdict::Red, 0) }
    }

    fn unclear(runs: u32, has_crashed: bool) -> KnownVerdict {
        KnownVerdict { runs, has_crashed, gate: GateId(3), ..known('c', Verdict::NotEvaluated, 0) }
    }

    #[test]
    fn a_red_run_is_repeated_before_the_base_is_asked_and_a_branch_is_blamed() {
        assert_eq!(judged(&[]), Judgement::Run);
        assert_eq!(judged(&[red(1)]), Judgement::Run);
        assert_eq!(judged(&[red(2)]), Judgement::RunBase);
        assert_eq!(judged(&[red(2), known('b', Verdict::Green, 0)]), Judgement::Blame);
        assert_eq!(judged(&[red(2), known('b', Verdict::Red, 0)]), Judgement::RedBase(GateId(7)));
    }

    #[test]
    fn a_tree_that_is_green_is_not_run_again_for_a_day() {
        assert_eq!(judged(&[known('c', Verdict::Green, 0)]), Judgement::Reuse(GateId(7)));
        let old = known('c', Verdict::Green, 1_000 - VERDICT_AGE_MAX_MS);
        assert_eq!(judged(&[old]), Judgement::Run);
        let other = KnownVerdict { terms: "other".into(), ..known('c', Verdict::Green, 0) };
        assert_eq!(judged(&[other]), Judgement::Run);
    }

    #[test]
    fn a_gate_that_crashes_twice_counts_as_red_only_on_a_green_base() {
        assert_eq!(judged(&[unclear(1, true)]), Judgement::Run);
        assert_eq!(judged(&[unclear(2, true)]), Judgement::RunBase);
        assert_eq!(judged(&[unclear(2, true), known('b', Verdict::Green, 0)]), Judgement::Blame);
        let base = known('b', Verdict::NotEvaluated, 0);
        assert_eq!(judged(&[unclear(2, true), base]), Judgement::NotEvaluated);
        assert_eq!(judged(&[unclear(2, false), known('b', Verdict::Green, 0)]), Judgement::NotEvaluated);
    }

    #[test]
    fn a_failure_that_may_pass_is_repeated_and_compared_with_a_later_run_on_the_base() {
        let verdict_of = |runs, verdicts: &[KnownVerdict]| {
            let said = KnownVerdict { runs, gate: GateId(5), may_be_passing: true, ..red(runs) };
            let verdicts: Vec<KnownVerdict> = [said].into_iter().chain(verdicts.iter().cloned()).collect();
            let subject = Subject::Objective(ObjectiveId::new("a").unwrap());
            let evidence = Evidence::default();
            let rules = Rules { verdicts: &verdicts, terms: "t", flaky_retries: 0, now_ms: 1_000, evidence };
            judge(&subject, &oid('c'), &oid('b'), &rules)
        };
        let base = |verdict, gate| KnownVerdict { gate: GateId(gate), ..known('b', verdict, 0) };
        assert_eq!(
            verdict_of(1, &[base(Verdict::Green, 9)]),
            Judgement::Run,
            "repeated although `flaky_retries` is 0"
        );
        assert_eq!(verdict_of(2, &[]), Judgement::RunBase);
        assert_eq!(verdict_of(2, &[base(Verdict::Green, 4)]), Judgement::RunBase);
        assert_eq!(verdict_of(2, &[base(Verdict::Green, 6)]), Judgement::Blame);
        assert_eq!(verdict_of(2, &[base(Verdict::Red, 6)]), Judgement::RedBase(GateId(6)));
        assert_eq!(verdict_of(2, &[base(Verdict::NotEvaluated, 6)]), Judgement::NotEvaluated);
        let both = [base(Verdict::Green, 4), base(Verdict::NotEvaluated, 6)];
        assert_eq!(verdict_of(2, &both), Judgement::NotEvaluated);
    }

    #[test]
    fn a_failing_set_up_is_the_branchs_fault_if_it_succeeds_on_the_base_afterwards() {
        let failed = KnownVerdict { may_be_passing: true, ..unclear(2, true) };
        assert_eq!(judged(&[KnownVerdict { runs: 1, ..failed.clone() }]), Judgement::Run);
        let older = KnownVerdict { gate: GateId(1), ..known('b', Verdict::Green, 0) };
        assert_eq!(judged(&[failed.clone(), older]), Judgement::RunBase);
        assert_eq!(judged(&[failed.clone(), known('b', Verdict::Green, 0)]), Judgement::Blame);
        assert_eq!(judged(&[failed, known('b', Verdict::NotEvaluated, 0)]), Judgement::NotEvaluated);
    }

    #[test]
    fn runs_on_one_tree_add_up_until_the_branch_was_blamed() {
        let mut verdicts = Vec::new();
        keep(&mut verdicts, known('c', Verdict::Red, 0));
        keep(&mut verdicts, known('c', Verdict::Red, 1));
        keep(&mut verdicts, known('b', Verdict::Green, 1));
        assert_eq!(judged(&verdicts), Judgement::Blame);
        settle(&mut verdicts, &oid('c'));
        assert_eq!(judged(&verdicts), Judgement::Run);
        assert!(contradicted(&verdicts, &oid('c'), "t", Verdict::Green).is_some());
    }
}
