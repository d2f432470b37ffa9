//! How the set-up of a project's worktrees (`worktree.setup`) goes: whether it fails at the moment, and what it
//! leaves behind.

use serde::{Deserialize, Serialize};

use super::path::RepoPath;

/// Pauses before the first tries after a failure, in milliseconds.
const PAUSES_MS: [i64; 6] = [2_000, 5_000, 15_000, 30_000, 60_000, 120_000];
/// Pause before each later try, in milliseconds.
const PAUSE_MAX_MS: i64 = 300_000;
/// Failed tries, one after the other, before a person is asked: about 24 minutes of pauses.
const ASK_ROUNDS: u32 = 11;

/// What is known about the set-ups of a project's worktrees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUps {
    /// Set while the command fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<SetUpTrouble>,
    /// When a session whose set-up had worked ended last, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worked_ms: Option<i64>,
    /// Files that the command changes, or leaves where no rule ignores them, as far as the user was told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<RepoPath>,
    /// Entries of `worktree.copy` that stood for nothing when the last worktree was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<String>,
}

/// Failures of the set-up command in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUpTrouble {
    /// When the first of them was, in Unix milliseconds.
    pub since_ms: i64,
    /// When the last try failed, in Unix milliseconds.
    pub last_ms: i64,
    /// Number of failures.
    pub failures: u32,
    /// Number of tries one after the other; failures of sessions that ran at the same time are one.
    pub rounds: u32,
}

impl SetUpTrouble {
    /// Returns when the command is tried again, in Unix milliseconds.
    #[must_use]
    pub fn again_ms(&self) -> i64 {
        let place = usize::try_from(self.rounds.saturating_sub(1)).unwrap_or(usize::MAX);
        self.last_ms.saturating_add(PAUSES_MS.get(place).copied().unwrap_or(PAUSE_MAX_MS))
    }

    /// Returns whether the command has failed often enough to hold back the sessions that need it.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.failures >= 2
    }

    /// Returns whether the command has failed for so long that a person has to look.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.rounds >= ASK_ROUNDS
    }
}

impl SetUpTrouble {
    /// Returns whether the last failure is the one after which a person is asked.
    #[must_use]
    pub fn is_asking_now(&self) -> bool {
        self.rounds == ASK_ROUNDS
    }
}

impl SetUps {
    /// Returns whether the command has failed for so long that a person has to look.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.trouble.as_ref().is_some_and(SetUpTrouble::asks)
    }

    /// Records that the set-up of a session failed which was planned at `planned_ms`.
    pub(crate) fn failed(&mut self, planned_ms: i64, at_ms: i64) {
        match &mut self.trouble {
            Some(trouble) => {
                trouble.failures = trouble.failures.saturating_add(1);
                // A session that began before the last failure was no new try.
                if planned_ms >= trouble.last_ms {
                    trouble.rounds = trouble.rounds.saturating_add(1);
                    trouble.last_ms = at_ms;
                }
            }
            None => {
                self.trouble = Some(SetUpTrouble { since_ms: at_ms, last_ms: at_ms, failures: 1, rounds: 1 });
            }
        }
    }

    /// Records that the set-up of a session worked.
    pub(crate) fn worked(&mut self, at_ms: i64) {
        (self.trouble, self.worked_ms) = (None, Some(at_ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_five_minutes_and_parallel_failures_are_one_try() {
        let mut set_ups = SetUps::default();
        set_ups.failed(0, 100);
        assert!(!set_ups.trouble.as_ref().unwrap().holds());
        // Planned before the first failure was known.
        set_ups.failed(50, 120);
        let trouble = set_ups.trouble.clone().unwrap();
        assert_eq!((trouble.holds(), trouble.rounds, trouble.again_ms()), (true, 1, 2_100));
        let (mut waited_ms, mut pauses_ms) = (0, Vec::new());
        while !set_ups.asks() {
            let trouble = set_ups.trouble.clone().unwrap();
            pauses_ms.push(trouble.again_ms() - trouble.last_ms);
            waited_ms += trouble.again_ms() - trouble.last_ms;
            set_ups.failed(trouble.again_ms(), trouble.again_ms());
        }
        assert!(pauses_ms.is_sorted() && pauses_ms.last() == Some(&PAUSE_MAX_MS), "{pauses_ms:?}");
        assert!((20..40).contains(&(waited_ms / 60_000)), "asks after {waited_ms} ms");
        set_ups.worked(7);
        assert_eq!((set_ups.trouble, set_ups.worked_ms), (None, Some(7)));
    }
}
