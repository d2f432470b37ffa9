//! What the gate's verdicts mean: when a run is repeated, when the base is asked, and who is blamed.
//!
//! A branch is sent back only when it fails alone on a base that is green. Everything here is a pure function
//! of the runs on a candidate so far and of the verdicts that are known.

use paddock_model::clock::distance_ms;
use paddock_model::gate::Verdict;
use paddock_model::ids::{GateId, ObjectId};
use paddock_model::train::Subject;
use paddock_model::verdicts::{KnownVerdict, VERDICT_AGE_MAX_MS};

/// Runs on a tree that cannot be evaluated before something follows: once more after the first.
const NOT_EVALUATED_MAX: u32 = 2;
/// What the gate said of the base of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BaseVerdict {
    /// The verdict.
    pub verdict: Verdict,
    /// The run that found it.
    pub gate: GateId,
}

/// The gate runs on one tree, so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trial {
    /// The run that was green, if one was.
    pub green: Option<GateId>,
    /// Red runs.
    pub red: u32,
    /// Runs that could not be evaluated.
    pub not_evaluated: u32,
    /// Whether the last of those had started and then crashed or timed out.
    pub has_crashed: bool,
    /// What one of them failed of may lie outside of the tree, and pass.
    pub may_be_passing: bool,
    /// The last run that was not green.
    pub last: Option<GateId>,
}

impl Trial {
    /// Whether the tree counts as failing where prefixes are searched: no verdict yet on anybody.
    #[must_use]
    pub(crate) fn is_failing(&self) -> bool {
        self.green.is_none() && (self.red > 0 || (self.is_unclear() && self.has_crashed))
    }

    /// Whether nothing can be said of the tree.
    #[must_use]
    pub(crate) fn is_unclear(&self) -> bool {
        self.green.is_none() && self.not_evaluated >= NOT_EVALUATED_MAX
    }
}

/// What judging goes by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The verdicts that are known.
    pub verdicts: &'a [KnownVerdict],
    /// The commands and limits of now, by [`paddock_model::verdicts::terms_of`].
    pub terms: &'a str,
    /// Repeats of a red run on the same tree before anyone is blamed.
    pub flaky_retries: u32,
    /// Unix milliseconds.
    pub now_ms: i64,
}

impl Rules<'_> {
    /// What is known of a tree under the terms of now.
    #[must_use]
    pub(crate) fn trial(&self, tree: &ObjectId) -> Trial {
        let mut trial = Trial::default();
        let is_meant = |known: &&KnownVerdict| {
            known.tree == *tree
                && known.terms == self.terms
                && known.runs > 0
                && distance_ms(self.now_ms, known.at_ms) < VERDICT_AGE_MAX_MS
        };
        for known in self.verdicts.iter().filter(is_meant) {
            match known.verdict {
                Verdict::Green => trial.green = Some(known.gate),
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
        trial
    }

    /// What is known of what a candidate lands on; where that is to compare with, by a run after this one.
    #[must_use]
    pub(crate) fn base(&self, tree: &ObjectId, after: Option<GateId>) -> Option<BaseVerdict> {
        let mut trial = self.trial(tree);
        let is_meant = |gate: &GateId| after.is_none_or(|after| *gate > after);
        (trial.green, trial.last) = (trial.green.filter(is_meant), trial.last.filter(is_meant));
        let said = |verdict, gate| Some(BaseVerdict { verdict, gate });
        match (trial.green, trial.last) {
            (Some(gate), _) => said(Verdict::Green, gate),
            (None, Some(gate)) if trial.red > 0 => said(Verdict::Red, gate),
            (None, Some(gate)) => said(Verdict::NotEvaluated, gate),
            (None, None) => None,
        }
    }
}

/// What is due for a candidate that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Run the gate on it.
    Run,
    /// Its tree is green already: by this run.
    Reuse(GateId),
    /// Run the gate on its base.
    RunBase,
    /// It is red alone on a green base.
    Blame,
    /// Its base is red: by this run. Nobody is blamed.
    RedBase(GateId),
    /// Nothing can be said of it.
    NotEvaluated,
}

