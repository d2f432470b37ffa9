//! Objectives, and the state machine that they follow.
//!
//! An objective is a unit of work that a person or a plan asks for: one branch, one worktree, and sessions
//! one after the other until it lands or a person takes over. [`is_legal`] is the table of its state
//! transitions.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{GateId, ObjectId, ObjectiveId, ObjectiveKey, SessionId, WorkerId};
use super::operate::Operated;
use super::reason::Reason;
use super::session::SessionKind;
use crate::finding::Finding;

/// State of an objective.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits until its dependencies are done or skipped.
    Todo,
    /// Waits for a session to start: for a slot, for an agent, or for an overlapping scope to be free.
    Ready,
    /// A session is working on it.
    Active,
    /// Its session has ended, and the work is being reviewed.
    Review,
    /// Its branch passed the review and is in the merge queue.
    Queued,
    /// Its work has landed, or it finished with nothing to land.
    Done,
    /// A person must decide what happens next.
    NeedsReview,
    /// A person paused it.
    Paused,
    /// A person skipped it; its dependents may start without it.
    Skipped,
    /// A person gave it up.
    Failed,
    /// A person cancelled it.
    Cancelled,
}

impl Status {
    /// States in which work is still to be done, by an agent or by a person.
    pub const UNFINISHED: [Self; 7] =
        [Self::Todo, Self::Ready, Self::Active, Self::Review, Self::Queued, Self::NeedsReview, Self::Paused];

    /// Every state, in the order in which people read them.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// Returns the name of the state, for people and scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Todo => "todo",
            Self::Ready => "ready",
            Self::Active => "active",
            Self::Review => "review",
            Self::Queued => "queued",
            Self::Done => "done",
            Self::NeedsReview => "needs_review",
            Self::Paused => "paused",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns whether objectives that depend on one in this state may start.
    #[must_use]
    pub fn frees_dependents(self) -> bool {
        match self {
            Self::Done | Self::Skipped => true,
            Self::Todo
            | Self::Ready
            | Self::Active
            | Self::Review
            | Self::Queued
            | Self::NeedsReview
            | Self::Paused
            | Self::Failed
            | Self::Cancelled => false,
        }
    }

    /// Returns whether only a person can move an objective out of this state.
    #[must_use]
    pub fn is_stuck(self) -> bool {
        match self {
            Self::NeedsReview | Self::Paused | Self::Failed | Self::Cancelled => true,
            Self::Todo
            | Self::Ready
            | Self::Active
            | Self::Review
            | Self::Queued
            | Self::Done
            | Self::Skipped => false,
        }
    }

    /// Returns whether work is still to be done in this state; see [`Self::UNFINISHED`].
    #[must_use]
    pub fn is_unfinished(self) -> bool {
        match self {
            Self::Todo
            | Self::Ready
            | Self::Active
            | Self::Review
            | Self::Queued
            | Self::NeedsReview
            | Self::Paused => true,
            Self::Done | Self::Skipped | Self::Failed | Self::Cancelled => false,
        }
    }

    /// Returns whether a person or a failure took the objective off the path to the queue. While it is set
    /// aside, no session works on it and nothing of it lands.
    #[must_use]
    pub fn is_set_aside(self) -> bool {
        match self {
            Self::NeedsReview | Self::Paused | Self::Skipped | Self::Failed | Self::Cancelled => true,
            Self::Todo | Self::Ready | Self::Active | Self::Review | Self::Queued | Self::Done => false,
        }
    }

