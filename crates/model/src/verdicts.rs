//! Known gate verdicts on trees, and how long they hold.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::clock::distance_ms;
use super::gate::Verdict;
use super::ids::{GateId, ObjectId};
use super::settings::{GateCommand, TestReport, TestsRule};

/// Verdicts kept per project: enough for a search through the longest batch and for what landed before it.
/// The stored row stays below 15 kB.
pub(crate) const VERDICTS_MAX: usize = 64;
/// How long a verdict holds, in milliseconds. The gate also depends on things outside of the tree, and these
/// change.
pub const VERDICT_AGE_MAX_MS: i64 = 24 * 60 * 60 * 1_000;

fn one() -> u32 {
    1
}

/// A verdict of the gate on a tree, from one run or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownVerdict {
    /// Id of the tree.
    pub tree: ObjectId,
    /// Fingerprint of the commands and limits, by [`terms_of`].
    pub terms: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The last run that gave it.
    pub gate: GateId,
    /// When that run ended, in Unix milliseconds.
    pub at_ms: i64,
    /// Runs that gave this verdict and still count; 0 after the branch was sent back for it.
    #[serde(default = "one")]
    pub runs: u32,
    /// For a verdict of [`Verdict::NotEvaluated`]: whether the run had started, and then crashed or timed
    /// out.
    #[serde(default)]
    pub has_crashed: bool,
    /// Whether the failure may have a transient cause outside of the tree.
    #[serde(default)]
    pub may_be_passing: bool,
    /// Whether the run also recorded which tests it ran; runs of older builds did not.
    #[serde(default)]
    pub has_tests: bool,
}

/// Returns the fingerprint of a gate: of its commands, their limits, and the command that sets up its
/// worktree. A verdict says nothing about another gate.
#[must_use]
pub fn terms_of(commands: &[GateCommand], setup: Option<&str>) -> String {
    let mut hash = Sha256::new();
    for command in commands {
        let limit = match command.timeout_seconds {
            0 => command.timeout_minutes.to_string(),
            seconds => format!("{}m{seconds}s", command.timeout_minutes),
        };
        for part in [&command.name, &command.run, &limit] {
            // With the length in front, no two lists of commands give the same bytes.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        // Only what differs from the defaults, so that verdicts of earlier builds keep their terms.
        let has_defaults = command.report == TestReport::Auto
            && command.tests == TestsRule::Auto
            && command.min_tests.is_none()
            && !command.isolated;
        if !has_defaults {
            let asked = format!(
                "\0{:?} {:?} {:?} {}",
                command.report, command.tests, command.min_tests, command.isolated
            );
            hash.update((asked.len() as u64).to_be_bytes());
            hash.update(asked.as_bytes());
        }
    }
    if let Some(setup) = setup {
        hash.update(setup.as_bytes());
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Returns a run that gave the opposite verdict on the same tree under the same terms. The gate is then
/// flaky.
#[must_use]
pub fn contradicted<'a>(
    verdicts: &'a [KnownVerdict],
    tree: &ObjectId,
    terms: &str,
    verdict: Verdict,
) -> Option<&'a KnownVerdict> {
    // A run without a verdict contradicts nothing.
    let is_verdict = verdict != Verdict::NotEvaluated;
    verdicts
        .iter()
        .rev()
        .find(|known| is_verdict && known.tree == *tree && known.terms == terms && known.verdict != verdict)
}

/// Adds a verdict, counting older runs that gave the same one. Verdicts that are too old or too many are
/// removed.
pub fn keep(verdicts: &mut Vec<KnownVerdict>, mut new: KnownVerdict) {
    let is_same =
        |old: &KnownVerdict| old.tree == new.tree && old.terms == new.terms && old.verdict == new.verdict;
    let is_fresh = |old: &KnownVerdict| distance_ms(new.at_ms, old.at_ms) < VERDICT_AGE_MAX_MS;
    // Runs on the same tree add up: a red gate is repeated before anybody is blamed.
    let before = verdicts.iter().find(|old| is_same(old) && is_fresh(old)).map_or(0, |old| old.runs);
    verdicts.retain(|old| !is_same(old) && is_fresh(old));
    new.runs = new.runs.saturating_add(before);
    verdicts.push(new);
    let excess = verdicts.len().saturating_sub(VERDICTS_MAX);
    verdicts.drain(..excess);
}

/// Makes the verdicts against a tree count no more, as the branch was sent back for them. They stay known, to
/// recognise a flaky gate.
pub fn settle(verdicts: &mut [KnownVerdict], tree: &ObjectId) {
    let against = |known: &&mut KnownVerdict| known.tree == *tree && known.verdict != Verdict::Green;
    verdicts.iter_mut().filter(against).for_each(|known| known.runs = 0);
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn verdicts_are_bounded_and_contradictions_are_found() {
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
    fn other_commands_limits_or_set_ups_give_other_terms() {
        let gate = |run: &str, timeout_minutes| vec![GateCommand::new("t", run, timeout_minutes)];
        let make = terms_of(&gate("make", 1), None);
        assert_eq!(make, terms_of(&gate("make", 1), None));
        let others = [
            terms_of(&gate("make", 2), None),
            terms_of(&gate("make all", 1), None),
            terms_of(&gate("make", 1), Some("npm ci")),
            terms_of(&[GateCommand { min_tests: Some(1), ..GateCommand::new("t", "make", 1) }], None),
            terms_of(&[GateCommand { isolated: true, ..GateCommand::new("t", "make", 1) }], None),
        ];
        assert!(others.iter().all(|other| *other != make), "{others:?}");
    }
}
