//! An objective, and the one state machine of SPEC 1.1.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{GateId, ObjectId, ObjectiveId, ObjectiveKey, SessionId, WorkerId};
use super::operate::Operated;
use super::reason::Reason;
use super::session::SessionKind;
use crate::finding::Finding;

/// Where an objective stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for dependencies.
    Todo,
    /// May be dispatched.
    Ready,
    /// A session works on it.
    Active,
    /// What its session left is judged.
    Review,
    /// In the merge queue.
    Queued,
    /// Landed, or finished with nothing to land.
    Done,
    /// A human must decide.
    NeedsReview,
    /// A human set it aside.
    Paused,
    /// A human lets dependents go on without it.
    Skipped,
    /// A human gave it up.
    Failed,
    /// A human called it off.
    Cancelled,
}

impl Status {
    /// Those in which something is still to be done, whoever has to do it.
    pub const UNFINISHED: [Self; 7] =
        [Self::Todo, Self::Ready, Self::Active, Self::Review, Self::Queued, Self::NeedsReview, Self::Paused];

    /// Every state, in the order people read them.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The word of SPEC 1.1.
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

    /// Whether dependents may start.
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

    /// Whether nothing but a person moves it on.
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

    /// Whether something is still to be done: those of [`Self::UNFINISHED`].
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

    /// Whether the objective stands beside the way to the queue: nothing of it is worked on or lands meanwhile.
    #[must_use]
    pub fn is_set_aside(self) -> bool {
        match self {
            Self::NeedsReview | Self::Paused | Self::Skipped | Self::Failed | Self::Cancelled => true,
            Self::Todo | Self::Ready | Self::Active | Self::Review | Self::Queued | Self::Done => false,
        }
    }

    /// Whether an order to retry applies: the objective was set aside, and nothing else takes it up again.
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

/// Why an objective moves from one state to another: the third column of SPEC 1.1's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Every dependency is done or skipped.
    DependenciesMet,
    /// A dependency that was done or skipped no longer is, and no session has started.
    DependencyReopened,
    /// A session of the recorded next kind starts.
    SessionStarts,
    /// The session has ended and is harvested.
    SessionHarvested,
    /// The review passed.
    ReviewPassed,
    /// There is nothing to land.
    NothingToLand,
    /// Another session is due.
    SessionDue,
    /// A human is due.
    HumanDue,
    /// The merge is on the integration ref.
    Landed,
    /// The branch head is no longer the pinned one.
    HeadMoved,
    /// A human decided so.
    Human,
    /// The adopted target branch no longer holds the landing.
    LandingLost,
    /// Commits appeared on the branch after it landed.
    LateCommits,
}

/// Whether SPEC 1.1 names this transition. A transition that it does not name is an error, not a write.
#[must_use]
pub fn is_legal(from: Status, to: Status, cause: Cause) -> bool {
    use Cause as C;
    use Status as S;
    match (from, to, cause) {
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
        (from, S::Paused | S::Cancelled | S::Skipped | S::NeedsReview, C::Human) => from != S::Done,
        (S::Paused, _, C::Human) => true,
        (S::NeedsReview | S::Failed | S::Skipped | S::Cancelled, S::Ready, C::Human)
        | (S::NeedsReview | S::Review, S::Queued, C::Human)
        | (S::NeedsReview, S::Failed, C::Human) => true,
        _ => false,
    }
}

/// What a person or a plan asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectiveSpec {
    /// One line; any text.
    pub title: String,
    /// What is to be done; any text.
    pub description: String,
    /// When it is done.
    pub acceptance_criteria: Vec<String>,
    /// Globs that it may change; empty = everything.
    pub path_scope: Vec<String>,
    /// Objectives of the same project that must be done first.
    pub depends_on: Vec<ObjectiveId>,
    /// Files and places its prompt points at.
    pub context_refs: Vec<String>,
    /// The worker that does it.
    pub worker: WorkerId,
    /// Higher goes first.
    pub priority: i32,
    /// Commits a session may make; none = the project's default.
    pub max_commits: Option<u32>,
    /// Minutes a session may run; none = the project's default.
    pub max_minutes: Option<u32>,
    /// The phase it belongs to.
    pub phase: Option<String>,
}

/// What the next session is told about what went before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feedback {
    /// Review found faults.
    Findings(Vec<Finding>),
    /// The gate was red.
    Gate {
        /// The gate run; its folder holds the output.
        gate: GateId,
        /// The command that failed.
        command: String,
        /// How it ended, for people.
        outcome: String,
    },
    /// The branch does not merge with the integration ref.
    Conflict {
        /// The files, cut to a readable number.
        paths: Vec<super::path::RepoPath>,
        /// What git says of them, cut to 2 kB.
        text: String,
    },
    /// The session before ended badly.
    Ended {
        /// That session; its folder holds the output.
        session: SessionId,
        /// How it ended, for people.
        outcome: String,
    },
    /// The session before stopped early with work left; its follow-up notes.
    FollowUp {
        /// That session.
        session: SessionId,
        /// What the agent wrote down for the next one.
        notes: String,
    },
    /// A person looked at the work and sent it back.
    Rejected {
        /// What they wrote.
        note: String,
    },
}

