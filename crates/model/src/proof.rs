//! The proof of a landing, which is written as a git note on its first-parent commit.

mod compose;

use serde::{Deserialize, Serialize};

use super::evidence::{ChangedTest, Gone, Tests};
use super::gate::VerdictCode;
use super::ids::{AgentId, GateId, ObjectId, ProjectSlug, WorkerId};
use super::marks::MarkKind;
use super::operate::Approval;
use super::side_runs::Guard;
use super::train::Subject;

pub use compose::compose_proof;

/// Version of the format.
pub(crate) const VERSION: u32 = 1;

/// A landing whose proof is not written yet. It keeps what the proof needs, since the queue's entry is gone
/// by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unproven {
    /// First-parent commit on the integration ref.
    pub commit: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Integration tip on which it landed.
    pub base: ObjectId,
    /// Head of the first member.
    pub head: ObjectId,
    /// Subject of the first member.
    pub subject: Subject,
    /// Guard of the first member's tests; `None` if it changed none.
    #[serde(default)]
    pub guard: Option<Guard>,
    /// Further members of the batch, in order.
    #[serde(default)]
    pub others: Vec<Member>,
    /// The gate run that passed on the tree; `None` if the project has no gate.
    pub gate: Option<GateId>,
    /// When it landed, in Unix milliseconds.
    pub at_ms: i64,
}

/// A further member of a landing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// What landed.
    pub subject: Subject,
    /// Head of the branch.
    pub head: ObjectId,
    /// Guard of its tests; `None` if it changed none.
    #[serde(default)]
    pub guard: Option<Guard>,
}

impl Unproven {
    /// Returns the guards of all members, as the proof states them.
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

    /// Returns the runs of the guards that passed; `None` if one of the guards was given up, or if there is
    /// none.
    fn guard_runs(&self) -> Option<Vec<GateId>> {
        let others = self.others.iter().map(|member| &member.guard);
        let guards: Vec<&Guard> = [&self.guard].into_iter().chain(others).flatten().collect();
        let runs: Option<Vec<GateId>> = guards.iter().map(|guard| guard.passed).collect();
        runs.filter(|runs| !runs.is_empty())
    }

    /// Returns the subjects and heads of all members, in order.
    fn heads(&self) -> impl Iterator<Item = (&Subject, &ObjectId)> {
        let others = self.others.iter().map(|member| (&member.subject, &member.head));
        [(&self.subject, &self.head)].into_iter().chain(others)
    }

    /// Returns the subjects of all members, in order.
    pub(crate) fn subjects(&self) -> impl Iterator<Item = &Subject> {
        [&self.subject].into_iter().chain(self.others.iter().map(|member| &member.subject))
    }
}

/// The proof of a landing, as its note contains it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// Version of the format, [`VERSION`].
    pub version: u32,
    /// The project.
    pub project: ProjectSlug,
    /// Objectives that landed; empty if only the user's own commits were merged with landed work.
    pub objectives: Vec<ProvenObjective>,
    /// Sessions that did the work.
    pub sessions: Vec<ProvenSession>,
    /// Integration tip on which it landed: the first parent.
    pub base: ObjectId,
    /// Heads that were merged, in order. A single head is the second parent; several are merged one after the
    /// other on the second parent's side.
    pub heads: Vec<ObjectId>,
    /// Tree that landed, and that the gate passed.
    pub tree: ObjectId,
    /// Whether a gate passed on exactly this tree.
    pub verified: bool,
    /// The gate run; `None` if the project has no gate.
    pub gate: Option<ProvenGate>,
    /// The canary run, if it shows that this gate checks nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate_checks_nothing: Option<u64>,
    /// Changed tests that the objectives' scopes do not name, with the gate's verdict on them as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guarded: Vec<ProvenGuard>,
    /// Test files that the landing changes or removes, with the beginning of their diffs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests_changed: Vec<ChangedTest>,
    /// Number of further such files.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_tests_changed: u64,
    /// Lines of the code that look as if they were written for the gate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<ProvenMark>,
    /// Approvals of people, with their words.
    pub approvals: Vec<Approval>,
    /// Agents that took part.
    pub agents: Vec<AgentId>,
    /// Always unknown; kept for the format.
    pub usage: Option<()>,
    /// When it landed, in Unix milliseconds.
    pub landed_at_ms: i64,
}

/// An objective in a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenObjective {
    /// Id of the objective.
    pub id: String,
    /// Title of the objective.
    pub title: String,
}

/// Tests that an objective changed although its scope does not name them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenGuard {
    /// Id of the objective.
    pub objective: String,
    /// The changed files.
    pub files: Vec<String>,
    /// The gate run that was green with these files as they were; `None` if the runs were given up.
    pub run: Option<u64>,
    /// Why the runs were given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<String>,
}

/// A marked line of the code that landed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenMark {
    /// Id of the objective.
    pub objective: String,
    /// Path of the file.
    pub path: String,
    /// Number of the line, from 1.
    pub line: u32,
    /// What the line does.
    pub kind: MarkKind,
    /// The line.
    pub text: String,
}

/// A session in a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenSession {
    /// Number of the session.
    pub id: u64,
    /// Kind of the session.
    pub kind: String,
    /// Agent of the session.
    pub agent: AgentId,
    /// Worker of the session.
    pub worker: WorkerId,
    /// Outcome of the session.
    pub end: String,
    /// Number of commits that it made.
    pub commits: u32,
}

/// A gate run in a proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProvenGate {
    /// Number of the run; its output is in `runtime/gates/<n>`.
    pub run: u64,
    /// Whether it ran in a new folder without caches, as in a fresh clone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_nothing: bool,
    /// Verdict of the run with its evidence; `None` in proofs of earlier builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictCode>,
    /// Results of its commands, in order.
    pub commands: Vec<ProvenCommand>,
}

/// A gate command in a proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProvenCommand {
    /// Name of the command in the project file.
    pub name: String,
    /// Verdict of the command on the tree, with its evidence. In proofs of earlier builds `green` says no more
    /// than the exit status.
    pub verdict: VerdictCode,
    /// Exit status; `None` if the command did not exit by itself.
    pub exit_status: Option<i32>,
    /// Duration in seconds, without the time that the machine slept.
    pub seconds: f64,
    /// SHA-256 of the command's output: standard output, then standard error. `None` if it could not be read.
    /// Proofs of the first version of Paddock contain the hash of the whole run's output instead.
    pub log_sha256: Option<String>,
    /// The tests that it reported; `None` if none were asked for, and in proofs of earlier builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<Tests>,
    /// The tests that it reported on the base; `None` if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_tests: Option<Tests>,
    /// Number of tests that the base does not have.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub added: u64,
    /// The first of their names, at most [`Gone::NAMED_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added_names: Vec<String>,
    /// Tests that passed on the base and do not pass any more, by file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Gone>,
    /// Number of tests by which fewer passed, where the names do not tell which.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fewer: u64,
    /// Whether the command also passed with the tests as they are on the base.
    #[serde(default)]
    pub isolated: bool,
    /// Where the command ran.
    #[serde(default)]
    pub place: Place,
}

/// What confined a gate command while it ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Nothing: it could read and write whatever its user may.
    #[default]
    Unconfined,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
