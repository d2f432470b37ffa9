//! What the gate's verdicts mean: when a run is repeated, when the base is asked, and who is blamed (SPEC 3.5).
//!
//! A branch is sent back only when it fails alone on a base that is green. Everything here is a pure function
//! of the runs on a candidate so far and of the verdicts that are known.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::gate::{CommandResult, Verdict};
use super::ids::{GateId, ObjectId};
use super::settings::GateCommand;
use super::train::{Candidate, Entry, Subject};

/// Runs on a candidate that cannot be evaluated before the base is asked: once more after the first.
const NOT_EVALUATED_MAX: u32 = 2;
/// Verdicts kept: more trees than a queue goes back and forth between, in a row of the database that stays
/// under 6 kB.
const VERDICTS_MAX: usize = 32;
/// How long a verdict holds, in milliseconds: what the gate depends on outside of the tree changes, too.
const VERDICT_AGE_MAX_MS: i64 = 24 * 60 * 60 * 1_000;

/// What the gate said of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownVerdict {
    /// The tree.
    pub tree: ObjectId,
    /// The commands and limits, by [`terms_of`].
    pub terms: String,
    /// Green or red.
    pub verdict: Verdict,
    /// The run that found it.
    pub gate: GateId,
    /// When, in Unix milliseconds.
    pub at_ms: i64,
}

/// What the gate said of the base of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseVerdict {
    /// The verdict.
    pub verdict: Verdict,
    /// The run that found it.
    pub gate: GateId,
}

/// The gate runs on an entry's present merge, so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trial {
    /// Red runs.
    pub red: u32,
    /// Runs that could not be evaluated.
    pub not_evaluated: u32,
    /// Whether the last of those had started and then crashed or timed out.
    pub has_crashed: bool,
    /// The last run that was not green.
    pub last: Option<GateId>,
    /// The run on the base, once there was one.
    pub base: Option<BaseVerdict>,
}

impl Trial {
    /// Takes in how a run on the candidate ended.
    pub fn note(&mut self, gate: GateId, verdict: Verdict, results: &[CommandResult]) {
        match verdict {
            Verdict::Green => return,
            Verdict::Red => self.red += 1,
            Verdict::NotEvaluated => {
                self.not_evaluated += 1;
                self.has_crashed = results.iter().any(CommandResult::has_crashed);
            }
        }
        self.last = Some(gate);
    }
}

/// What judging goes by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The verdicts that are known.
    pub verdicts: &'a [KnownVerdict],
    /// The commands and limits of now, by [`terms_of`].
    pub terms: &'a str,
    /// Repeats of a red run on the same tree before anyone is blamed.
    pub flaky_retries: u32,
    /// Unix milliseconds.
    pub now_ms: i64,
}

impl Rules<'_> {
    fn known(&self, tree: &ObjectId, verdict: Verdict) -> Option<GateId> {
        let is_meant = |known: &&KnownVerdict| {
            known.tree == *tree && known.terms == self.terms && known.verdict == verdict
        };
        let is_fresh = |known: &&KnownVerdict| self.now_ms - known.at_ms < VERDICT_AGE_MAX_MS;
        self.verdicts.iter().rev().filter(is_fresh).find(is_meant).map(|known| known.gate)
    }

    fn base(&self, trial: &Trial, candidate: &Candidate) -> Option<BaseVerdict> {
        let known =
            |verdict| self.known(&candidate.onto_tree, verdict).map(|gate| BaseVerdict { verdict, gate });
        trial.base.or_else(|| known(Verdict::Green)).or_else(|| known(Verdict::Red))
    }
}

/// What is due for a candidate that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
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

