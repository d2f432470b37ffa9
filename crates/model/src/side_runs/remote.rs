//! The user's remote: why it refused, how far the target branch is behind it, and an order to bring in what it
//! holds.

use serde::{Deserialize, Serialize};

use crate::ids::ObjectId;
use crate::path::RepoPath;

/// Why a remote did not accept a push, or could not be fetched from. What a person can do depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteCause {
    /// Its branch holds commits that the pushed one lacks.
    Ahead,
    /// Its rules or hooks declined the push: a protected branch, a check of its own.
    Declined,
    /// Its branch is checked out there.
    CheckedOut,
    /// It did not accept who the user is: no credentials, or wrong ones.
    Authentication,
    /// It knows the user, who has no right to do this.
    Forbidden,
    /// Its ssh host key is unknown or has changed.
    HostKey,
    /// Its TLS certificate is not accepted.
    Certificate,
    /// Nothing knows a host of its name.
    UnknownHost,
    /// There is no repository at its address.
    NoRepository,
    /// The repository has no remote of this name.
    NoRemote,
    /// It has no branch of this name.
    NoBranch,
    /// It did not answer in time.
    Timeout,
    /// Its host cannot be reached, or broke the connection.
    Network,
    /// Git configuration that nobody agreed to leads to it.
    Untrusted,
}

/// A person's order to bring in the commits of the remote's branch (`queue pull`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// Number of this fetch since the order: another one follows when somebody pushed in between.
    pub round: u32,
    /// How far it has come.
    pub stage: PullStage,
    /// When the order was given, in Unix milliseconds.
    pub since_ms: i64,
}

/// How far a pull has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullStage {
    /// The remote's branch is being fetched.
    Fetching,
    /// The target branch is being fast-forwarded to this commit, which holds everything that has landed.
    Forwarding(ObjectId),
    /// The merge of this commit is in the queue.
    Merging(ObjectId),
    /// Landed work contains the remote's commits.
    Merged,
    /// A person has to do something.
    Failed(PullFailure),
}

/// Why the remote's commits could not be brought in. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullFailure {
    /// Reason for scripts.
    pub fault: PullFault,
    /// Reason for people, one sentence.
    pub text: String,
    /// Files in conflict or in the way, at most twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<RepoPath>,
    /// When it failed, in Unix milliseconds.
    pub at_ms: i64,
}

/// What stopped a pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullFault {
    /// The fetch failed for this cause; `None` if it is not known.
    Fetch(Option<RemoteCause>),
    /// The remote's commits conflict with landed work.
    Conflict,
    /// The gate is red on their merge.
    Red,
    /// The user's checkout of the target branch cannot move forward now.
    Checkout,
    /// Somebody pushed again after each of several merges.
    Outrun,
    /// The merge could not be made for another reason.
    Other,
}

/// What a fetch found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    /// Remote and branch, as people write it: `origin/main`.
    pub name: String,
    /// Commit of the remote's branch.
    pub head: ObjectId,
}

/// The branch that the target branch follows, as it was last fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// Remote and branch, as people write it: `origin/main`.
    pub name: String,
    /// Number of its commits that the target branch lacks.
    pub behind: u64,
}

impl Upstream {
    /// Says how far the branch is behind, and what to do: a sentence for people.
    #[must_use]
    pub fn sentence(&self, branch: &str) -> String {
        let commits =
            if self.behind == 1 { "1 commit".to_owned() } else { format!("{} commits", self.behind) };
        format!(
            "{branch} is {commits} behind {} as last fetched: `paddock queue pull` or `git pull` brings them in",
            self.name
        )
    }
}
