//! What the gate is run on beside the queue: the tests as they were, and an emptied tree; the user's own commits and
//! their remote.

use serde::{Deserialize, Serialize};

use super::gate::Verdict;
use super::ids::{EntryId, GateId, ObjectId};
use super::path::RepoPath;

/// A tree that is wanted for a gate run beside the queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SideTree {
    /// The merge of an entry with some files as they were before it.
    Guard {
        /// The entry.
        entry: EntryId,
        /// Its head.
        head: ObjectId,
        /// What it is merged onto.
        onto: ObjectId,
        /// The files.
        paths: Vec<RepoPath>,
    },
    /// A commit of which nothing is left but what the gate's commands name.
    Canary {
        /// The commit.
        at: ObjectId,
    },
}

/// It was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// What is checked out.
    pub commit: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// For a guard: the tree that the entry is merged onto.
    pub onto_tree: Option<ObjectId>,
}

/// An entry that changed tests which its scope does not name: it goes on once the gate is green with these tests as
/// they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// The files.
    pub paths: Vec<RepoPath>,
    /// Red runs with the files as they were.
    pub red: u32,
    /// Runs that could not be evaluated.
    pub unclear: u32,
    /// The last run that was not green.
    pub last: Option<GateId>,
    /// Nothing more is waited for.
    pub settled: bool,
    /// The run that was green.
    pub passed: Option<GateId>,
    /// Why it was not tried to its end, where it was not.
    #[serde(default)]
    pub given_up: Option<String>,
}

impl Guard {
    /// For these files.
    #[must_use]
    pub(crate) fn new(paths: Vec<RepoPath>) -> Self {
        Self { paths, red: 0, unclear: 0, last: None, settled: false, passed: None, given_up: None }
    }

    /// Takes in how a run ended.
    pub(crate) fn note(&mut self, gate: GateId, verdict: Verdict) {
        match verdict {
            Verdict::Green => return,
            Verdict::Red => self.red += 1,
            Verdict::NotEvaluated => self.unclear += 1,
        }
        self.last = Some(gate);
    }
}

/// Whether the gate checks anything: it must not be green on a tree that is emptied.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Canary {
    /// It is to be tried.
    pub asked: bool,
    /// How it was last.
    pub judged: Option<CanaryVerdict>,
}

/// What the gate said of an emptied tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryVerdict {
    /// Green: the gate checks nothing.
    pub verdict: Verdict,
    /// The run; none when it could not be made.
    pub gate: Option<GateId>,
    /// Its commands and limits.
    pub terms: String,
    /// Unix milliseconds.
    pub at_ms: i64,
}

/// The user's own commits that the integration ref moved on to, and what the gate says of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct External {
    /// The newest of them.
    pub commit: ObjectId,
    /// The verdict, once there is one, and its run.
    pub judged: Option<(Verdict, Option<GateId>)>,
}

/// The user's remote that the target branch is pushed to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Pushing {
    /// What was published and is not pushed yet.
    pub due: Option<ObjectId>,
    /// Why it waits, when it was tried in vain.
    pub wait: Option<PushWait>,
}

/// How a push failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushCode {
    /// The remote refused the commit.
    Rejected,
    /// The remote did not accept the user's credentials.
    Denied,
    /// The remote did not answer.
    Unreachable,
    /// Anything else; the text says what.
    Other,
}

/// Why a push waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushWait {
    /// For scripts.
    pub code: PushCode,
    /// One sentence for people.
    pub text: String,
    /// Unix milliseconds.
    pub since_ms: i64,
}