/// What is due for this candidate of that entry. Every answer that runs the gate uses up one of a bounded
/// number of runs, so that it comes to an end.
#[must_use]
pub fn judge(entry: &Entry, candidate: &Candidate, rules: &Rules<'_>) -> Judgement {
    let trial = &entry.trial;
    if let Some(gate) = rules.known(&candidate.tree, Verdict::Green) {
        return Judgement::Reuse(gate);
    }
    let is_red = trial.red > rules.flaky_retries;
    let is_unclear = trial.not_evaluated >= NOT_EVALUATED_MAX;
    if !is_red && !is_unclear {
        return Judgement::Run;
    }
    // The user's commits are never sent back: publishing waits, and a person is told.
    if is_red && entry.subject == Subject::Target {
        return Judgement::Blame;
    }
    // What never started says nothing of a tree, whatever the base is.
    if !is_red && !trial.has_crashed {
        return Judgement::NotEvaluated;
    }
    match rules.base(trial, candidate) {
        None => Judgement::RunBase,
        Some(BaseVerdict { verdict: Verdict::Green, .. }) => Judgement::Blame,
        Some(BaseVerdict { verdict: Verdict::Red, gate }) => Judgement::RedBase(gate),
        Some(BaseVerdict { verdict: Verdict::NotEvaluated, .. }) => Judgement::NotEvaluated,
    }
}

/// Names the commands of a gate with their limits: verdicts of other ones say nothing.
#[must_use]
pub fn terms_of(commands: &[GateCommand]) -> String {
    let mut hash = Sha256::new();
    for command in commands {
        let limit = match command.timeout_seconds {
            0 => command.timeout_minutes.to_string(),
            seconds => format!("{}m{seconds}s", command.timeout_minutes),
        };
        for part in [&command.name, &command.run, &limit] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The run that said otherwise of the same tree under the same terms, if one did: then the gate is flaky.
#[must_use]
pub fn contradicted<'a>(
    verdicts: &'a [KnownVerdict],
    tree: &ObjectId,
    terms: &str,
    verdict: Verdict,
) -> Option<&'a KnownVerdict> {
    let is_verdict = verdict != Verdict::NotEvaluated;
    verdicts
        .iter()
        .rev()
        .find(|known| is_verdict && known.tree == *tree && known.terms == terms && known.verdict != verdict)
}

