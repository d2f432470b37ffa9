//! What people do to an objective: their orders, and what these leave on it.

use serde::{Deserialize, Serialize};

use super::ids::{ObjectId, ObjectiveId, Person, SessionId, WorkerId};
use super::objective::{ObjectiveSpec, Status};
use super::path::RepoPath;
use super::reason::Reason;
use crate::finding::Finding;

/// What a person asks of one objective.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields say what the variant's line says of them")]
pub enum Order {
    /// Another session, with recovery starting afresh.
    Retry { note: Option<String> },
    /// It may go to the merge queue whatever the review said. The head is that of the branch as the person
    /// sees it: what was committed after it is judged anew.
    Approve { note: Option<String>, head: Option<ObjectId> },
    /// Back to work with this note, or given up for good.
    Reject { note: String, is_final: bool },
    /// Dependents go on without it.
    Skip,
    /// Set it aside.
    Pause,
    /// Go on from where it stood.
    Resume,
    /// Call it off.
    Cancel,
    /// A person has to decide.
    Escalate { note: Option<String> },
    /// Let it change these paths, too.
    Expand { globs: Vec<String> },
    /// Higher goes first.
    Prioritize { priority: i32 },
    /// Change what is asked for.
    Edit { edit: Box<SpecEdit> },
    /// Forget it.
    Delete,
    /// Take it out of the merge queue; a person decides what becomes of it.
    Drop { note: Option<String> },
    /// Into the merge queue anew, behind those that are there: what the gate said against it is forgotten.
    Requeue,
}

/// Changes to what is asked for; none = as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of an objective's specification")]
pub struct SpecEdit {
    pub title: Option<String>,
    pub description: Option<String>,
    pub acceptance_criteria: Option<Vec<String>>,
    pub path_scope: Option<Vec<String>>,
    pub depends_on: Option<Vec<ObjectiveId>>,
    pub context_refs: Option<Vec<String>>,
    pub worker: Option<WorkerId>,
    pub priority: Option<i32>,
    pub max_commits: Option<u32>,
    pub max_minutes: Option<u32>,
    /// An empty text takes it out of its phase.
    pub phase: Option<String>,
}

impl SpecEdit {
    /// What is asked for with the changes made.
    #[must_use]
    pub fn applied(&self, spec: &ObjectiveSpec) -> ObjectiveSpec {
        let edit = self.clone();
        let phase = match edit.phase {
            Some(phase) if phase.is_empty() => None,
            Some(phase) => Some(phase),
            None => spec.phase.clone(),
        };
        ObjectiveSpec {
            title: edit.title.unwrap_or_else(|| spec.title.clone()),
            description: edit.description.unwrap_or_else(|| spec.description.clone()),
            acceptance_criteria: edit.acceptance_criteria.unwrap_or_else(|| spec.acceptance_criteria.clone()),
            path_scope: edit.path_scope.unwrap_or_else(|| spec.path_scope.clone()),
            depends_on: edit.depends_on.unwrap_or_else(|| spec.depends_on.clone()),
            context_refs: edit.context_refs.unwrap_or_else(|| spec.context_refs.clone()),
            worker: edit.worker.unwrap_or_else(|| spec.worker.clone()),
            priority: edit.priority.unwrap_or(spec.priority),
            max_commits: edit.max_commits.or(spec.max_commits),
            max_minutes: edit.max_minutes.or(spec.max_minutes),
            phase,
        }
    }
}

/// Who widened a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A person.
    Human,
    /// Recovery (SPEC 3.3, level 2).
    Automatic,
}

/// What a person wrote for the next session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HumanNote {
    /// The text.
    pub text: String,
    /// The session that was told; the note is done with when that one has run.
    #[serde(rename = "told")]
    pub given_to: Option<SessionId>,
}

/// A person's approval, for the proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: Person,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Why, in their words.
    pub note: Option<String>,
    /// The branch head that they saw.
    pub head: ObjectId,
    /// What the review had found and they let pass.
    pub overrides: Vec<Finding>,
    /// The ref that keeps work which was not committed, and so does not land.
    pub salvage: Option<String>,
}

/// Where an objective stood before it was paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeforePause {
    /// The state.
    pub status: Status,
    /// Why it stood there.
    pub reason: Option<Reason>,
}

/// What people's orders left on an objective.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Operated {
    /// For the next session.
    pub note: Option<HumanNote>,
    /// It is to be paused when its session ends.
    pub pause_asked: bool,
    /// Where it stood before it was paused.
    #[serde(rename = "aside")]
    pub before_pause: Option<BeforePause>,
    /// Its last session was harvested, and what follows from it was not decided.
    pub unfollowed: bool,
    /// What its last session left could not be judged.
    pub unjudged: bool,
    /// Sessions it had when a person sent it back to work: `recovery.max_sessions` counts from there.
    pub sessions_before: u32,
    /// Its scope was given up, or changed, since its last session started: it is compared again before the
    /// next one.
    pub scope_released: bool,
    /// Of its scope, what recovery added by itself: that names no test.
    pub grown_scope: Vec<String>,
    /// Tests that its branch changed at this head, and that its scope does not name: its merge is tried with these as
    /// they were.
    pub guarded: Option<(ObjectId, Vec<RepoPath>)>,
    /// Approvals, oldest first.
    pub approvals: Vec<Approval>,
}
