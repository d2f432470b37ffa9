//! Reasons why something does not move, in one form for console, status and report.

use serde::{Deserialize, Serialize};

/// Codes of reasons, on which scripts may rely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// The objective waits for its dependencies.
    Dependencies,
    /// A dependency of the objective is stuck.
    BlockedBy,
    /// All session slots of the project are in use.
    NoSlot,
    /// The objective's scope overlaps that of work in progress.
    ScopeOverlap,
    /// The objective lets another one go first, which was overtaken too often.
    Yielding,
    /// The objective's worktree is being created.
    PreparingWorktree,
    /// The objective waits for a backoff to end.
    Backoff,
    /// No agent can work on the objective.
    NoAgent,
    /// Every agent that could work on it is in a cooldown.
    Cooling,
    /// The agent is not logged in, and no other agent can be used.
    AgentLogin,
    /// The agent needed a permission that only a person can give.
    AgentRefused,
    /// A session is working on the objective.
    Working,
    /// The results of a session are being read.
    Harvesting,
    /// The entry waits in the merge queue behind others.
    QueueBehind,
    /// The entry's merge is being made.
    Building,
    /// The gate is running on the entry's merge.
    Gating,
    /// The objective is landing.
    Landing,
    /// The merge queue is on hold.
    QueueHeld,
    /// The project is paused.
    ProjectPaused,
    /// The project is disabled.
    ProjectDisabled,
    /// No supervisor is running.
    NoSupervisor,
    /// The supervisor is stopping.
    Stopping,
    /// Configuration that can run programs has changed since a person trusted it.
    Untrusted,
    /// Git cannot work with the repository.
    RepositoryBroken,
    /// The project file has errors.
    ConfigBroken,
    /// Another workspace or project uses the repository.
    Claimed,
    /// An action of Paddock for the project panics again and again.
    EffectPanicked,
    /// The project's budget for the day is spent.
    DayBudget,
    /// Too little disk space is free.
    DiskLow,
    /// The set-up command of the project's worktrees fails.
    SetupFailing,
    /// Files of the project need git LFS, which is not installed.
    LfsMissing,
    /// The user's target branch no longer contains what was published.
    TargetRewritten,
    /// The user's target branch is gone.
    TargetMissing,
    /// The project file names another target branch than the recorded one.
    TargetChanged,
    /// The project has no target branch: HEAD was on no branch when it was added, and nobody has named one
    /// since.
    TargetUnset,
    /// The user's commits on the target branch conflict with landed work.
    ExternalConflict,
    /// The gate is red on the user's commits merged with landed work.
    ExternalRed,
    /// Files of the user are in the way of publishing.
    PublicationWaits,
    /// The agent of the session said that it is blocked.
    AgentBlocked,
    /// A person killed the session.
    Killed,
    /// The retries of the objective are used up.
    RetriesSpent,
    /// The objective had as many sessions as it may.
    SessionsSpent,
    /// Two sessions in a row made no commit that was accepted.
    NoProgress,
    /// The worktree of the objective could not be created.
    WorktreeFailed,
    /// The set-up command of the worktree failed.
    SetupFailed,
    /// The results of a session could not be read.
    HarvestFailed,
    /// New commits appeared on a branch after it had landed.
    LateCommits,
    /// The adopted target branch does not contain the objective's landing.
    LandingLost,
    /// A check immediately before a landing failed: landing would have broken a promise of the queue.
    SelfCheck,
    /// The gate is red on the integration tip itself, without any entry.
    TargetRed,
    /// The gate is not green on a landed tree from nothing, although it was green with caches.
    RecheckDiffers,
    /// The gate gave no verdict.
    NotEvaluated,
    /// The disk is full where gates work.
    DiskFull,
    /// The gate is green on an emptied tree, so it checks nothing.
    GateChecksNothing,
    /// The target branch contains work of an objective that did not pass the queue.
    QueueBypassed,
    /// The target branch could not be pushed to the user's remote.
    PushWaits,
    /// What others pushed could not be brought in (`queue pull`).
    PullFailed,
    /// Git could not sign a merge.
    SigningFailed,
    /// A person took the objective out of the merge queue.
    QueueDropped,
    /// The work removes tests, and no scope says that it may.
    TestsRemoved,
    /// The work holds what the user had put into the stash.
    StashTaken,
    /// The work has code that looks as if it was written for the gate.
    Marked,
    /// A plan waits for a person's approval.
    PlanWaits,
    /// Planner sessions end without a plan.
    PlannerFails,
    /// The planner's plan has faults, and so has its repair.
    PlanFaulty,
    /// Several plans in a row led to no landing.
    PlansBarren,
    /// Checks of a phase fail, and the planner has nothing to add.
    ChecksFail,
    /// A phase is active, but it has no work and no planner.
    NothingPlanned,
    /// A person has to say whether an agent, whose settings say nothing about it, may plan.
    MayPlan,
    /// A person ordered it.
    Human,
}

/// Why something does not move, since when, and what would change that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Code for scripts.
    pub code: ReasonCode,
    /// One sentence for people.
    pub text: String,
    /// Since when, in Unix milliseconds.
    pub since_ms: i64,
    /// One sentence that says what clears the reason.
    pub clears: String,
}

impl Reason {
    /// Returns a reason that holds since `since_ms`.
    #[must_use]
    pub fn new(code: ReasonCode, since_ms: i64, text: impl Into<String>, clears: impl Into<String>) -> Self {
        Self { code, text: text.into(), since_ms, clears: clears.into() }
    }
}
