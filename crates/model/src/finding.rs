//! Findings: faults, found by a review, that prevent a branch from landing.

use serde::{Deserialize, Serialize};

use super::ids::ObjectId;
use super::path::RepoPath;

/// Largest number of paths in a finding; further ones are counted.
const PATHS_SHOWN_MAX: usize = 20;

/// Kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingCode {
    /// The branch changes files outside of the objective's scope.
    OutOfScope,
    /// The branch changes protected files.
    Protected,
    /// A commit contains a secret. Removing it later does not help, since the history lands too.
    Secret,
    /// The commits change nothing, and nothing else was done.
    Empty,
    /// Changes were left uncommitted.
    Uncommitted,
    /// A commit contains a file that Paddock copied into the worktree.
    CopiedFile,
    /// The branch contains what the set-up of the worktree made.
    SetUp,
    /// The agent left commits on a branch that does not descend from the work branch.
    HeadElsewhere,
    /// A path would be taken for the git directory by some file system.
    Reserved,
    /// Existing tests were deleted, skipped or weakened, or what the gate runs was changed.
    Tampered,
    /// The gate ended with 0, but tests of the base did not run or did not pass.
    FewerTests,
    /// A file was not searched for secrets to its end.
    Unsearched,
    /// The branch holds what the user had put into the stash.
    StashTaken,
    /// The branch names content of git LFS, or a commit of a submodule, that could not be brought home.
    LeftBehind,
}

impl FindingCode {
    /// Returns whether a person's approval overrides the finding. Secrets are never overridden, nor copied
    /// files, which may contain some, nor names that could harm the repository.
    #[must_use]
    pub fn may_be_approved(self) -> bool {
        match self {
            Self::OutOfScope | Self::Protected | Self::Empty | Self::Uncommitted => true,
            Self::HeadElsewhere | Self::Tampered | Self::FewerTests => true,
            Self::Unsearched | Self::StashTaken | Self::SetUp | Self::LeftBehind => true,
            Self::CopiedFile | Self::Secret | Self::Reserved => false,
        }
    }
}

/// A fault that a review found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Kind of the fault.
    pub code: FindingCode,
    /// Description for people and for the next session, one sentence.
    pub text: String,
    /// Paths concerned, at most twenty.
    pub paths: Vec<RepoPath>,
    /// Number of further paths.
    pub more_paths: u32,
}

impl Finding {
    /// Returns a finding with at most twenty of the paths and the number of the rest.
    #[must_use]
    pub fn new(code: FindingCode, text: impl Into<String>, mut paths: Vec<RepoPath>) -> Self {
        let more = paths.len().saturating_sub(PATHS_SHOWN_MAX);
        paths.truncate(PATHS_SHOWN_MAX);
        Self { code, text: text.into(), paths, more_paths: u32::try_from(more).unwrap_or(u32::MAX) }
    }

    /// Returns whether the text itself names the first paths and counts the others, so that a line of text
    /// shows no path twice. Texts of earlier builds name none.
    #[must_use]
    pub fn names_its_paths(&self) -> bool {
        self.paths.first().is_some_and(|path| self.text.contains(&format!("`{path}`")))
    }
}

/// A head outside of the work branch, and the ref that keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElsewhereHead {
    /// Id of the commit.
    pub commit: ObjectId,
    /// Name of the ref, under `refs/paddock/kept/`.
    pub kept_as: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_knows_whether_its_text_names_the_paths() {
        let paths = || vec![RepoPath::new("src/cart.rs"), RepoPath::new("docs/账单.md")];
        let named = Finding::new(FindingCode::OutOfScope, "changed `src/cart.rs` and 1 more", paths());
        let bare = Finding::new(FindingCode::OutOfScope, "files outside the scope changed", paths());
        assert!(named.names_its_paths() && !bare.names_its_paths());
        assert!(!Finding::new(FindingCode::Empty, "no commit", Vec::new()).names_its_paths());
    }
}
