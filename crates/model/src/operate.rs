//! People's orders about an objective, and their lasting effects on it.

use serde::{Deserialize, Serialize};

use super::ids::{ObjectId, ObjectiveId, Person, SessionId, WorkerId};
use super::marks::Mark;
use super::objective::{ObjectiveSpec, Status};
use super::path::RepoPath;
use super::reason::Reason;
use crate::finding::Finding;

/// An order of a person about one objective.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's line explains its fields")]
pub enum Order {
    /// Start another session, and count retries and failures from zero.
    Retry { note: Option<String> },
    /// Put the branch into the merge queue, whatever the review found. `head` is the head that the person
    /// saw; commits after it are reviewed again.
    Approve { note: Option<String>, head: Option<ObjectId> },
    /// Send the work back with this note, or give the objective up.
    Reject { note: String, is_final: bool },
    /// Let dependents start without this objective.
    Skip,
    /// Pause the objective.
    Pause,
    /// Resume it where it was paused.
    Resume,
    /// Cancel it.
    Cancel,
    /// Let a person decide what happens next.
    Escalate { note: Option<String> },
    /// Add these globs to its scope.
    Expand { globs: Vec<String> },
    /// Change its priority; a higher number goes first.
    Prioritize { priority: i32 },
    /// Change its specification.
    Edit { edit: Box<SpecEdit> },
    /// Delete it.
    Delete,
    /// Take it out of the merge queue, and let a person decide what happens next.
    Drop { note: Option<String> },
    /// Queue it again, behind the other entries. Earlier verdicts against it no longer count.
    Requeue,
}

/// Changes to an objective's specification; `None` = unchanged.
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
    /// Id of the phase; an empty text takes the objective out of its phase.
    pub phase: Option<String>,
}

impl SpecEdit {
    /// Returns the specification with the changes applied.
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

/// Whether a person or Paddock itself made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A person.
    Human,
    /// Paddock itself: recovery widened a scope, or the planner wrote a check or a plan.
    Automatic,
}

/// A person's note for the next session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HumanNote {
    /// Text of the note.
    pub text: String,
    /// The session whose prompt contains the note; the note is dropped once that session has run.
    #[serde(rename = "told")]
    pub given_to: Option<SessionId>,
}

/// A person's approval; the proof of the landing quotes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The person.
    pub by: Person,
    /// When, in Unix milliseconds.
    pub at_ms: i64,
    /// The person's reason, in their words.
    pub note: Option<String>,
    /// Head of the branch that the person saw.
    pub head: ObjectId,
    /// Findings of the review that the person overrode.
    pub overrides: Vec<Finding>,
    /// Ref that keeps uncommitted work, which does not land.
    pub salvage: Option<String>,
}

/// State of an objective before it was paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeforePause {
    /// The state.
    pub status: Status,
    /// Why it was in that state.
    pub reason: Option<Reason>,
}

/// Lasting effects of people's orders on an objective.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Operated {
    /// Note for the next session.
    pub note: Option<HumanNote>,
    /// Whether the objective is paused as soon as its session ends.
    pub pause_asked: bool,
    /// State before the pause; `None` if the objective is not paused.
    #[serde(rename = "aside")]
    pub before_pause: Option<BeforePause>,
    /// Whether the last session was harvested, and the next step is still undecided.
    pub unfollowed: bool,
    /// Whether the results of the last session could not be judged.
    pub unjudged: bool,
    /// Number of sessions before a person last sent the objective back to work. `recovery.max_sessions`
    /// counts from there.
    pub sessions_before: u32,
    /// Whether the scope was given up or changed since the last session started. It is then compared with
    /// other scopes again before the next one.
    pub scope_released: bool,
    /// Globs that recovery added to the scope. Nobody chose them, so they do not allow a change to the tests
    /// that they match.
    pub grown_scope: Vec<String>,
    /// Head at which the branch changed tests that the scope does not name, and these tests. The gate has to
    /// pass with them as they were before.
    pub guarded: Option<(ObjectId, Vec<RepoPath>)>,
    /// Marks of the code, and the reviewed head that has them.
    pub marked: Option<(ObjectId, Vec<Mark>)>,
    /// Approvals, oldest first.
    pub approvals: Vec<Approval>,
}
