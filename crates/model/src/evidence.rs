//! Evidence of gate runs: the tests that a command ran, and how they compare with those on the base.
//!
//! An exit status of 0 is no proof: the code under test can end the runner early, or keep tests from running.
//! So a run counts as green only if it also reported the tests that the base reports.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{EntryId, GateId, ObjectId};
use super::path::RepoPath;

/// Where the number of tests comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A JUnit report that the command wrote: names and counts.
    Junit,
    /// The runner's output, which names each test.
    Runner,
    /// The runner's summary, which only counts the tests.
    Count,
    /// Nothing: the command reported no tests, and only its exit status is known.
    Exit,
}

/// The tests that a gate command reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tests {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that were there and did not run, or whose failure was expected.
    pub skipped: u64,
    /// Where the numbers come from.
    pub source: Source,
    /// Names of the test runners whose summaries were read, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runners: Vec<String>,
    /// SHA-256 of the sorted names of the tests that passed, one per line; `None` if no names are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names_sha256: Option<String>,
}

impl Tests {
    /// Returns the evidence of a command that reported no tests.
    #[must_use]
    pub fn untold() -> Self {
        let runners = Vec::new();
        Self { passed: 0, failed: 0, skipped: 0, source: Source::Exit, runners, names_sha256: None }
    }
}

impl fmt::Display for Tests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.source == Source::Exit {
            return f.write_str("no tests reported");
        }
        write!(f, "{} passed", self.passed)?;
        for (count, word) in [(self.failed, "failed"), (self.skipped, "skipped")] {
            if count > 0 {
                write!(f, ", {count} {word}")?;
            }
        }
        Ok(())
    }
}

/// Why a command that ended with 0 is red by the settings of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// `tests: required`, and the command reported no tests. The text says why, if that is known.
    Untold(String),
    /// `min_tests`: this many tests had to pass.
    TooFew(u64),
}

/// Why tests that passed on the base do not pass any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoneHow {
    /// The runner does not name them any more.
    Missing,
    /// They are skipped.
    Skipped,
    /// They fail, although the command ended with 0.
    Failed,
}

impl GoneHow {
    /// Returns the state of the tests in words, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "did not run",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// Tests of one file that passed on the base and do not pass any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Why they do not pass.
    pub how: GoneHow,
    /// File of the base in which they were and that the candidate changed; `None` if no changed file holds
    /// them.
    pub file: Option<RepoPath>,
    /// Number of the tests.
    pub count: u64,
    /// The first names, at most [`Gone::NAMED_MAX`].
    pub names: Vec<String>,
}

impl Gone {
    /// Most names that are kept.
    pub const NAMED_MAX: usize = 5;
}

/// The tests of one gate command, compared with those on the base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedCommand {
    /// Name of the command in the project file.
    pub name: String,
    /// Tests on the candidate.
    pub tests: Tests,
    /// Tests on the base; `None` if the command did not end there.
    pub base: Option<Tests>,
    /// Number of tests that the base does not have.
    pub added: u64,
    /// The first of their names, at most [`Gone::NAMED_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added_names: Vec<String>,
    /// Tests that passed on the base and do not pass any more, by file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Gone>,
    /// Runners whose summary the base printed and the candidate did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<String>,
    /// Runners that named the tests on the base and now only count them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nameless: Vec<String>,
    /// Number of tests by which fewer passed, where the names do not tell which.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fewer: u64,
    /// Number of failures in the output beyond those on the base, although the command ended
    /// with 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A test file, or another file that the gate judges by, that a landing changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedTest {
    /// Path of the file.
    pub path: RepoPath,
    /// Number of lines added.
    pub added: u32,
    /// Number of lines removed.
    pub removed: u32,
    /// The beginning of the diff, at most [`ChangedTest::DIFF_BYTES_MAX`]; empty for added files.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub diff: String,
}

impl ChangedTest {
    /// Most bytes that are kept of a diff.
    pub const DIFF_BYTES_MAX: usize = 2_048;
    /// Most files that are kept; further ones are counted.
    pub const FILES_MAX: usize = 20;
}

/// A candidate's tests compared with those on its base.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The commands that both runs ended.
    pub commands: Vec<ComparedCommand>,
    /// Test files that the candidate changes or removes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<ChangedTest>,
    /// Number of further such files.
    #[serde(default)]
    pub more_changed: u64,
}

/// What follows from a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// No test is missing, or only tests that the work may remove.
    Kept,
    /// Tests are missing or skipped, or a summary is.
    FewerTests,
    /// The output shows failures, although the command ended with 0.
    Red,
    /// Tests were removed by an objective without a scope that says where it works: a person decides.
    Person,
}

impl Outcome {
    /// Returns whether the candidate may land, as far as its tests go.
    #[must_use]
    pub fn may_land(self) -> bool {
        self == Self::Kept
    }
}

/// A comparison that the queue knows of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownComparison {
    /// Tree of the candidate.
    pub tree: ObjectId,
    /// Tree that it was compared with.
    pub base_tree: ObjectId,
    /// Fingerprint of the gate's commands and limits.
    pub terms: String,
    /// The latest green run on the candidate that was compared.
    pub gate: GateId,
    /// The runs on the base that it was compared with.
    pub bases: Vec<GateId>,
    /// Members of the candidate.
    pub entries: Vec<EntryId>,
    /// What follows.
    pub outcome: Outcome,
    /// Number of runs on the candidate in a row after which it may not land.
    pub faults: u32,
}

/// A tree whose tests are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestedTree {
    /// Id of the tree.
    pub tree: ObjectId,
    /// Fingerprint of the gate's commands and limits.
    pub terms: String,
    /// The latest runs that reported its tests, at most [`TestedTree::RUNS_MAX`], oldest first.
    pub gates: Vec<GateId>,
}

impl TestedTree {
    /// Most runs that are known for a tree: with two on the base, tests that only one of them has do not
    /// count.
    pub const RUNS_MAX: usize = 2;
    /// Most trees and comparisons that a project keeps.
    pub const TREES_MAX: usize = 64;
}
