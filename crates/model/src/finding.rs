//! What a review finds: the faults that speak against landing a branch.

use serde::{Deserialize, Serialize};

use super::ids::ObjectId;
use super::path::RepoPath;

/// Paths named in one finding; the rest is counted.
const PATHS_SHOWN_MAX: usize = 20;

/// What kind of fault a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingCode {
    /// Files outside the objective's scope changed.
    OutOfScope,
    /// Protected files changed.
    Protected,
    /// A secret was committed, and history lands too.
    Secret,
    /// Commits that change nothing, and nothing else was done.
    Empty,
    /// Changes were left uncommitted.
    Uncommitted,
    /// A file was committed that Paddock copied into the worktree.
    CopiedFile,
    /// Commits lie on a branch that does not descend from the work branch.
    HeadElsewhere,
    /// Names that stand for the git directory on some file system.
    Reserved,
    /// Tests that were there were deleted, skipped or weakened, or what the gate runs was changed.
    Tampered,
}

impl FindingCode {
    /// Whether a person's approval lets it pass: secrets are never let pass, and copied files may hold some.
    #[must_use]
    pub fn may_be_approved(self) -> bool {
        match self {
            Self::OutOfScope | Self::Protected | Self::Empty | Self::Uncommitted => true,
            Self::HeadElsewhere | Self::Tampered => true,
            Self::CopiedFile | Self::Secret | Self::Reserved => false,
        }
    }
}

/// One fault that review found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its kind.
    pub code: FindingCode,
    /// One sentence for people and for the next session.
    pub text: String,
    /// The paths concerned, at most twenty.
    pub paths: Vec<RepoPath>,
    /// How many more there are.
    pub more_paths: u32,
}

impl Finding {
    /// A finding that names at most twenty of the paths and counts the rest.
    #[must_use]
    pub fn new(code: FindingCode, text: impl Into<String>, mut paths: Vec<RepoPath>) -> Self {
        let more = paths.len().saturating_sub(PATHS_SHOWN_MAX);
        paths.truncate(PATHS_SHOWN_MAX);
        Self { code, text: text.into(), paths, more_paths: u32::try_from(more).unwrap_or(u32::MAX) }
    }
}

/// A head that lies beside the work branch, and the ref that keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElsewhereHead {
    /// The commit.
    pub commit: ObjectId,
    /// The ref under `refs/paddock/kept/`.
    pub kept_as: String,
}
