//! A gate run: the `verify` commands on exactly the tree that is about to land (SPEC 3.5).

use serde::{Deserialize, Serialize};

use super::ids::{AimId, GateId, ObjectId, ProjectSlug};
use super::session::Exit;
use super::settings::GateCommand;

/// What a gate run says of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every command passed.
    Green,
    /// A command failed.
    Red,
    /// A command could not be judged: not found, killed, timed out, or the run was lost.
    NotEvaluated,
}

impl Verdict {
    /// The words of SPEC 3.5.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Red => "red",
            Self::NotEvaluated => "not evaluated",
        }
    }
}

/// How one gate command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResult {
    /// Its name in the project file.
    pub name: String,
    /// How it ended.
    pub exit: Exit,
    /// Whether its time limit stopped it.
    pub timed_out: bool,
    /// Milliseconds it took while the machine was awake.
    pub took_ms: u64,
    /// The test runner that said that no test ran at all, when one did.
    #[serde(default)]
    pub no_tests: Option<String>,
}

impl CommandResult {
    /// What it says of the tree. A shell reports a command that is not found as 127, one that is not
    /// executable as 126, and one that a signal killed as 128 and more: none of them is a verdict on the work.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.exit {
            _ if self.timed_out => Verdict::NotEvaluated,
            Exit::Code(0) if self.no_tests.is_some() => Verdict::Red,
            Exit::Code(0) => Verdict::Green,
            Exit::Code(1..=125) => Verdict::Red,
            Exit::Code(_)
            | Exit::Signal(_)
            | Exit::NotStarted(_)
            | Exit::SetupFailed(_)
            | Exit::DiskFull(_) => Verdict::NotEvaluated,
        }
    }

    /// Whether it ran and ended without a verdict: crashed, or timed out. One that could not be started says
    /// nothing at all of the tree.
    #[must_use]
    pub fn has_crashed(&self) -> bool {
        self.timed_out
            || matches!(self.exit, Exit::Signal(_))
            || matches!(self.exit, Exit::Code(code) if code > 125)
    }

    /// For people.
    #[must_use]
    pub fn outcome(&self) -> String {
        match &self.no_tests {
            _ if self.timed_out => "timed out".to_owned(),
            Some(runner) if self.exit == Exit::Code(0) => format!("{runner} says that no test ran"),
            _ => self.exit.to_string(),
        }
    }
}

/// The verdict on all commands that ran: the first that is not green decides.
#[must_use]
pub fn verdict_of(results: &[CommandResult], expected: usize) -> Verdict {
    match results.iter().map(CommandResult::verdict).find(|verdict| *verdict != Verdict::Green) {
        Some(verdict) => verdict,
        None if results.len() == expected => Verdict::Green,
        None => Verdict::NotEvaluated,
    }
}

/// What a gate run is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The merge of these queue entries, in this order: green, it may land.
    Candidate {
        /// Their numbers.
        entries: Vec<u64>,
    },
    /// What these entries would land on, to find out who is to blame.
    Base {
        /// Their numbers.
        entries: Vec<u64>,
    },
    /// The own merge of one entry ahead of its turn, in a slot that is idle otherwise.
    Ahead {
        /// Its number.
        entry: u64,
    },
    /// The user's own commits, which the integration ref moved on to.
    External,
    /// A tree that is emptied: a gate that is green on it checks nothing.
    Canary,
    /// The merge of these entries with the tests and the gate's configuration as they were before.
    Tamper {
        /// Their numbers.
        entries: Vec<u64>,
    },
    /// The checks of a phase, on the integration tip.
    Phase {
        /// The phase.
        phase: AimId,
    },
}

impl Default for Purpose {
    /// Of runs that were recorded before there were purposes.
    fn default() -> Self {
        Self::Candidate { entries: Vec::new() }
    }
}

impl Purpose {
    /// Whether a run for this is given up as soon as the queue wants its slot.
    #[must_use]
    pub fn yields(&self) -> bool {
        matches!(self, Self::Ahead { .. } | Self::External)
    }

