//! Gate runs: the project's `verify` commands on exactly the tree that is about to land.

mod result;

use serde::{Deserialize, Serialize};

pub use self::result::{ChangedFiles, CommandResult, Space, verdict_of};
use super::evidence::{Comparison, Outcome};
use super::ids::{EntryId, GateId, NodeId, ObjectId, ProjectSlug};
use super::settings::GateCommand;

/// Verdict of a gate run on a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every command passed.
    Green,
    /// A command failed.
    Red,
    /// A command gave no verdict: it was not found, killed or timed out, or the run was lost.
    NotEvaluated,
}

impl Verdict {
    /// Returns the verdict in words, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Red => "red",
            Self::NotEvaluated => "not evaluated",
        }
    }
}

/// Verdict of a gate run together with its evidence, as people and scripts see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictCode {
    /// Every command passed, and those that report tests reported all that the base has.
    Green,
    /// Every command passed, but none reported tests.
    GreenExitOnly,
    /// Every command passed, but tests that the base has are missing or skipped.
    FewerTests,
    /// A command failed.
    Red,
    /// A command gave no verdict.
    NotEvaluated,
}

impl VerdictCode {
    /// Returns the verdict in words, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::GreenExitOnly => "green, exit status only",
            Self::FewerTests => "fewer tests than before",
            Self::Red => "red",
            Self::NotEvaluated => "not evaluated",
        }
    }

    /// Returns the code for scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::GreenExitOnly => "green_exit_only",
            Self::FewerTests => "fewer_tests",
            Self::Red => "red",
            Self::NotEvaluated => "not_evaluated",
        }
    }
}

/// Purpose of a gate run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The merge of these entries, in this order; if it is green, it may land.
    Candidate {
        /// Numbers of the entries.
        entries: Vec<EntryId>,
    },
    /// The tip without these entries, to find out whether they are to blame for a failure.
    Base {
        /// Numbers of the entries.
        entries: Vec<EntryId>,
    },
    /// The own merge of one entry ahead of its turn, in a slot that would be idle.
    Ahead {
        /// Number of the entry.
        entry: EntryId,
    },
    /// The user's commits to which the integration ref advanced.
    External,
    /// A tree reduced to what the gate's commands name. If the gate is green on it, the gate checks nothing.
    Canary,
    /// The merge of these entries, with tests and gate configuration as they were before; without entries,
    /// the tip to compare with.
    Tamper {
        /// Numbers of the entries.
        entries: Vec<EntryId>,
    },
    /// The checks of a phase on the integration tip.
    Phase {
        /// Id of the phase.
        phase: NodeId,
    },
    /// The newest landed tree, in a new folder without caches, as a fresh clone would have it.
    Recheck,
}

impl Default for Purpose {
    /// Purpose of runs that older builds recorded without one; [`Purpose::from_old_event`] then fills in the
    /// entry.
    fn default() -> Self {
        Self::Candidate { entries: Vec::new() }
    }
}

impl Purpose {
    /// Returns whether such a run is cancelled as soon as the queue needs its slot.
    #[must_use]
    pub fn yields(&self) -> bool {
        matches!(self, Self::Ahead { .. } | Self::External)
    }

    /// Returns whether such a run judges the base, for comparison.
    #[must_use]
    pub fn is_on_base(&self) -> bool {
        match self {
            Self::Base { .. } => true,
            Self::Tamper { entries } => entries.is_empty(),
            _ => false,
        }
    }

    /// Returns the purpose of a run that an older build recorded with an entry and a flag.
    #[must_use]
    pub(crate) fn from_old_event(entry: EntryId, on_base: bool) -> Self {
        match on_base {
            true => Self::Base { entries: vec![entry] },
            false => Self::Candidate { entries: vec![entry] },
        }
    }

    /// Returns the queue entries that the run is about.
    #[must_use]
    pub fn entries(&self) -> &[EntryId] {
        match self {
            Self::Candidate { entries } | Self::Base { entries } | Self::Tamper { entries } => entries,
            Self::Ahead { entry } => std::slice::from_ref(entry),
            Self::External | Self::Canary | Self::Phase { .. } | Self::Recheck => &[],
        }
    }