/// The session that is due next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextSession {
    /// Its kind.
    pub kind: SessionKind,
    /// What it is told.
    pub feedback: Option<Feedback>,
    /// Not before this time (backoff), in Unix milliseconds.
    pub not_before_ms: Option<i64>,
    /// Whether it spends one of the objective's retries.
    pub costs_retry: bool,
    /// Whether it is told less, and to work in smaller steps: the one before no longer fitted into its model's
    /// context.
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

/// The worktree of an objective, as far as Paddock has recorded it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worktree {
    /// Where it is in its life.
    pub stage: WorktreeStage,
    /// Its folder, absolute.
    pub path: String,
    /// Its branch, without `refs/heads/`.
    pub branch: String,
    /// The integration commit it starts from.
    pub base: ObjectId,
    /// Attempts to make it that failed in a row.
    pub failures: u32,
    /// Counts orders, so that a late answer to an older one is ignored.
    pub epoch: u64,
}

/// The stages of a worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorktreeStage {
    /// Ordered, not yet there.
    Preparing,
    /// There.
    Ready,
    /// Could not be made; tried again later.
    Broken,
    /// Landed and published; being removed.
    Removing,
}

/// A landing on the integration ref.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landed {
    /// The first-parent commit on the integration ref; none when there was nothing to land.
    pub commit: Option<ObjectId>,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// When the target branch held it, in Unix milliseconds.
    pub published_at_ms: Option<i64>,
    /// Whether a gate passed on exactly this tree.
    pub verified: bool,
}

/// An objective and all that is recorded of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    /// Its name.
    pub key: ObjectiveKey,
    /// What is asked for.
    pub spec: ObjectiveSpec,
    /// Where it stands.
    pub status: Status,
    /// Why it stands aside, when it does.
    pub reason: Option<Reason>,
    /// Since when it stands there, in Unix milliseconds.
    pub since_ms: i64,
    /// Its age: the number of the event that added it.
    pub added_seq: u64,
    /// The session due next.
    pub next: NextSession,
    /// Its sessions, oldest first.
    pub sessions: Vec<SessionId>,
    /// Correction sessions spent.
    pub retries: u32,
    /// Automatic widenings of the scope spent.
    pub expansions: u32,
    /// Lost sessions in a row.
    pub lost_in_a_row: u32,
    /// Sessions in a row that stopped early without a new accepted commit.
    pub stopped_in_a_row: u32,
    /// Failures of the worktree's set-up command in a row.
    pub setup_failures: u32,
    /// How often an overlapping objective was dispatched before it.
    pub overtaken: u32,
    /// Its worktree.
    pub worktree: Option<Worktree>,
    /// The branch head that the last harvest saw.
    pub head: Option<ObjectId>,
    /// Its landing.
    pub landed: Option<Landed>,
    /// What was done so far, for follow-up sessions: one line per session.
    pub history: Vec<String>,
    /// What people's orders left on it.
    #[serde(default)]
    pub operated: Operated,
}

impl Objective {
    /// Whether a commit of it has landed: one that finished with nothing to land has none.
    #[must_use]
    pub fn has_landed(&self) -> bool {
        self.landed.as_ref().is_some_and(|landed| landed.commit.is_some())
    }

    /// Whether its scope is held against others (SPEC 3.1): from dispatch until done.
    #[must_use]
    pub fn holds_scope(&self) -> bool {
        match self.status {
            Status::Active | Status::Review | Status::Queued => true,
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

    /// The branch its sessions work on, without `refs/heads/`.
    #[must_use]
    pub fn branch(&self) -> String {
        format!("paddock/{}/work", self.key.id)
    }

    /// The worktree, when it is there and in use.
    #[must_use]
    pub fn ready_worktree(&self) -> Option<&Worktree> {
        self.worktree.as_ref().filter(|worktree| worktree.stage == WorktreeStage::Ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_unfinished_states_is_what_the_states_say() {
        let said: Vec<Status> = Status::ALL.iter().copied().filter(|status| status.is_unfinished()).collect();
        assert_eq!(said, Status::UNFINISHED);
    }

    #[test]
    fn done_is_left_only_when_the_landing_itself_is_in_question() {
        for to in Status::ALL.iter().copied() {
            for cause in [Cause::Human, Cause::SessionDue, Cause::HumanDue, Cause::HeadMoved] {
                assert!(!is_legal(Status::Done, to, cause), "done -> {to} by {cause:?}");
            }
        }
        assert!(is_legal(Status::Done, Status::NeedsReview, Cause::LandingLost));
    }

    #[test]
    fn nothing_lands_that_was_not_queued() {
        for from in Status::ALL.iter().copied() {
            assert_eq!(is_legal(from, Status::Done, Cause::Landed), from == Status::Queued);
        }
    }

    #[test]
    fn a_human_can_set_aside_anything_but_what_is_done() {
        for from in Status::ALL.iter().copied() {
            for to in [Status::Paused, Status::Cancelled, Status::Skipped, Status::NeedsReview] {
                assert_eq!(is_legal(from, to, Cause::Human), from != Status::Done);
            }
        }
    }
}
