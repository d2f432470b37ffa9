//! How the commands of a gate run ended, and what that says of the tree.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::evidence::{Lack, Source, Tests};
use super::super::path::RepoPath;
use super::super::session::Exit;
use super::{Verdict, VerdictCode};

/// Result of one gate command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResult {
    /// Name of the command in the project file.
    pub name: String,
    /// How its process ended.
    pub exit: Exit,
    /// Whether its time limit stopped it.
    pub timed_out: bool,
    /// Duration in milliseconds, without the time that the machine slept.
    pub took_ms: u64,
    /// Test runner that reported that no test ran at all; `None` if none did.
    #[serde(default)]
    pub no_tests: Option<String>,
    /// Whether the command failed and its output mentions a full disk, while there was free space afterwards.
    /// The machine or a test may have printed these words; only a run on the base shows which.
    #[serde(default)]
    pub says_full: bool,
    /// Tracked files that the command left in another state than the commit's; `None` if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<ChangedFiles>,
    /// The tests that it reported; `None` if the command did not end, if its `tests` setting is `off`, or if
    /// an older build recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<Tests>,
    /// Why the tests do not satisfy the command's settings; `None` if they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lack: Option<Lack>,
}

/// Files of the commit that a gate command changed while it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedFiles {
    /// The first of the files, at most [`ChangedFiles::NAMED_MAX`]; tests and files of the gate come first.
    pub paths: Vec<RepoPath>,
    /// Number of all changed files.
    pub count: u64,
    /// Whether a test, or a file that the gate runs, is among them. The command's success then proves
    /// nothing.
    pub is_gate: bool,
}

impl ChangedFiles {
    /// Most files that are named.
    pub const NAMED_MAX: usize = 20;
}

impl fmt::Display for ChangedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<String> = self.paths.iter().take(3).map(ToString::to_string).collect();
        let more = self.count.saturating_sub(named.len() as u64);
        write!(f, "{}", named.join(", "))?;
        if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
    }
}

/// Evidence about the disk space that a finished command had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Whether the disk is full where gates work, now that the command has finished.
    pub is_missing: bool,
    /// Whether the command's output mentions a full disk.
    pub is_said: bool,
}

impl Space {
    /// Returns what the exit status `code` means, and whether only the words in the output point to a full
    /// disk.
    ///
    /// Words alone do not excuse a failure: a test may print them too. They do not prove the opposite either,
    /// since space may be free again by now.
    #[must_use]
    pub fn exit(self, code: i32) -> (Exit, bool) {
        match self {
            // A command that succeeded had the space that it needed.
            _ if code == 0 => (Exit::Code(0), false),
            Self { is_missing: true, .. } => (Exit::DiskFull(code), false),
            Self { is_said, .. } => (Exit::Code(code), is_said),
        }
    }
}

impl CommandResult {
    /// Returns a result without evidence, for a command that ended in this way.
    #[must_use]
    pub fn new(name: impl Into<String>, exit: Exit) -> Self {
        Self {
            name: name.into(),
            exit,
            timed_out: false,
            took_ms: 0,
            no_tests: None,
            says_full: false,
            changed: None,
            tests: None,
            lack: None,
        }
    }

    /// Returns the command's verdict with its evidence, without a comparison with the base.
    #[must_use]
    pub fn code(&self) -> VerdictCode {
        let is_reported = self.tests.as_ref().is_some_and(|tests| tests.source != Source::Exit);
        match self.verdict() {
            Verdict::Green if is_reported => VerdictCode::Green,
            Verdict::Green => VerdictCode::GreenExitOnly,
            Verdict::Red => VerdictCode::Red,
            Verdict::NotEvaluated => VerdictCode::NotEvaluated,
        }
    }

