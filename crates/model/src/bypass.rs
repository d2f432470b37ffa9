//! Commits on the user's branch that an objective had first and that never passed the queue: an agent may have moved
//! the branch itself, or the user merged its work by hand. Nothing tells the two apart, so a person does.

use serde::{Deserialize, Serialize};

use super::ids::{ObjectId, ObjectiveId};
use super::project::Project;
use super::reason::{Reason, ReasonCode};

/// Commits, and weakened tests, that are named.
pub const NAMED_MAX: usize = 5;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bypass {
    /// Whose it was first.
    pub objective: ObjectiveId,
    /// The commit.
    pub commit: ObjectId,
    /// The first line of its message.
    pub summary: String,
}

/// All that were found on the target branch at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BypassFacts {
    /// Where the branch was.
    pub target: ObjectId,
    /// The newest of them, at most [`NAMED_MAX`].
    pub commits: Vec<Bypass>,
    /// How many there are besides.
    pub more: u64,
    /// What the branch does, since Paddock's tip, to tests and to what the gate runs, one sentence each: a branch in
    /// the queue would have been sent back for it.
    pub tests: Vec<String>,
}

/// What is remembered of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bypassed {
    /// What was found last.
    pub found: BypassFacts,
    /// Since when, in Unix milliseconds.
    pub since_ms: i64,
    /// A person said that they are meant.
    pub accepted: bool,
}

impl Bypassed {
    /// Whether these are known already.
    #[must_use]
    pub fn knows(&self, found: &BypassFacts) -> bool {
        found.commits.iter().all(|new| self.found.commits.iter().any(|known| known.commit == new.commit))
    }
}

/// What a person should know, and can do; none when there is nothing, or it was accepted. It holds nothing up: what
/// lands on top of these commits passes the gate with them in it.
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
        true => "no gate judges them",
        false => "the gate judges them like your own",
    };
    let tests = match found.tests.is_empty() {
        true => String::new(),
        false => format!("; they change what judges: {}", found.tests.join(", ")),
    };
    let text = format!(
        "{branch} holds work of {} that did not pass the merge queue ({}{more}): an agent moved the branch itself, or \
         you merged it by hand. Nobody reviewed it; {gate}{tests}",
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
