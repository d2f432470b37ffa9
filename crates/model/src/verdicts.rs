//! What the gate said of trees: which verdicts are known, and how long they count.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::clock::distance_ms;
use super::gate::Verdict;
use super::ids::{GateId, ObjectId};
use super::settings::GateCommand;

/// Verdicts kept: of a search through the longest batch and what was landed before it, in a row of the
/// database that stays under 15 kB.
pub(crate) const VERDICTS_MAX: usize = 64;
/// How long a verdict holds, in milliseconds: what the gate depends on outside of the tree changes, too.
pub const VERDICT_AGE_MAX_MS: i64 = 24 * 60 * 60 * 1_000;

fn one() -> u32 {
    1
}

/// What the gate said of a tree, once or several times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownVerdict {
    /// The tree.
    pub tree: ObjectId,
    /// The commands and limits, by [`terms_of`].
    pub terms: String,
    /// Green, red, or neither.
    pub verdict: Verdict,
    /// The last run that found it.
    pub gate: GateId,
    /// When, in Unix milliseconds.
    pub at_ms: i64,
    /// Runs that said so and still count; none when what they said against an entry was followed up.
    #[serde(default = "one")]
    pub runs: u32,
    /// Of a run that was not evaluated: whether it had started, and crashed or timed out.
    #[serde(default)]
    pub has_crashed: bool,
    /// What it failed of may lie outside of the tree, and pass.
    #[serde(default)]
    pub may_be_passing: bool,
}

/// Names the commands of a gate with their limits, and what sets its worktree up: verdicts of other ones say nothing.
#[must_use]
pub fn terms_of(commands: &[GateCommand], setup: Option<&str>) -> String {
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
    if let Some(setup) = setup {
        hash.update(setup.as_bytes());
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

/// Keeps a verdict, together with older ones of the same kind; what is too old or too much is forgotten.
pub fn keep(verdicts: &mut Vec<KnownVerdict>, mut new: KnownVerdict) {
    let is_same =
        |old: &KnownVerdict| old.tree == new.tree && old.terms == new.terms && old.verdict == new.verdict;
    let is_fresh = |old: &KnownVerdict| distance_ms(new.at_ms, old.at_ms) < VERDICT_AGE_MAX_MS;
    let before = verdicts.iter().find(|old| is_same(old) && is_fresh(old)).map_or(0, |old| old.runs);
    verdicts.retain(|old| !is_same(old) && is_fresh(old));
    new.runs = new.runs.saturating_add(before);
    verdicts.push(new);
    let excess = verdicts.len().saturating_sub(VERDICTS_MAX);
    verdicts.drain(..excess);
}

/// What was said against a tree was followed up: it counts no more, and stays known for telling flakes.
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
        }
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
            vec![GateCommand { name: "t".into(), run: run.into(), timeout_minutes, timeout_seconds: 0 }]
        };
        let make = terms_of(&gate("make", 1), None);
        assert_eq!(make, terms_of(&gate("make", 1), None));
        let others = [
            terms_of(&gate("make", 2), None),
            terms_of(&gate("make all", 1), None),
            terms_of(&gate("make", 1), Some("npm ci")),
        ];
        assert!(others.iter().all(|other| *other != make), "{others:?}");
    }
}