/// Keeps a verdict, in place of an older one of the same kind; what is too old or too much is forgotten.
pub fn keep(verdicts: &mut Vec<KnownVerdict>, new: KnownVerdict) {
    let is_same =
        |old: &KnownVerdict| old.tree == new.tree && old.terms == new.terms && old.verdict == new.verdict;
    verdicts.retain(|old| !is_same(old) && new.at_ms - old.at_ms < VERDICT_AGE_MAX_MS);
    if new.verdict != Verdict::NotEvaluated {
        verdicts.push(new);
    }
    let excess = verdicts.len().saturating_sub(VERDICTS_MAX);
    verdicts.drain(..excess);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ObjectiveId;
    use crate::domain::session::Exit;
    use crate::domain::train::Stage;

    fn oid(digit: char) -> ObjectId {
        ObjectId::new(String::from(digit).repeat(40)).unwrap()
    }

    fn candidate() -> Candidate {
        Candidate { onto: oid('1'), onto_tree: oid('b'), commit: oid('2'), tree: oid('c'), sealed: false }
    }

    fn known(tree: char, verdict: Verdict, at_ms: i64) -> KnownVerdict {
        KnownVerdict { tree: oid(tree), terms: "t".into(), verdict, gate: GateId(7), at_ms }
    }

    fn judged(trial: Trial, verdicts: &[KnownVerdict]) -> Judgement {
        let mut entry = Entry::new(1, Subject::Objective(ObjectiveId::new("a").unwrap()), oid('9'), 0, 0);
        entry.stage = Stage::Built(candidate());
        entry.trial = trial;
        judge(&entry, &candidate(), &Rules { verdicts, terms: "t", flaky_retries: 1, now_ms: 1_000 })
    }

    fn red(runs: u32) -> Trial {
        Trial { red: runs, last: Some(GateId(3)), ..Trial::default() }
    }

    fn unclear(runs: u32, has_crashed: bool) -> Trial {
        Trial { not_evaluated: runs, has_crashed, last: Some(GateId(3)), ..Trial::default() }
    }

    #[test]
    fn a_red_run_is_repeated_before_the_base_is_asked_and_anyone_is_blamed() {
        assert_eq!(judged(Trial::default(), &[]), Judgement::Run);
        assert_eq!(judged(red(1), &[]), Judgement::Run);
        assert_eq!(judged(red(2), &[]), Judgement::RunBase);
        assert_eq!(judged(red(2), &[known('b', Verdict::Green, 0)]), Judgement::Blame);
        assert_eq!(judged(red(2), &[known('b', Verdict::Red, 0)]), Judgement::RedBase(GateId(7)));
    }

    #[test]
    fn a_tree_that_is_green_is_not_run_again_for_a_day() {
        assert_eq!(judged(Trial::default(), &[known('c', Verdict::Green, 0)]), Judgement::Reuse(GateId(7)));
        let old = known('c', Verdict::Green, 1_000 - VERDICT_AGE_MAX_MS);
        assert_eq!(judged(Trial::default(), &[old]), Judgement::Run);
        let other = KnownVerdict { terms: "other".into(), ..known('c', Verdict::Green, 0) };
        assert_eq!(judged(Trial::default(), &[other]), Judgement::Run);
    }

    #[test]
    fn what_crashes_twice_is_red_only_where_the_base_is_green() {
        assert_eq!(judged(unclear(1, true), &[]), Judgement::Run);
        assert_eq!(judged(unclear(2, true), &[]), Judgement::RunBase);
        assert_eq!(judged(unclear(2, true), &[known('b', Verdict::Green, 0)]), Judgement::Blame);
        let base = Some(BaseVerdict { verdict: Verdict::NotEvaluated, gate: GateId(4) });
        assert_eq!(judged(Trial { base, ..unclear(2, true) }, &[]), Judgement::NotEvaluated);
        assert_eq!(judged(unclear(2, false), &[known('b', Verdict::Green, 0)]), Judgement::NotEvaluated);
    }

    #[test]
    fn a_hang_counts_as_a_crash_and_a_run_that_did_not_start_does_not() {
        let ended = |exit, timed_out| {
            let mut trial = Trial::default();
            let result = CommandResult { name: "t".into(), exit, timed_out, took_ms: 1, no_tests: None };
            trial.note(GateId(1), Verdict::NotEvaluated, &[result]);
            trial.has_crashed
        };
        assert!(ended(Exit::Signal(15), true) && ended(Exit::Code(139), false));
        assert!(!ended(Exit::NotStarted("no memory".into()), false));
    }

    #[test]
    fn verdicts_are_bounded_and_contradictions_are_seen() {
        let mut verdicts = Vec::new();
        for n in 0..100 {
            let terms = n.to_string();
            keep(&mut verdicts, KnownVerdict { terms, ..known('c', Verdict::Red, n) });
        }
        assert_eq!(verdicts.len(), VERDICTS_MAX);
        assert!(contradicted(&verdicts, &oid('c'), "99", Verdict::Green).is_some());
        assert!(contradicted(&verdicts, &oid('c'), "99", Verdict::Red).is_none());
        assert!(contradicted(&verdicts, &oid('c'), "99", Verdict::NotEvaluated).is_none());
    }

    #[test]
    fn other_commands_or_limits_are_other_terms() {
        let gate = |run: &str, timeout_minutes| {
            terms_of(&[GateCommand {
                name: "t".into(),
                run: run.into(),
                timeout_minutes,
                timeout_seconds: 0,
            }])
        };
        assert_eq!(gate("make", 1), gate("make", 1));
        assert_ne!(gate("make", 1), gate("make", 2));
        assert_ne!(gate("make", 1), gate("make all", 1));
    }
}