/// What is due for an entry that is alone on a base, by its merge's tree and the base's. Every answer that
/// runs the gate uses up one of a bounded number of runs, so that it comes to an end.
#[must_use]
pub(crate) fn judge(subject: &Subject, tree: &ObjectId, base: &ObjectId, rules: &Rules<'_>) -> Judgement {
    let trial = rules.trial(tree);
    if let Some(gate) = trial.green {
        return Judgement::Reuse(gate);
    }
    let is_red = trial.red > repeats(rules.flaky_retries, trial.may_be_passing);
    if !is_red && !trial.is_unclear() {
        return Judgement::Run;
    }
    // The user's commits are never sent back: publishing waits, and a person is told.
    if is_red && *subject == Subject::Target {
        return Judgement::Blame;
    }
    // What never started says nothing of a tree, whatever the base is.
    if !is_red && !trial.has_crashed {
        return Judgement::NotEvaluated;
    }
    // What may pass is compared with a run on the base under the circumstances of now.
    match rules.base(base, trial.last.filter(|_| trial.may_be_passing)) {
        None => Judgement::RunBase,
        Some(BaseVerdict { verdict: Verdict::Green, .. }) => Judgement::Blame,
        Some(BaseVerdict { verdict: Verdict::Red, gate }) => Judgement::RedBase(gate),
        Some(BaseVerdict { verdict: Verdict::NotEvaluated, .. }) => Judgement::NotEvaluated,
    }
}

/// How often a red run is repeated on the same tree before anyone is blamed: at least once where its cause may pass.
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
        }
    }

    fn judged(verdicts: &[KnownVerdict]) -> Judgement {
        let subject = Subject::Objective(ObjectiveId::new("a").unwrap());
        let rules = Rules { verdicts, terms: "t", flaky_retries: 1, now_ms: 1_000 };
        judge(&subject, &oid('c'), &oid('b'), &rules)
    }

    fn red(runs: u32) -> KnownVerdict {
        KnownVerdict { runs, gate: GateId(3), ..known('c', Verdict::Red, 0) }
    }

    fn unclear(runs: u32, has_crashed: bool) -> KnownVerdict {
        KnownVerdict { runs, has_crashed, gate: GateId(3), ..known('c', Verdict::NotEvaluated, 0) }
    }

    #[test]
    fn a_red_run_is_repeated_before_the_base_is_asked_and_anyone_is_blamed() {
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
    fn what_crashes_twice_is_red_only_where_the_base_is_green() {
        assert_eq!(judged(&[unclear(1, true)]), Judgement::Run);
        assert_eq!(judged(&[unclear(2, true)]), Judgement::RunBase);
        assert_eq!(judged(&[unclear(2, true), known('b', Verdict::Green, 0)]), Judgement::Blame);
        let base = known('b', Verdict::NotEvaluated, 0);
        assert_eq!(judged(&[unclear(2, true), base]), Judgement::NotEvaluated);
        assert_eq!(judged(&[unclear(2, false), known('b', Verdict::Green, 0)]), Judgement::NotEvaluated);
    }

    #[test]
    fn what_may_pass_is_tried_twice_and_compared_with_a_run_on_the_base_that_came_after_it() {
        let verdict_of = |runs, verdicts: &[KnownVerdict]| {
            let said = KnownVerdict { runs, gate: GateId(5), may_be_passing: true, ..red(runs) };
            let verdicts: Vec<KnownVerdict> = [said].into_iter().chain(verdicts.iter().cloned()).collect();
            let subject = Subject::Objective(ObjectiveId::new("a").unwrap());
            let rules = Rules { verdicts: &verdicts, terms: "t", flaky_retries: 0, now_ms: 1_000 };
            judge(&subject, &oid('c'), &oid('b'), &rules)
        };
        let base = |verdict, gate| KnownVerdict { gate: GateId(gate), ..known('b', verdict, 0) };
        assert_eq!(
            verdict_of(1, &[base(Verdict::Green, 9)]),
            Judgement::Run,
            "whatever `flaky_retries` says"
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
    fn a_set_up_that_fails_is_the_branchs_where_it_succeeds_on_the_base_after_it() {
        let failed = KnownVerdict { may_be_passing: true, ..unclear(2, true) };
        assert_eq!(judged(&[KnownVerdict { runs: 1, ..failed.clone() }]), Judgement::Run);
        let older = KnownVerdict { gate: GateId(1), ..known('b', Verdict::Green, 0) };
        assert_eq!(judged(&[failed.clone(), older]), Judgement::RunBase);
        assert_eq!(judged(&[failed.clone(), known('b', Verdict::Green, 0)]), Judgement::Blame);
        assert_eq!(judged(&[failed, known('b', Verdict::NotEvaluated, 0)]), Judgement::NotEvaluated);
    }

    #[test]
    fn runs_on_one_tree_add_up_until_what_they_say_is_followed_up() {
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
