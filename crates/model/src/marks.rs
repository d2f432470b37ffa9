//! Marks: lines of a branch's code that look as if they were written for the gate and not for the users.
//!
//! A mark never rejects work. It asks for a run with the tests of the base, or for a person, and it stands in
//! the proof.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::path::RepoPath;

/// What a marked line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// It asks whether the code is being tested.
    AsksForTests,
    /// It ends the process with success, on import, at exit or for good.
    LeavesEarly,
    /// It replaces equality, assertions or the test runner.
    ReplacesChecks,
    /// It prints what looks like the summary of a test runner.
    PrintsSummary,
    /// It lets a command succeed although a part of it failed.
    IgnoresFailure,
    /// It replaces a piece of code while tests are built.
    TestTwin,
    /// It runs code that is not written there: decoded, or put together from parts of words.
    HidesCode,
}

impl MarkKind {
    /// Returns what a marked line does, in words, for people: the end of a sentence that begins with the
    /// place.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::AsksForTests => "asks whether it is being tested",
            Self::LeavesEarly => "ends the process with success",
            Self::ReplacesChecks => "replaces equality, assertions or the test runner",
            Self::PrintsSummary => "prints what looks like a test runner's summary",
            Self::IgnoresFailure => "lets a failed command pass",
            Self::TestTwin => "has other code for tests than for users",
            Self::HidesCode => "runs code that a reader cannot see",
        }
    }

    /// Returns whether a gate run with the tests and scripts of the base shows what the line is worth. The
    /// other marks are in code that such a run uses, too.
    #[must_use]
    pub fn is_settled_by_isolation(self) -> bool {
        self == Self::IgnoresFailure
    }
}

/// A line that a branch adds outside of tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Path of the file.
    pub path: RepoPath,
    /// Line number in the branch's version, from 1.
    pub line: u32,
    /// What the line does.
    pub kind: MarkKind,
    /// The line, cut to [`Mark::TEXT_MAX_BYTES`].
    pub text: String,
}

impl Mark {
    /// Most bytes that are kept of a line.
    pub const TEXT_MAX_BYTES: usize = 120;
    /// Most marks that are kept of a branch.
    pub const COUNT_MAX: usize = 20;
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} {}: `{}`", self.path, self.line, self.kind.words(), self.text)
    }
}
