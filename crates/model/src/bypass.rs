//! Work of objectives that reached the target branch without passing the queue.
//!
//! An agent may have moved the branch itself, or the user may have merged the work by hand. Git cannot tell
//! these apart, so a person decides.

use serde::{Deserialize, Serialize};

use super::ids::{ObjectId, ObjectiveId};
use super::project::Project;
use super::reason::{Reason, ReasonCode};

/// Largest number of commits, and of weakened tests, that are listed.
pub const NAMED_MAX: usize = 5;

/// A commit that did not pass the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bypass {
    /// Objective on whose branch the commit was first.
    pub objective: ObjectiveId,
    /// Id of the commit.
    pub commit: ObjectId,
    /// First line of its message.
    pub summary: String,
}

/// All such commits that were found on the target branch at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BypassFacts {
    /// Commit of the target branch.
    pub target: ObjectId,
    /// The newest of the commits, at most [`NAMED_MAX`].
    pub commits: Vec<Bypass>,
    /// Number of further commits.
    pub more: u64,
    /// Changes since Paddock's tip to tests and to files that the gate runs, one sentence each. The queue
    /// would have sent a branch back for them.
    pub tests: Vec<String>,
}

/// The recorded state of such a find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bypassed {
    /// What was found last.
    pub found: BypassFacts,
    /// When it was found, in Unix milliseconds.
    pub since_ms: i64,
    /// Whether a person accepted it.
    pub accepted: bool,
}

impl Bypassed {
    /// Returns whether all of these commits are known already.
    #[must_use]
    pub fn knows(&self, found: &BypassFacts) -> bool {
        found.commits.iter().all(|new| self.found.commits.iter().any(|known| known.commit == new.commit))
    }
}

/// Returns the notice for people; `None` if nothing was found, or a person accepted it.
///
/// The notice holds nothing up, since whatever lands on top of these commits passes the gate together with
/// them.
#[must_use]
pub fn reason(project: &Project) -> Option<Reason> {
    let known = project.bypassed.as_ref().filter(|known| !known.accepted)?;
    let (slug, branch) = (&project.slug, &project.settings.target_branch);
    let found = &known.found;
    let mut ids: Vec<&str> = found.commits.iter().map(|one| one.objective.as_str()).collect();
    ids.dedup();
    let named: Vec<String> =
        found.commits.iter().map(|one| format!("{} {}", one.commit.short(), one.summary)).collect();
    let more = if found.more > 0 { format!(", and {} more", found.more) } else { String::new() };
    let gate = match project.settings.verify.is_empty() {
        true => ", and there is no gate to judge it",
        false => "; the gate judges it like your own commits",
    };
    let tests = match found.tests.is_empty() {
        true => String::new(),
        false => format!(". It changes tests or what the gate runs: {}", found.tests.join(", ")),
    };
    let text = format!(
        "{branch} holds work of {} that did not pass the merge queue ({}{more}): an agent moved the branch itself, or \
         you merged the work by hand. Nobody reviewed it{gate}{tests}",
        ids.join(", "),
        named.join(", "),
    );
    let first = found.commits.first().map_or("COMMIT", |one| one.commit.short());
    let clears = format!(
        "if it is meant: `paddock --project {slug} queue adopt`. If not: `git revert {first}` on {branch} takes it back \
         (or `git reset` and then `queue adopt`), and look at what the agent did: `paddock session list`"
    );
    Some(Reason::new(ReasonCode::QueueBypassed, known.since_ms, text, clears))
}
