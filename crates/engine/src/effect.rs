//! Effects: the actions outside of the engine that follow from recorded events.
//!
//! An effect is executed only after the events that it follows from are committed. A crash in between loses
//! nothing: [`crate::decide::outstanding`] orders the effect again. Every effect is therefore idempotent or
//! finds out first whether it has happened; the docs of `supervisor::effects` say how, one row per effect.

use paddock_model::ids::{EntryId, GateId, ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::session::Stop;
use paddock_model::side_runs::SideTree;

/// Work that landed: what an adoption of the target branch looks for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandedWork {
    /// The objective.
    pub id: ObjectiveId,
    /// Commit that landed it.
    pub commit: ObjectId,
    /// Head of its branch, as last seen.
    pub head: Option<ObjectId>,
}

/// Two sides of a comparison of tests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Compare {
    /// Green run on the candidate.
    pub gate: GateId,
    /// Commit of the candidate.
    pub commit: ObjectId,
    /// Members of the candidate.
    pub entries: Vec<EntryId>,
    /// Runs on the base; none if the gate cannot be evaluated there.
    pub bases: Vec<GateId>,
    /// Commit of the base.
    pub onto: ObjectId,
    /// Tree of the base.
    pub base_tree: ObjectId,
}

/// An action for the supervisor to execute. Effects carry ids; the supervisor reads the details from the
/// state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the line of each variant describes its fields")]
pub enum Effect {
    /// Create the integration ref at this commit unless it exists.
    MakeIntegration { project: ProjectSlug, at: ObjectId },
    /// Read the target branch, the git configuration that can run programs, and the free disk space.
    Look { project: ProjectSlug },
    /// Move the integration ref forward to the user's own commits.
    MoveExternal { project: ProjectSlug, from: ObjectId, to: ObjectId },
    /// Move the integration ref to the commit that the target branch is at, and list the landings that it
    /// lacks. If the integration ref is no longer at `from`, the move has happened: the answer is then where
    /// the ref is, even if the target branch has moved again since.
    AdoptTarget { project: ProjectSlug, from: ObjectId, landed: Vec<LandedWork> },
    /// Create a worktree.
    MakeWorktree { objective: ObjectiveKey, epoch: u64 },
    /// Remove a worktree and its merged branch.
    RemoveWorktree { objective: ObjectiveKey },
    /// Write the prompt and hand the session to the runner, or find the session again.
    StartSession { session: SessionId },
    /// Stop a session's processes.
    StopSession { session: SessionId, stop: Stop, now: bool },
    /// Give a session's keeper its new limits.
    ExtendSession { session: SessionId },
    /// Read the facts that a session left and keep its uncommitted files; for a planner's session, read the
    /// plan.
    Harvest { session: SessionId },
    /// Merge these queue entries onto the tip in memory, one after the other. With `ahead`, merge a single
    /// entry ahead of its turn.
    MakeCandidate { project: ProjectSlug, members: Vec<EntryId>, onto: ObjectId, ahead: bool },
    /// Make a tree, and a commit of it, for a gate run in parallel with the queue.
    PrepareTree { project: ProjectSlug, side_tree: SideTree },
    /// Push the published target branch to the user's remote.
    Push { project: ProjectSlug, remote: String, commit: ObjectId },
    /// Fetch the remote's branch that a person ordered to be brought in, and compare it with this tip.
    FetchRemote { project: ProjectSlug, tip: ObjectId },
    /// Fast-forward the target branch, which holds `published`, to a fetched commit that holds everything that
    /// has landed.
    ForwardTarget { project: ProjectSlug, published: ObjectId, to: ObjectId },
    /// Start a gate run, or find it again.
    StartGate { gate: GateId },
    /// Read the results of a phase's checks.
    ReadChecks { gate: GateId },
    /// Compare the tests that a run on a candidate reported with those of runs on its base.
    CompareTests { project: ProjectSlug, wanted: Box<Compare> },
    /// Stop a gate run.
    StopGate { gate: GateId },
    /// Remove the gate worktree of a slot, unless a process works in it.
    RemoveGateFolder { project: ProjectSlug, slot: u32 },
    /// Keep the caches that this run left, as the ones that later runs in its folder start from.
    KeepCaches { gate: GateId },
    /// Check the landing once more, then move the integration ref by compare-and-swap.
    Land { project: ProjectSlug, entry: EntryId },
    /// Write the proof of a landing.
    WriteProof { project: ProjectSlug, commit: ObjectId },
    /// Fast-forward the target branch to the landed commit. With `create`, a missing branch is created.
    Publish { project: ProjectSlug, published: ObjectId, to: ObjectId, create: bool },
}
