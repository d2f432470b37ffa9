//! A gate run: the `verify` commands on exactly the tree that is about to land (SPEC 3.5).

use serde::{Deserialize, Serialize};

use super::ids::{EntryId, GateId, NodeId, ObjectId, ProjectSlug};
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
    /// It failed and its output says that no space was left, where there was some when it was over: whether these
    /// are words of the machine or of a test, only what the base says of it tells.
    #[serde(default)]
    pub says_full: bool,
}

/// What was found out about the space that a command had which is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// There is none where gates work, now that the command is over.
    pub is_missing: bool,
    /// Its output says that there was none.
    pub is_said: bool,
}

impl Space {
    /// What a command's exit status means with it, and whether the words alone are left to go by: a test prints such
    /// words, too, and what was full may be free again.
    #[must_use]
    pub fn exit(self, code: i32) -> (Exit, bool) {
        match self {
            _ if code == 0 => (Exit::Code(0), false),
            Self { is_missing: true, .. } => (Exit::DiskFull(code), false),
            Self { is_said, .. } => (Exit::Code(code), is_said),
        }
    }
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

    /// Whether it ran and ended without a verdict: crashed, timed out, or the set-up before it failed. One that could
    /// not be started says nothing at all of the tree.
    #[must_use]
    pub(crate) fn has_crashed(&self) -> bool {
        self.timed_out
            || matches!(self.exit, Exit::Signal(_) | Exit::SetupFailed(_))
            || matches!(self.exit, Exit::Code(code) if code > 125)
    }

    /// Whether the cause may lie outside of the tree and pass, a registry that does not answer or a disk that was
    /// full for a moment: what is known of the base from before then tells nothing of the cause.
    #[must_use]
    pub fn may_be_passing(&self) -> bool {
        self.says_full || matches!(self.exit, Exit::SetupFailed(_))
    }

    /// For people.
    #[must_use]
    pub fn outcome(&self) -> String {
        match &self.no_tests {
            _ if self.timed_out => "timed out".to_owned(),
            Some(runner) if self.exit == Exit::Code(0) => format!("{runner} says that no test ran"),
            _ if self.says_full => {
                format!("{}; it says that no space was left, and there was some when it was over", self.exit)
            }
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
        entries: Vec<EntryId>,
    },
    /// What these entries would land on, to find out who is to blame.
    Base {
        /// Their numbers.
        entries: Vec<EntryId>,
    },
    /// The own merge of one entry ahead of its turn, in a slot that is idle otherwise.
    Ahead {
        /// Its number.
        entry: EntryId,
    },
    /// The user's own commits, which the integration ref moved on to.
    External,
    /// A tree that is emptied: a gate that is green on it checks nothing.
    Canary,
    /// The merge of these entries with the tests and the gate's configuration as they were before.
    Tamper {
        /// Their numbers.
        entries: Vec<EntryId>,
    },
    /// The checks of a phase, on the integration tip.
    Phase {
        /// The phase.
        phase: NodeId,
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

    /// Whether it is run on what entries would land on, to compare.
    #[must_use]
    pub fn is_of_base(&self) -> bool {
        match self {
            Self::Base { .. } => true,
            Self::Tamper { entries } => entries.is_empty(),
            _ => false,
        }
    }

    /// What a run was for that was recorded before there were purposes.
    #[must_use]
    pub(crate) fn of_old(entry: EntryId, on_base: bool) -> Self {
        match on_base {
            true => Self::Base { entries: vec![entry] },
            false => Self::Candidate { entries: vec![entry] },
        }
    }

    /// The queue entries that the run is about.
    #[must_use]
    pub fn entries(&self) -> &[EntryId] {
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
    /// Its commands and limits, by [`crate::verdicts::terms_of`].
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
        CommandResult { name: "tests".into(), exit, timed_out, took_ms: 1, no_tests: None, says_full: false }
    }

    #[test]
    fn only_a_disk_that_is_full_makes_of_a_failure_none_and_words_of_it_make_one_that_may_pass() {
        let space = |is_missing, is_said| Space { is_missing, is_said };
        assert_eq!(space(true, true).exit(0), (Exit::Code(0), false));
        assert_eq!(space(true, false).exit(1), (Exit::DiskFull(1), false));
        assert_eq!(space(true, true).exit(1), (Exit::DiskFull(1), false));
        assert_eq!(space(false, false).exit(1), (Exit::Code(1), false));
        assert_eq!(space(false, true).exit(1), (Exit::Code(1), true));
        let said = CommandResult { says_full: true, ..ended(Exit::Code(1), false) };
        assert!(said.verdict() == Verdict::Red && said.may_be_passing(), "{}", said.outcome());
        let set_up = ended(Exit::SetupFailed("exit status 1".into()), false);
        assert!(set_up.verdict() == Verdict::NotEvaluated && set_up.has_crashed() && set_up.may_be_passing());
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