    /// What a run was for that was recorded before there were purposes.
    #[must_use]
    pub fn of_old(entry: u64, on_base: bool) -> Self {
        match on_base {
            true => Self::Base { entries: vec![entry] },
            false => Self::Candidate { entries: vec![entry] },
        }
    }

    /// The queue entries that the run is about.
    #[must_use]
    pub fn entries(&self) -> &[u64] {
        match self {
            Self::Candidate { entries } | Self::Base { entries } | Self::Tamper { entries } => entries,
            Self::Ahead { entry } => std::slice::from_ref(entry),
            Self::External | Self::Canary | Self::Phase { .. } => &[],
        }
    }

    /// For people and scripts.
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
        }
    }
}

/// The first slot of a project, for runs that were recorded before there were several.
pub(super) fn first_slot() -> u32 {
    1
}

/// The folder of a slot's gate worktree, in `worktrees_root/<project>`. An objective's id never begins with
/// `_`: it cannot collide with a worktree.
#[must_use]
pub fn slot_folder(slot: u32) -> String {
    format!("_gate-{slot}")
}

/// A gate run and all that is recorded of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateRun {
    /// Its number.
    pub id: GateId,
    /// The project.
    pub project: ProjectSlug,
    /// What it is for.
    #[serde(default)]
    pub purpose: Purpose,
    /// Which of the project's gate worktrees it has, from 1. Two open runs never share one.
    #[serde(default = "first_slot")]
    pub slot: u32,
    /// What it runs; none: the project's `verify`.
    #[serde(default)]
    pub commands: Vec<GateCommand>,
    /// Its commands and limits, by [`super::judge::terms_of`].
    #[serde(default)]
    pub terms: String,
    /// The commit that is checked out.
    pub commit: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Unix milliseconds.
    pub started_ms: i64,
    /// Unix milliseconds.
    pub finished_ms: Option<i64>,
    /// The commands that have ended.
    pub results: Vec<CommandResult>,
    /// The verdict, once there is one; none while it runs and when it was cancelled.
    pub verdict: Option<Verdict>,
    /// Whether what it ran for is outdated.
    pub cancelled: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(exit: Exit, timed_out: bool) -> CommandResult {
        CommandResult { name: "tests".into(), exit, timed_out, took_ms: 1, no_tests: None }
    }

    #[test]
    fn only_exit_statuses_up_to_125_are_verdicts_on_the_work() {
        assert_eq!(ended(Exit::Code(0), false).verdict(), Verdict::Green);
        assert_eq!(ended(Exit::Code(1), false).verdict(), Verdict::Red);
        assert_eq!(ended(Exit::Code(101), false).verdict(), Verdict::Red);
        for exit in [Exit::Code(126), Exit::Code(127), Exit::Code(139), Exit::Signal(9), Exit::DiskFull(1)] {
            assert_eq!(ended(exit, false).verdict(), Verdict::NotEvaluated);
        }
        assert_eq!(ended(Exit::Code(0), true).verdict(), Verdict::NotEvaluated);
    }

    #[test]
    fn a_command_that_ran_no_test_is_not_green() {
        let nothing = CommandResult { no_tests: Some("pytest".into()), ..ended(Exit::Code(0), false) };
        assert_eq!(nothing.verdict(), Verdict::Red);
        assert_eq!(nothing.outcome(), "pytest says that no test ran");
    }

    #[test]
    fn a_hang_counts_as_a_crash_and_a_run_that_did_not_start_does_not() {
        assert!(ended(Exit::Signal(15), true).has_crashed() && ended(Exit::Code(139), false).has_crashed());
        assert!(!ended(Exit::NotStarted("no memory".into()), false).has_crashed());
    }

    #[test]
    fn a_run_that_did_not_get_to_every_command_is_not_green() {
        assert_eq!(verdict_of(&[ended(Exit::Code(0), false)], 2), Verdict::NotEvaluated);
        assert_eq!(verdict_of(&[ended(Exit::Code(0), false)], 1), Verdict::Green);
        assert_eq!(verdict_of(&[], 0), Verdict::Green);
    }
}