    /// Returns the name of the purpose, for people and scripts.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Candidate { .. } => "candidate",
            Self::Base { .. } => "base",
            Self::Ahead { .. } => "ahead",
            Self::External => "external",
            Self::Canary => "canary",
            Self::Tamper { .. } => "tamper",
            Self::Phase { .. } => "phase",
            Self::Recheck => "recheck",
        }
    }
}

/// What a gate run may start with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// The gate folder as the last run left it, held against the commit, with the caches that are kept.
    #[default]
    Kept,
    /// The same folder without caches, set up again: a failure may come from a cache.
    WithoutCaches,
    /// A new folder.
    FromNothing,
}

impl Start {
    /// Returns the name of the start, for people and scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::WithoutCaches => "without_caches",
            Self::FromNothing => "from_nothing",
        }
    }
}

/// Returns the slot of runs that older builds recorded, when a project had only one.
pub(super) fn first_slot() -> u32 {
    1
}

/// Returns the folder name of a slot's gate worktree, in `worktrees_root/<project>`. The ids of objectives
/// never begin with `_`, so it cannot collide with the folder of one.
#[must_use]
pub fn slot_folder(slot: u32) -> String {
    format!("_gate-{slot}")
}

/// Returns the folder name of a slot's runs from nothing, which is removed after each.
#[must_use]
pub fn fresh_folder(slot: u32) -> String {
    format!("_fresh-{slot}")
}

/// A gate run, with everything recorded about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateRun {
    /// Number of the run.
    pub id: GateId,
    /// Project whose gate runs.
    pub project: ProjectSlug,
    /// Purpose of the run.
    #[serde(default)]
    pub purpose: Purpose,
    /// Slot of the run, from 1: which of the project's gate worktrees it uses. Two open runs never share a
    /// slot.
    #[serde(default = "first_slot")]
    pub slot: u32,
    /// Commands that it runs; empty = the `verify` commands of the project.
    #[serde(default)]
    pub commands: Vec<GateCommand>,
    /// Fingerprint of the commands, their limits and the set-up, by [`crate::verdicts::terms_of`].
    #[serde(default)]
    pub terms: String,
    /// What it starts with.
    #[serde(default)]
    pub start: Start,
    /// Whether it ran in a new folder without caches, as in a fresh clone.
    #[serde(default)]
    pub from_nothing: bool,
    /// Commit that is checked out.
    pub commit: ObjectId,
    /// Tree of that commit, to which the verdict applies.
    pub tree: ObjectId,
    /// When it started, in Unix milliseconds.
    pub started_ms: i64,
    /// When it ended, in Unix milliseconds.
    pub finished_ms: Option<i64>,
    /// Results of the commands that have ended.
    pub results: Vec<CommandResult>,
    /// Its verdict; `None` while it runs, and if it was cancelled.
    pub verdict: Option<Verdict>,
    /// Whether it was cancelled, because its result is no longer needed.
    pub cancelled: bool,
    /// Its tests, compared with those on the base; `None` if that was not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Box<Compared>>,
}

/// A comparison of a run's tests with those on the base, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The runs on the base.
    pub bases: Vec<GateId>,
    /// The comparison.
    pub comparison: Comparison,
    /// What follows.
    pub outcome: Outcome,
}

impl GateRun {
    /// Returns the verdict with its evidence, as people and scripts see it; `None` while the run has none.
    #[must_use]
    pub fn code(&self) -> Option<VerdictCode> {
        let is_reported = self.results.iter().any(|result| result.code() == VerdictCode::Green);
        Some(match (self.verdict?, self.compared.as_ref().map(|compared| compared.outcome)) {
            (Verdict::Green, Some(Outcome::FewerTests | Outcome::Person)) => VerdictCode::FewerTests,
            (Verdict::Green, Some(Outcome::Red)) => VerdictCode::Red,
            (Verdict::Green, _) if is_reported => VerdictCode::Green,
            (Verdict::Green, _) => VerdictCode::GreenExitOnly,
            (Verdict::Red, _) => VerdictCode::Red,
            (Verdict::NotEvaluated, _) => VerdictCode::NotEvaluated,
        })
    }
}