    /// Returns whether a person may order a retry in this state. `Paused` is not among them: `resume` takes
    /// up the work where it was.
    #[must_use]
    pub fn may_be_retried(self) -> bool {
        match self {
            Self::NeedsReview | Self::Failed | Self::Skipped | Self::Cancelled => true,
            Self::Todo
            | Self::Ready
            | Self::Active
            | Self::Review
            | Self::Queued
            | Self::Done
            | Self::Paused => false,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Why an objective moves from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Every dependency is done or skipped.
    DependenciesMet,
    /// A dependency is no longer done or skipped, and no session of this objective has started yet.
    DependencyReopened,
    /// A session starts, of the kind recorded in [`Objective::next`].
    SessionStarts,
    /// The session has ended and its results were read.
    SessionHarvested,
    /// The review found no fault.
    ReviewPassed,
    /// The review passed, and the branch has no commit to land.
    NothingToLand,
    /// Another session has to follow.
    SessionDue,
    /// A person has to decide.
    HumanDue,
    /// The objective's merge is on the integration ref.
    Landed,
    /// The head of the branch is no longer the one that was approved.
    HeadMoved,
    /// A person ordered the move.
    Human,
    /// The target branch that a person adopted does not contain the landing.
    LandingLost,
    /// New commits appeared on the branch after it had landed.
    LateCommits,
}

/// Returns whether an objective may move between these states for this cause. The engine records no other
/// transition.
#[must_use]
pub fn is_legal(from: Status, to: Status, cause: Cause) -> bool {
    use Cause as C;
    use Status as S;
    match (from, to, cause) {
        // Moves that follow from facts.
        (S::Todo, S::Ready, C::DependenciesMet)
        | (S::Ready, S::Todo, C::DependencyReopened)
        | (S::Ready, S::Active, C::SessionStarts)
        | (S::Active, S::Review, C::SessionHarvested)
        | (S::Review, S::Queued, C::ReviewPassed)
        | (S::Review, S::Done, C::NothingToLand)
        | (S::Review | S::Queued, S::Ready, C::SessionDue)
        | (S::Ready | S::Review | S::Queued, S::NeedsReview, C::HumanDue)
        | (S::Queued, S::Done, C::Landed)
        | (S::Queued, S::Review, C::HeadMoved)
        | (S::Done, S::NeedsReview, C::LandingLost | C::LateCommits) => true,
        // Orders of people. What has landed cannot be taken back by setting the objective aside.
        (from, S::Paused | S::Cancelled | S::Skipped | S::NeedsReview, C::Human) => from != S::Done,
        // `resume` returns to the state that was remembered when the objective was paused, whichever it was.
        (S::Paused, _, C::Human) => true,
        (S::NeedsReview | S::Failed | S::Skipped | S::Cancelled, S::Ready, C::Human)
        // An approval enters the queue whatever the review found; the gate still judges the merge.
        | (S::NeedsReview | S::Review, S::Queued, C::Human)
        | (S::NeedsReview, S::Failed, C::Human) => true,
        _ => false,
    }
}

/// The specification of an objective, given by a person or a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectiveSpec {
    /// Title, one line of any text.
    pub title: String,
    /// Description of the work, any text.
    pub description: String,
    /// Conditions that must hold when the objective is done.
    pub acceptance_criteria: Vec<String>,
    /// Globs of the paths that it may change; empty = every path.
    pub path_scope: Vec<String>,
    /// Ids of the objectives in the same project that must be done or skipped first.
    pub depends_on: Vec<ObjectiveId>,
    /// Files and places that the agent's prompt points to.
    pub context_refs: Vec<String>,
    /// Worker that does the work.
    pub worker: WorkerId,
    /// Priority; a higher number goes first.
    pub priority: i32,
    /// Commits that a session may make; `None` = the project's default.
    pub max_commits: Option<u32>,
    /// Minutes that a session may run; `None` = the project's default.
    pub max_minutes: Option<u32>,
    /// Id of the phase that it belongs to.
    pub phase: Option<String>,
}

/// Why another session is needed; the next prompt shows it to the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feedback {
    /// The review found faults.
    Findings(Vec<Finding>),
    /// The gate was red on the branch's merge.
    Gate {
        /// The gate run; its folder holds the output.
        gate: GateId,
        /// The command that failed.
        command: String,
        /// How that command ended, for people.
        outcome: String,
    },
    /// The branch does not merge with the integration ref.
    Conflict {
        /// The files in conflict, cut to a readable number.
        paths: Vec<super::path::RepoPath>,
        /// Git's messages about the conflicts, cut to 2 kB.
        text: String,
    },
    /// The previous session ended badly.
    Ended {
        /// The previous session; its folder holds the output.
        session: SessionId,
        /// How that session ended, for people.
        outcome: String,
    },
    /// The previous session stopped early and left work undone.
    FollowUp {
        /// The previous session.
        session: SessionId,
        /// Notes of that session's agent for the next one.
        notes: String,
    },
    /// A person rejected the work.
    Rejected {
        /// The person's note.
        note: String,
    },
}

/// The plan for the next session of an objective.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextSession {
    /// Kind of the session.
    pub kind: SessionKind,
    /// Why it is needed; its prompt shows this to the agent.
    pub feedback: Option<Feedback>,
    /// Earliest start, in Unix milliseconds: the end of a backoff.
    pub not_before_ms: Option<i64>,
    /// Whether the session uses up one of the objective's retries.
    pub costs_retry: bool,
    /// Whether the prompt is shortened and asks for smaller steps, because the previous session overflowed
    /// its model's context.
    #[serde(default)]
    pub smaller: bool,
}

impl Default for NextSession {
    fn default() -> Self {
        Self {
            kind: SessionKind::Work,
            feedback: None,
            not_before_ms: None,
            costs_retry: false,
            smaller: false,
        }
    }
}

/// The worktree of an objective, as Paddock last recorded it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worktree {
    /// Stage of its life.
    pub stage: WorktreeStage,
    /// Absolute path of its folder.
    pub path: String,
    /// Name of its branch, without `refs/heads/`.
    pub branch: String,
    /// Integration commit on which the branch begins.
    pub base: ObjectId,
    /// Attempts in a row that failed to create it.
    pub failures: u32,
    /// Number of the order to create it. The answer to an earlier order carries a lower number and is
    /// ignored.
    pub epoch: u64,
}

/// Stages in the life of a worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorktreeStage {
    /// Creation was ordered, and the folder is not complete yet.
    Preparing,
    /// The worktree exists and is in use.
    Ready,
    /// Creation failed; it is tried again later.
    Broken,
    /// The work is published, and the worktree is being removed.
    Removing,
}

