//! Gate runs apart from the queue's own, and the push to the user's remote.
//!
//! The gate also runs on an entry's merge with the earlier tests (the guard), on an emptied tree (the
//! canary), on the user's own commits, and once a day on a landed tree from nothing (the recheck).

mod recheck;
mod remote;

use serde::{Deserialize, Serialize};

pub use self::recheck::{Doubtful, LandedTree, Recheck};
pub use self::remote::{Fetched, Pull, PullFailure, PullFault, PullStage, RemoteCause, Upstream};
use super::gate::Verdict;
use super::ids::{EntryId, GateId, ObjectId};
use super::path::RepoPath;

/// A tree that a side run of the gate needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SideTree {
    /// The merge of an entry, with some files as they were before it.
    Guard {
        /// Number of the entry.
        entry: EntryId,
        /// Head of its branch.
        head: ObjectId,
        /// Integration tip on which the merge is based.
        onto: ObjectId,
        /// Files that are put back.
        paths: Vec<RepoPath>,
    },
    /// A commit reduced to the files that the gate's commands name.
    Canary {
        /// The commit.
        at: ObjectId,
    },
}

/// A tree that was made for a side run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Commit that is checked out.
    pub commit: ObjectId,
    /// Tree of that commit.
    pub tree: ObjectId,
    /// For a guard: the tree of the tip on which the merge is based.
    pub onto_tree: Option<ObjectId>,
}

/// State of an entry that changed tests which its scope does not name. The entry waits until the gate is
/// green with these tests as they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// The changed tests.
    pub paths: Vec<RepoPath>,
    /// Red runs with the tests as they were.
    pub red: u32,
    /// Runs that gave no verdict.
    pub unclear: u32,
    /// The last run that was not green.
    pub last: Option<GateId>,
    /// Whether the entry no longer waits.
    pub settled: bool,
    /// The green run; `None` if there was none.
    pub passed: Option<GateId>,
    /// Why the runs were given up; `None` if they were not.
    #[serde(default)]
    pub given_up: Option<String>,
}

impl Guard {
    /// Returns the state of an entry for whose tests nothing was run yet.
    #[must_use]
    pub(crate) fn new(paths: Vec<RepoPath>) -> Self {
        Self { paths, red: 0, unclear: 0, last: None, settled: false, passed: None, given_up: None }
    }

    /// Records the verdict of a run.
    pub(crate) fn record(&mut self, gate: GateId, verdict: Verdict) {
        match verdict {
            // A green run is recorded by an event of its own (`guard_passed`).
            Verdict::Green => return,
            Verdict::Red => self.red += 1,
            Verdict::NotEvaluated => self.unclear += 1,
        }
        self.last = Some(gate);
    }
}

/// Result of running the gate on an emptied tree, which shows whether the gate checks anything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Canary {
    /// Whether such a run was asked for and has not ended.
    pub asked: bool,
    /// Result of the last run.
    pub judged: Option<CanaryVerdict>,
}

/// Verdict of the gate on an emptied tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryVerdict {
    /// The verdict; green means that the gate checks nothing.
    pub verdict: Verdict,
    /// The gate run; `None` if the tree could not be made.
    pub gate: Option<GateId>,
    /// Fingerprint of the gate's commands and limits.
    pub terms: String,
    /// When the run ended, in Unix milliseconds.
    pub at_ms: i64,
}

/// The user's commits to which the integration ref advanced, with the gate's verdict on them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct External {
    /// The newest of these commits.
    pub commit: ObjectId,
    /// The verdict and its run; `None` while there is no verdict.
    pub judged: Option<(Verdict, Option<GateId>)>,
}

/// State of the push to the user's remote.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Pushing {
    /// Commit that was published and is not pushed yet.
    pub due: Option<ObjectId>,
    /// Why the last attempt failed; `None` if it did not.
    pub wait: Option<PushWait>,
    /// Order to bring in the remote's commits; `None` if there is none, or if it was served.
    pub pull: Option<Pull>,
}

impl Pushing {
    /// Returns why the last pull failed; `None` if it did not.
    #[must_use]
    pub fn pull_failure(&self) -> Option<&PullFailure> {
        match &self.pull.as_ref()?.stage {
            PullStage::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// Returns whether a pull is going on.
    #[must_use]
    pub fn is_pulling(&self) -> bool {
        self.pull.is_some() && self.pull_failure().is_none()
    }
}

/// Why a push failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushCode {
    /// The remote refused the commit.
    Rejected,
    /// The remote did not accept the user's credentials.
    Denied,
    /// The remote did not answer.
    Unreachable,
    /// Another reason, which the text gives.
    Other,
}

/// Why a push waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushWait {
    /// Reason for scripts.
    pub code: PushCode,
    /// What exactly the remote objected to; `None` if it is not known. Older builds recorded none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<RemoteCause>,
    /// Reason for people, one sentence.
    pub text: String,
    /// When the push failed, in Unix milliseconds.
    pub since_ms: i64,
}
