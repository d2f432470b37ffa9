//! The proof of a landing: what a git note on its first-parent commit says (SPEC 3.5).

mod compose;

use serde::{Deserialize, Serialize};

use super::gate::Verdict;
use super::ids::{AgentId, GateId, ObjectId, ProjectSlug, WorkerId};
use super::operate::Approval;
use super::side_runs::Guard;
use super::train::Subject;

pub use compose::of_landing;

/// The version of a proof's shape.
pub(crate) const VERSION: u32 = 1;

/// A landing whose proof is not written yet: all that the proof needs of the queue's entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unproven {
    /// The first-parent commit on the integration ref.
    pub commit: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// What it was landed onto.
    pub base: ObjectId,
    /// The head that it merged.
    pub head: ObjectId,
    /// Whose it is.
    pub subject: Subject,
    /// Tests of the first member that had to hold as they were before it.
    #[serde(default)]
    pub guard: Option<Guard>,
    /// The other members of its batch, in order.
    #[serde(default)]
    pub others: Vec<Member>,
    /// The gate run that passed on its tree; none when the project has no gate.
    pub gate: Option<GateId>,
    /// When it landed, in Unix milliseconds.
    pub at_ms: i64,
}

/// A member of a landing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Whose it is.
    pub subject: Subject,
    /// The head that was merged.
    pub head: ObjectId,
    /// Tests that had to hold as they were before it.
    #[serde(default)]
    pub guard: Option<Guard>,
}

impl Unproven {
    /// What became of tests that members changed.
    fn guards(&self) -> impl Iterator<Item = ProvenGuard> {
        let first = (&self.subject, self.guard.as_ref());
        let others = self.others.iter().map(|member| (&member.subject, member.guard.as_ref()));
        [first].into_iter().chain(others).filter_map(|(subject, guard)| match (subject, guard) {
            (Subject::Objective(id), Some(guard)) => Some(ProvenGuard {
                objective: id.to_string(),
                files: guard.paths.iter().map(ToString::to_string).collect(),
                run: guard.passed.map(|gate| gate.0),
                given_up: guard.given_up.clone(),
            }),
            _ => None,
        })
    }

    /// All that landed, in order.
    pub(crate) fn subjects(&self) -> impl Iterator<Item = &Subject> {
        [&self.subject].into_iter().chain(self.others.iter().map(|member| &member.subject))
    }
}

/// The proof, as its note holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// [`VERSION`].
    pub version: u32,
    /// The project.
    pub project: ProjectSlug,
    /// What landed; none: the user's own commits merged with landed work.
    pub objectives: Vec<ProvenObjective>,
    /// The sessions that did it.
    pub sessions: Vec<ProvenSession>,
    /// What it was landed onto: the first parent.
    pub base: ObjectId,
    /// The heads that it merged, in order. Of one, it is the second parent; of several, they are merged one
    /// after the other on the second parent's side.
    pub heads: Vec<ObjectId>,
    /// The tree that passed and landed.
    pub tree: ObjectId,
    /// Whether a gate passed on exactly this tree.
    pub verified: bool,
    /// The gate run.
    pub gate: Option<ProvenGate>,
    /// The gate run that was green on an emptied tree, if this gate was: then it checks nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate_checks_nothing: Option<u64>,
    /// Tests that members changed without their scope naming them: what the gate said with these as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guarded: Vec<ProvenGuard>,
    /// What people approved, with their words.
    pub approvals: Vec<Approval>,
    /// The agents that took part.
    pub agents: Vec<AgentId>,
    /// Tokens and dollars; unknown.
    pub usage: Option<()>,
    /// When it landed, in Unix milliseconds.
    pub landed_at_ms: i64,
}

/// An objective in a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenObjective {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
}

/// Tests that an objective changed without its scope naming them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenGuard {
    /// Its id.
    pub objective: String,
    /// The files.
    pub files: Vec<String>,
    /// The gate run that was green on its merge with these files as they were; none: it was not tried to its end.
    pub run: Option<u64>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<String>,
}

/// A session in a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenSession {
    /// Its number.
    pub id: u64,
    /// Its kind.
    pub kind: String,
    /// Its agent.
    pub agent: AgentId,
    /// Its worker.
    pub worker: WorkerId,
    /// How it ended.
    pub end: String,
    /// Commits that it made.
    pub commits: u32,
}

/// A gate run in a proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProvenGate {
    /// Its number; its output is in `runtime/gates/<n>`.
    pub run: u64,
    /// Its commands, in order.
    pub commands: Vec<ProvenCommand>,
}

/// A gate command in a proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProvenCommand {
    /// Its name in the project file.
    pub name: String,
    /// What it says of the tree.
    pub verdict: Verdict,
    /// Its exit status; none when it did not exit by itself.
    pub exit_status: Option<i32>,
    /// Seconds that it took while the machine was awake.
    pub seconds: f64,
    /// SHA-256 of its output: standard output, then standard error. None when it could not be read. Proofs of
    /// the first version of Paddock have that of the whole run here.
    pub log_sha256: Option<String>,
}