/// The landing of an objective on the integration ref.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landed {
    /// First-parent commit on the integration ref; `None` if there was nothing to land.
    pub commit: Option<ObjectId>,
    /// When it landed, in Unix milliseconds.
    pub at_ms: i64,
    /// When the target branch contained it, in Unix milliseconds.
    pub published_at_ms: Option<i64>,
    /// Whether a gate run passed on exactly this tree.
    pub verified: bool,
    /// That run, if it says what it reported of tests; `None` for landings of earlier builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateId>,
}

/// An objective, with everything recorded about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    /// Name of the objective.
    pub key: ObjectiveKey,
    /// Its specification.
    pub spec: ObjectiveSpec,
    /// Current state.
    pub status: Status,
    /// Why it is in this state, if a person or a problem put it there.
    pub reason: Option<Reason>,
    /// When it entered this state, in Unix milliseconds.
    pub since_ms: i64,
    /// Sequence number of the event that added it, by which older objectives go first.
    pub added_seq: u64,
    /// Plan for its next session.
    pub next: NextSession,
    /// Sessions that worked on it, oldest first.
    pub sessions: Vec<SessionId>,
    /// Retries used up since a person last sent it back to work.
    pub retries: u32,
    /// Times that recovery widened its scope by itself.
    pub expansions: u32,
    /// Sessions lost in a row.
    pub lost_in_a_row: u32,
    /// Sessions in a row that stopped early without a new accepted commit.
    pub stopped_in_a_row: u32,
    /// Failures in a row of the worktree's set-up command.
    pub setup_failures: u32,
    /// Times that an objective with an overlapping scope was dispatched before it.
    pub overtaken: u32,
    /// Its worktree; `None` until it is ordered, and after it is removed.
    pub worktree: Option<Worktree>,
    /// Head of its branch when it was last harvested or queued.
    pub head: Option<ObjectId>,
    /// Its landing; `None` until then.
    pub landed: Option<Landed>,
    /// One line per earlier session, for the prompts of later ones.
    pub history: Vec<String>,
    /// Lasting effects of people's orders.
    #[serde(default)]
    pub operated: Operated,
}

impl Objective {
    /// Returns whether the next session has to set the worktree up.
    #[must_use]
    pub fn needs_set_up(&self) -> bool {
        self.sessions.is_empty() || self.setup_failures > 0
    }

    /// Returns whether a commit of the objective has landed. An objective that finished with nothing to land
    /// has none.
    #[must_use]
    pub fn has_landed(&self) -> bool {
        self.landed.as_ref().is_some_and(|landed| landed.commit.is_some())
    }

    /// Returns whether objectives with an overlapping scope must wait for this one: from its first dispatch
    /// until it is done or set aside.
    #[must_use]
    pub fn holds_scope(&self) -> bool {
        match self.status {
            Status::Active | Status::Review | Status::Queued => true,
            // Between two sessions the branch holds unfinished work in these paths. A person's order gives
            // the scope up, and it is compared with the others again before the next session starts.
            Status::Ready => !self.sessions.is_empty() && !self.operated.scope_released,
            Status::Todo
            | Status::Done
            | Status::NeedsReview
            | Status::Paused
            | Status::Skipped
            | Status::Failed
            | Status::Cancelled => false,
        }
    }

    /// Returns the name of the work branch, without `refs/heads/`.
    #[must_use]
    pub fn branch(&self) -> String {
        format!("paddock/{}/work", self.key.id)
    }

    /// Returns the worktree if it exists and is in use.
    #[must_use]
    pub fn ready_worktree(&self) -> Option<&Worktree> {
        self.worktree.as_ref().filter(|worktree| worktree.stage == WorktreeStage::Ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_unfinished_states_agrees_with_the_predicate() {
        let unfinished: Vec<Status> =
            Status::ALL.iter().copied().filter(|status| status.is_unfinished()).collect();
        assert_eq!(unfinished, Status::UNFINISHED);
    }

    #[test]
    fn an_objective_leaves_done_only_if_its_landing_is_in_question() {
        for to in Status::ALL.iter().copied() {
            for cause in [Cause::Human, Cause::SessionDue, Cause::HumanDue, Cause::HeadMoved] {
                assert!(!is_legal(Status::Done, to, cause), "done -> {to} by {cause:?}");
            }
        }
        assert!(is_legal(Status::Done, Status::NeedsReview, Cause::LandingLost));
    }

    #[test]
    fn only_queued_objectives_land() {
        for from in Status::ALL.iter().copied() {
            assert_eq!(is_legal(from, Status::Done, Cause::Landed), from == Status::Queued);
        }
    }

    #[test]
    fn a_person_can_set_aside_any_objective_that_is_not_done() {
        for from in Status::ALL.iter().copied() {
            for to in [Status::Paused, Status::Cancelled, Status::Skipped, Status::NeedsReview] {
                assert_eq!(is_legal(from, to, Cause::Human), from != Status::Done);
            }
        }
    }
}
