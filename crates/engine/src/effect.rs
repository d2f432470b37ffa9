//! Effects: what follows from recorded events in the world outside.
//!
//! An effect is carried out only after its event is committed. Each is idempotent or can be reconciled
//! with reality; ARCHITECTURE.md has one line per effect on how.

use paddock_model::ids::{EntryId, GateId, ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::session::Stop;
use paddock_model::side_runs::SideTree;

/// An order to the world outside. It carries ids; the shell reads the details from the state it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields say what the variant's line says of them")]
pub enum Effect {
    /// Create the integration ref at this commit unless it exists.
    MakeIntegration { project: ProjectSlug, at: ObjectId },
    /// Look at the target branch, the configuration that can run programs, and the disk.
    Look { project: ProjectSlug },
    /// Move the integration ref on to the user's own commits.
    MoveExternal { project: ProjectSlug, from: ObjectId, to: ObjectId },
    /// Move the integration ref to wherever the target branch is, and list landings that it lacks. When the
    /// integration ref is no longer at `from`, that has happened: the answer is where it is, wherever the
    /// target branch went meanwhile.
    AdoptTarget { project: ProjectSlug, from: ObjectId, landed: Vec<(ObjectiveId, ObjectId)> },
    /// Make a worktree.
    MakeWorktree { objective: ObjectiveKey, epoch: u64 },
    /// Remove a worktree and its merged branch.
    RemoveWorktree { objective: ObjectiveKey },
    /// Write the prompt and hand the session to the runner; or find it again.
    StartSession { session: SessionId },
    /// Stop a session's processes.
    StopSession { session: SessionId, stop: Stop, now: bool },
    /// Give a session's keeper its new limits.
    ExtendSession { session: SessionId },
    /// Read what a session left, and keep what it did not commit; of a planner's: the plan.
    Harvest { session: SessionId },
    /// Merge these queue entries onto the tip, one after the other, in memory; or one ahead of its turn.
    MakeCandidate { project: ProjectSlug, members: Vec<EntryId>, onto: ObjectId, ahead: bool },
    /// Make a tree that the gate is to run on beside the queue, and a commit of it.
    PrepareTree { project: ProjectSlug, side_tree: SideTree },
    /// Push the target branch as it was published to the user's remote.
    Push { project: ProjectSlug, remote: String, commit: ObjectId },
    /// Start a gate run; or find it again.
    StartGate { gate: GateId },
    /// Read what a run of a phase's checks said.
    ReadChecks { gate: GateId },
    /// Stop a gate run.
    StopGate { gate: GateId },
    /// Remove the gate worktree of a slot, unless anything is at work in it.
    RemoveGateFolder { project: ProjectSlug, slot: u32 },
    /// Move the integration ref by compare-and-swap, after the check at run time.
    Land { project: ProjectSlug, entry: EntryId },
    /// Write the proof of a landing.
    WriteProof { project: ProjectSlug, commit: ObjectId },
    /// Move the target branch to the published commit.
    Publish { project: ProjectSlug, published: ObjectId, to: ObjectId, create: bool },
}
