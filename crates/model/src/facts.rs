//! What the world reports: plain facts read from git, processes and files, before anyone judges them.

use serde::{Deserialize, Serialize};

use super::ids::{ObjectId, ObjectiveId};
use super::path::RepoPath;
use super::plan::PlanDocument;
use super::session::Salvage;
use super::summary::SessionSummary;
use super::tamper::Tampered;
use super::usage::Account;
use crate::finding::ElsewhereHead;

/// How one commit lies to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// They are the same.
    Same,
    /// The first is an ancestor of the second.
    Ancestor,
    /// The first descends from the second.
    Descendant,
    /// Neither.
    Diverged,
}

/// One new commit on a work branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFacts {
    /// The commit.
    pub commit: ObjectId,
    /// The first line of its message.
    pub summary: String,
    /// How many paths it changes.
    pub paths: u32,
    /// Whether it has more than one parent.
    pub is_merge: bool,
    /// Whether it changes nothing and is no merge.
    pub is_empty: bool,
}

/// A secret in a commit: what and where, never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFact {
    /// The commit that adds it.
    pub commit: ObjectId,
    /// The file; none: the commit's message.
    pub path: Option<RepoPath>,
    /// What it is, for people.
    pub kind: String,
    /// The line, from 1.
    pub line: u32,
}

/// What a session left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HarvestFacts {
    /// The head of the work branch.
    pub head: ObjectId,
    /// Commits since the session's start, oldest first.
    pub commits: Vec<CommitFacts>,
    /// What the whole branch changes against where it left the integration ref.
    pub net_paths: Vec<RepoPath>,
    /// Of those, links where git checks out nothing but files (`.gitmodules`).
    pub bad_links: Vec<RepoPath>,
    /// Of those, what only commits of an integrator's sessions change.
    pub integrator_paths: Vec<RepoPath>,
    /// Secrets in any commit of the branch, at most twenty.
    pub secrets: Vec<SecretFact>,
    /// What the branch did to tests that were there, and to what the gate runs.
    pub tampered: Vec<Tampered>,
    /// Changes that were not committed.
    pub uncommitted: Vec<RepoPath>,
    /// The ref that keeps them.
    pub salvage: Option<Salvage>,
    /// A HEAD that does not descend from the work branch.
    pub head_elsewhere: Option<ElsewhereHead>,
    /// The summary the agent ended with.
    pub summary: Option<SessionSummary>,
    /// What its transcript told besides: usage, why it failed, its name for the conversation.
    pub account: Account,
}

/// What a planner run left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFacts {
    /// The plan, or every fault of it, one line each.
    pub plan: Result<PlanDocument, Vec<String>>,
    /// What it left lying in its worktree.
    pub salvage: Option<Salvage>,
    /// What its transcript told besides: usage, why it failed, its name for the conversation.
    pub account: Account,
}

/// `target_branch` as a project file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetKey {
    /// The branch.
    pub branch: String,
    /// File and line, for people.
    pub place: String,
    /// The commit of the branch; none when there is no such branch.
    pub at: Option<ObjectId>,
}

/// The user's target branch as it was seen, against what Paddock last recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFacts {
    /// The commit it points at; none when the branch is gone.
    pub target: Option<ObjectId>,
    /// The integration tip that the comparison was made with.
    pub tip: ObjectId,
    /// The published commit that the comparison was made with.
    pub published: ObjectId,
    /// The target against the tip.
    pub to_tip: Relation,
    /// The target against the published commit.
    pub to_published: Relation,
}

/// A configuration that can run programs, as recorded at `project add`: names and hashes, never values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustRecord {
    /// One line per key, hook or attribute: its name and the hash of its content.
    pub entries: Vec<(String, String)>,
}

impl TrustRecord {
    /// The names whose content differs, for people.
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

/// What a person agreed to, as a landing carries it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// What was agreed to.
    pub before: TrustRecord,
    /// What is agreed to from here on.
    pub trust: TrustRecord,
    /// The landing.
    pub landing: ObjectId,
}

/// A repository, as `project add` found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryFacts {
    /// Its folder, absolute.
    pub root: String,
    /// Its common git directory, absolute.
    pub common_dir: String,
    /// Whether it has no worktree of its own.
    pub bare: bool,
    /// Where the target branch stood.
    pub target: ObjectId,
    /// The configuration that a person agreed to by adding it.
    pub trust: TrustRecord,
}

/// Two branches that will not merge, or one that will not merge with what has landed; found by merging them in
/// memory before their turn.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Collision {
    /// Whose branch it is.
    pub objective: ObjectiveId,
    /// Whose branch it collides with; none: with the integration tip.
    pub with: Option<ObjectiveId>,
    /// Files in conflict, at most five.
    pub paths: Vec<RepoPath>,
}
