//! Why something is not moving: one shape that console, status and report share.

use serde::{Deserialize, Serialize};

/// The codes that scripts may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// Waits for objectives it depends on.
    Dependencies,
    /// An objective it depends on is stuck.
    BlockedBy,
    /// Every session slot of the project is taken.
    NoSlot,
    /// Its scope overlaps that of work in progress.
    ScopeOverlap,
    /// Gives way to an objective that was overtaken too often.
    Yielding,
    /// Its worktree is being made.
    PreparingWorktree,
    /// Waits before it is tried again.
    Backoff,
    /// No agent can be used for it.
    NoAgent,
    /// Every agent that could do it cools down.
    Cooling,
    /// Its agent is not logged in, and no other can be used.
    AgentLogin,
    /// Its agent would have had to ask a person.
    AgentRefused,
    /// A session works on it.
    Working,
    /// What a session left is being read.
    Harvesting,
    /// In the merge queue, behind others.
    QueueBehind,
    /// In the merge queue, its candidate is being built.
    Building,
    /// In the merge queue, the gate runs on it.
    Gating,
    /// Is landing.
    Landing,
    /// The merge queue is held.
    QueueHeld,
    /// The project is paused.
    ProjectPaused,
    /// The project is disabled.
    ProjectDisabled,
    /// The supervisor is not running.
    NoSupervisor,
    /// The supervisor is stopping.
    Stopping,
    /// Configuration that can run programs has changed since a person agreed to it.
    Untrusted,
    /// The repository cannot be worked with.
    RepositoryBroken,
    /// The project file has errors.
    ConfigBroken,
    /// Another workspace or project works on the repository.
    Claimed,
    /// Something that Paddock does for the project panics again and again.
    EffectPanicked,
    /// What the project may spend in a day is spent.
    DayBudget,
    /// Too little disk is free.
    DiskLow,
    /// The user's target branch no longer descends from what was published.
    TargetRewritten,
    /// The user's target branch is gone.
    TargetMissing,
    /// The project file names another target branch than the recorded one.
    TargetChanged,
    /// HEAD was on no branch when the project was taken up, and nobody has named a target branch since.
    TargetUnset,
    /// The user's commits on the target branch and landed work do not go together.
    ExternalConflict,
    /// The gate is red on the user's commits merged with landed work.
    ExternalRed,
    /// Files of the user are in the way of publishing.
    PublicationWaits,
    /// The session's agent said that it is blocked.
    AgentBlocked,
    /// A person killed the session.
    Killed,
    /// Retries are used up.
    RetriesSpent,
    /// The bound on sessions is reached.
    SessionsSpent,
    /// Two sessions in a row brought nothing that could be accepted.
    NoProgress,
    /// The worktree could not be made.
    WorktreeFailed,
    /// The set-up command of the worktree failed.
    SetupFailed,
    /// What a session left could not be read.
    HarvestFailed,
    /// Commits appeared on a branch after it had landed.
    LateCommits,
    /// A landing is no longer in the target branch that was adopted.
    LandingLost,
    /// A check at run time found that a landing would break the queue's promise.
    SelfCheck,
    /// The gate is red on the target itself.
    TargetRed,
    /// The gate could not be evaluated.
    NotEvaluated,
    /// The disk is full where the gate works.
    DiskFull,
    /// The gate is green on a tree that is emptied.
    GateChecksNothing,
    /// The target branch holds work of an objective that did not pass the queue.
    QueueBypassed,
    /// The target branch could not be pushed to the user's remote.
    PushWaits,
    /// Git could not sign a merge.
    SigningFailed,
    /// A person took it out of the merge queue.
    QueueDropped,
    /// A plan waits to be approved or rejected.
    PlanWaits,
    /// Planner runs end without a plan.
    PlannerFails,
    /// The planner's plan had faults, and so had its repair.
    PlanFaulty,
    /// Plan after plan brings no landing.
    PlansBarren,
    /// Checks of a phase fail, and nothing more is planned.
    ChecksFail,
    /// A phase is active and nobody plans it or works on it.
    NothingPlanned,
    /// A person decided so.
    Human,
}

/// Why something is not moving, since when, and what would clear it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// For scripts.
    pub code: ReasonCode,
    /// For people, one sentence.
    pub text: String,
    /// Unix milliseconds.
    pub since_ms: i64,
    /// What would clear it, one sentence.
    pub clears: String,
}

impl Reason {
    /// A reason that holds from now on.
    #[must_use]
    pub fn new(code: ReasonCode, since_ms: i64, text: impl Into<String>, clears: impl Into<String>) -> Self {
        Self { code, text: text.into(), since_ms, clears: clears.into() }
    }
}
