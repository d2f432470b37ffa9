//! Plain facts read from git, processes and files, before the engine judges them.

use serde::{Deserialize, Serialize};

use super::ids::{ObjectId, ObjectiveId};
use super::marks::Mark;
use super::path::RepoPath;
use super::plan::PlanDocument;
use super::refs::StashTaken;
use super::session::Salvage;
use super::summary::SessionSummary;
use super::tamper::Tampered;
use super::usage::Account;
use crate::finding::ElsewhereHead;

/// Relation of one commit to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// They are the same commit.
    Same,
    /// The first is an ancestor of the second.
    Ancestor,
    /// The first descends from the second.
    Descendant,
    /// Neither descends from the other.
    Diverged,
}

/// A new commit on a work branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFacts {
    /// Id of the commit.
    pub commit: ObjectId,
    /// First line of its message.
    pub summary: String,
    /// Number of paths that it changes.
    pub paths: u32,
    /// Whether it has more than one parent.
    pub is_merge: bool,
    /// Whether it changes nothing and is no merge.
    pub is_empty: bool,
}

/// A secret in a commit. It names the kind and the place, never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFact {
    /// Commit that adds the secret.
    pub commit: ObjectId,
    /// File that contains it; `None` = the commit's message, its author's name, or the name of a file.
    pub path: Option<RepoPath>,
    /// Kind of secret, for people.
    pub kind: String,
    /// Line number, from 1.
    pub line: u32,
}

/// A part of a commit that was not searched for secrets to its end: it is too large, or the search would take
/// too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsearchedFact {
    /// Commit that adds or changes the file.
    pub commit: ObjectId,
    /// The file; `None` = the commit's message and names, or the whole commit and those after it.
    pub path: Option<RepoPath>,
}

/// Results of a session, as read from its worktree and its logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HarvestFacts {
    /// Head of the work branch.
    pub head: ObjectId,
    /// Commits since the start of the session, oldest first.
    pub commits: Vec<CommitFacts>,
    /// Paths that the whole branch changes, compared with where it left the integration ref.
    pub net_paths: Vec<RepoPath>,
    /// Those of `net_paths` that are links where git must check out plain files (`.gitmodules`).
    pub bad_links: Vec<RepoPath>,
    /// What the branch names and what could not be brought home from the session's own place.
    pub left_behind: Vec<LeftBehind>,
    /// Those of `net_paths` that only commits of integrator sessions change.
    pub integrator_paths: Vec<RepoPath>,
    /// Secrets in commits of the branch, at most twenty.
    pub secrets: Vec<SecretFact>,
    /// Files in commits of the branch that were not searched for secrets to their end, at most twenty.
    pub unsearched: Vec<UnsearchedFact>,
    /// Changes to existing tests, and to files that the gate runs.
    pub tampered: Vec<Tampered>,
    /// Lines of code that look as if they were written for the gate, at most [`Mark::COUNT_MAX`].
    pub marks: Vec<Mark>,
    /// Changes that are not committed.
    pub uncommitted: Vec<RepoPath>,
    /// What the set-up of the worktree made, as far as it concerns the review.
    pub set_up: SetUpFacts,
    /// Ref that keeps the uncommitted changes.
    pub salvage: Option<Salvage>,
    /// A HEAD that does not descend from the work branch.
    pub head_elsewhere: Option<ElsewhereHead>,
    /// Entries of the user's stash whose content is in the branch.
    pub stash_taken: Vec<StashTaken>,
    /// Summary that the agent wrote at its end.
    pub summary: Option<SessionSummary>,
    /// Further reports of its agent: usage, failure, and the id of the conversation.
    pub account: Account,
}

/// Something that commits name and that exists nowhere on this machine where Paddock may take it from: the
/// content of a file of git LFS, or the commit of a submodule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeftBehind {
    /// Path in the commit that names it.
    pub path: RepoPath,
    /// Why it could not be brought home, and what would help: part of a sentence, for people and agents.
    pub reason: String,
}

/// What the set-up of a worktree (`worktree.setup`) and the copies (`worktree.copy`) left there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetUpFacts {
    /// The first tracked files that the command changed, and the first of what it made where no rule ignores
    /// it. Folders end in `/`.
    pub left: Vec<RepoPath>,
    /// Paths that the branch changes to exactly what the command had made or written there.
    pub committed: Vec<RepoPath>,
    /// Paths that the branch adds where the command had made something else.
    pub changed: Vec<RepoPath>,
    /// Paths that the branch changes and that were copied into the worktree.
    pub copied: Vec<RepoPath>,
}

/// Results of a planner session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFacts {
    /// The plan, or all of its faults, one line each.
    pub plan: Result<PlanDocument, Vec<String>>,
    /// Uncommitted files of its worktree.
    pub salvage: Option<Salvage>,
    /// Further reports of its agent: usage, failure, and the id of the conversation.
    pub account: Account,
}

/// The setting `target_branch` of a project file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetKey {
    /// Name of the branch.
    pub branch: String,
    /// File and line of the setting, for people.
    pub place: String,
    /// Commit of the branch; `None` if the branch does not exist.
    pub at: Option<ObjectId>,
}

/// The user's target branch, compared with the refs that Paddock last recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFacts {
    /// Commit of the branch; `None` if the branch is gone.
    pub target: Option<ObjectId>,
    /// Integration tip of the comparison.
    pub tip: ObjectId,
    /// Published commit of the comparison.
    pub published: ObjectId,
    /// Relation of the branch to the tip.
    pub to_tip: Relation,
    /// Relation of the branch to the published commit.
    pub to_published: Relation,
}

/// Fingerprints of the configuration that can run programs, which a person trusts: names and hashes, never
/// values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustRecord {
    /// One entry per key, hook or attribute: its name, and the hash of its content.
    pub entries: Vec<(String, String)>,
}

impl TrustRecord {
    /// Returns the names whose content differs between the two records, for people.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let missing = |from: &Self, other: &Self| -> Vec<String> {
            from.entries.iter().filter(|e| !other.entries.contains(e)).map(|(name, _)| name.clone()).collect()
        };
        let mut names = missing(self, now);
        names.extend(missing(now, self));
        names.sort();
        names.dedup();
        names
    }
}

/// The configuration that can run programs, compared with what a person trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustFound {
    /// What it was compared with.
    pub before: TrustRecord,
    /// What the project's work needs and nobody trusts, in words for people. Nothing may be written while
    /// there is any.
    pub needed: Vec<String>,
    /// Names of the entries that are switched off, sorted.
    pub off: Vec<String>,
}

/// An agreement of a person that a landing extends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// What was trusted before the landing.
    pub before: TrustRecord,
    /// What is trusted from the landing on.
    pub trust: TrustRecord,
    /// Commit of the landing.
    pub landing: ObjectId,
}

/// A repository, as `project add` found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryFacts {
    /// Absolute path of its folder.
    pub root: String,
    /// Absolute path of its common git directory.
    pub common_dir: String,
    /// Whether it has no worktree of its own (a bare repository).
    pub bare: bool,
    /// Commit of the target branch.
    pub target: ObjectId,
    /// Configuration that the person trusted by adding the project.
    pub trust: TrustRecord,
}

/// Two branches that will not merge, or a branch that will not merge with the integration tip. The radar
/// finds them by trial merges in memory, before they reach the queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Collision {
    /// Objective of the branch.
    pub objective: ObjectiveId,
    /// Objective of the other branch; `None` = the integration tip.
    pub with: Option<ObjectiveId>,
    /// Files in conflict, at most five.
    pub paths: Vec<RepoPath>,
}