    /// Returns the command's verdict on the tree.
    ///
    /// A shell reports a command that is not found as 127, one that is not executable as 126, and one that a
    /// signal killed as 128 plus the signal. None of these judges the work.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.exit {
            // A command that was stopped judges nothing, whatever its exit status.
            _ if self.timed_out => Verdict::NotEvaluated,
            // Some test runners exit with 0 when they find no test, which proves nothing.
            Exit::Code(0) if self.no_tests.is_some() => Verdict::Red,
            // A run that rewrites its own tests says nothing about the tests of the commit.
            Exit::Code(0) if self.changed.as_ref().is_some_and(|changed| changed.is_gate) => Verdict::Red,
            Exit::Code(0) if self.lack.is_some() => Verdict::Red,
            Exit::Code(0) => Verdict::Green,
            Exit::Code(1..=125) => Verdict::Red,
            Exit::Code(_)
            | Exit::Signal(_)
            | Exit::NotStarted(_)
            | Exit::SetupFailed(_)
            | Exit::DiskFull(_) => Verdict::NotEvaluated,
        }
    }

    /// Returns whether the command started and ended without a verdict: it crashed or timed out, or its
    /// set-up failed. A command that could not be started says nothing about the tree.
    #[must_use]
    pub(crate) fn has_crashed(&self) -> bool {
        self.timed_out
            || matches!(self.exit, Exit::Signal(_) | Exit::SetupFailed(_))
            || matches!(self.exit, Exit::Code(code) if code > 125)
    }

    /// Returns whether the failure may have a transient cause outside of the tree, such as a registry that
    /// does not answer or a disk that was full for a moment. An earlier verdict on the base is then no
    /// comparison, since the cause may be younger.
    #[must_use]
    pub fn may_be_passing(&self) -> bool {
        self.says_full || matches!(self.exit, Exit::SetupFailed(_))
    }

    fn lacking(&self, lack: &Lack) -> String {
        match lack {
            Lack::Untold(why) if why.is_empty() => {
                "it ended with 0 but reported no tests, and `tests: required` asks for them".to_owned()
            }
            Lack::Untold(why) => format!("it ended with 0 but reported no tests: {why}"),
            Lack::TooFew(wanted) => {
                let passed = self.tests.as_ref().map_or(0, |tests| tests.passed);
                format!("it ended with 0, but only {passed} tests passed, and `min_tests` is {wanted}")
            }
        }
    }

    /// Returns the outcome in words, for people.
    #[must_use]
    pub fn outcome(&self) -> String {
        if let (Some(changed), Exit::Code(0)) = (self.changed.as_ref().filter(|c| c.is_gate), &self.exit) {
            return format!("while it ran, it changed {changed}, by which the gate judges");
        }
        if let (Some(lack), None, Exit::Code(0)) = (&self.lack, &self.no_tests, &self.exit) {
            return self.lacking(lack);
        }
        match &self.no_tests {
            _ if self.timed_out => "timed out".to_owned(),
            Some(runner) if self.exit == Exit::Code(0) => format!("{runner} says that no test ran"),
            _ if self.says_full => {
                format!(
                    "{}; its output says that the disk was full, but there was free space afterwards",
                    self.exit
                )
            }
            _ => self.exit.to_string(),
        }
    }
}

/// Returns the verdict of a gate run: the first verdict that is not green. A run that did not reach all
/// `expected` commands is not evaluated.
#[must_use]
pub fn verdict_of(results: &[CommandResult], expected: usize) -> Verdict {
    match results.iter().map(CommandResult::verdict).find(|verdict| *verdict != Verdict::Green) {
        Some(verdict) => verdict,
        None if results.len() == expected => Verdict::Green,
        None => Verdict::NotEvaluated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(exit: Exit, timed_out: bool) -> CommandResult {
        CommandResult { timed_out, ..CommandResult::new("tests", exit) }
    }

    #[test]
    fn only_a_full_disk_voids_a_failure_and_words_about_one_make_it_doubtful() {
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
    fn a_command_that_changes_what_the_gate_judges_by_is_not_green() {
        let changed = |is_gate| ChangedFiles { paths: vec![RepoPath::new("tests/a.sh")], count: 9, is_gate };
        let result =
            |is_gate| CommandResult { changed: Some(changed(is_gate)), ..ended(Exit::Code(0), false) };
        assert_eq!(result(true).verdict(), Verdict::Red);
        assert!(
            result(true).outcome().contains("changed tests/a.sh and 8 more"),
            "{}",
            result(true).outcome()
        );
        assert_eq!(result(false).verdict(), Verdict::Green);
    }

    #[test]
    fn a_hang_counts_as_a_crash_and_a_run_that_did_not_start_does_not() {
        assert!(ended(Exit::Signal(15), true).has_crashed() && ended(Exit::Code(139), false).has_crashed());
        assert!(!ended(Exit::NotStarted("no memory".into()), false).has_crashed());
    }

    #[test]
    fn a_run_that_did_not_reach_every_command_is_not_green() {
        assert_eq!(verdict_of(&[ended(Exit::Code(0), false)], 2), Verdict::NotEvaluated);
        assert_eq!(verdict_of(&[ended(Exit::Code(0), false)], 1), Verdict::Green);
        assert_eq!(verdict_of(&[], 0), Verdict::Green);
    }
}
