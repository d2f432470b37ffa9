//! Inputs of the engine, as one closed list.
//!
//! The answer to an effect names what the effect was ordered for (an epoch, a commit, a number), so that a
//! late answer to an outdated order is ignored by construction.

use std::fmt;

use super::effect::{Compare, Effect};
use paddock_model::bypass::BypassFacts;
use paddock_model::command::{Command, StopMode};
use paddock_model::evidence::Comparison;
use paddock_model::facts::{
    Carried, Collision, HarvestFacts, PlanFacts, Relation, TargetFacts, TargetKey, TrustFound,
};
use paddock_model::failure::Failure;
use paddock_model::gate::CommandResult;
use paddock_model::ids::{EntryId, GateId, ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::keeper::KeeperTrouble;
use paddock_model::path::RepoPath;
use paddock_model::planning::FailedCheck;
use paddock_model::project::PublicationWait;
use paddock_model::reason::ReasonCode;
use paddock_model::refs::MovedRef;
use paddock_model::session::ProcessEnd;
use paddock_model::settings::ProjectSettings;
use paddock_model::side_runs::{Fetched, Prepared, PullFailure, PushWait, SideTree, Upstream};
use paddock_model::train::Link;
use paddock_model::usage::Usage;

/// The reason why an effect failed, as the supervisor reports it: a sentence for people and agents.
///
/// The text is recorded and shown, and never parsed. A failure that a decision depends on has a variant of
/// its own, such as [`CandidateAnswer::Unsigned`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(String);

impl Problem {
    /// Returns a problem with an error's message.
    #[must_use]
    pub fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }

    /// Returns the sentence.
    #[must_use]
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Returns the sentence by value, to be recorded.
    #[must_use]
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl std::error::Error for Problem {}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Problem {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A chain of merges, for the members that merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainMade {
    /// Tree of the tip that the chain is based on.
    pub onto_tree: ObjectId,
    /// Prefixes of the chain, shortest first: one for each member that merges with the members before it.
    pub links: Vec<Link>,
    /// Members that merge with the tip, but conflict with members before them.
    pub separate: Vec<EntryId>,
    /// Whether the merge commits' messages say that the gate verified their trees.
    pub sealed: bool,
    /// Members that conflict with the tip.
    pub conflicts: Vec<MemberConflict>,
    /// Members whose branch is no longer at the pinned head.
    pub moved: Vec<EntryId>,
}

/// A conflict between a member and the tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberConflict {
    /// Entry that conflicts.
    pub entry: EntryId,
    /// Files in conflict.
    pub paths: Vec<RepoPath>,
    /// Git's messages about these files, cut to 2 kB.
    pub text: String,
}

/// The outcome of merging in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CandidateAnswer {
    /// The chain was made, possibly without some of the members.
    Made(Box<ChainMade>),
    /// Git could not sign a merge with the user's key.
    Unsigned(Problem),
    /// The attempt failed for a reason outside of the branches.
    Failed(Problem),
}

/// The outcome of making a tree for a side run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SideTreeAnswer {
    /// The tree was made.
    Made(Prepared),
    /// The guarded branch does not merge with the tip.
    Conflict(MemberConflict),
}

/// The outcome of a landing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LandingAnswer {
    /// The integration ref is at the commit, or beyond it.
    Landed,
    /// The integration ref is neither at the commit nor where Paddock left it.
    Moved {
        /// Commit that the ref is at. `None` if the ref is gone.
        found: Option<ObjectId>,
    },
    /// The branch of this entry is no longer at the pinned head; no ref moved.
    HeadMoved {
        /// Entry whose branch moved.
        entry: EntryId,
    },
    /// The check at run time found that the landing would break the queue's promise.
    SelfCheckFailed(Problem),
    /// The attempt failed for a reason outside of the branches.
    Failed(Problem),
}

/// The outcome of a publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishAnswer {
    /// The target branch holds the commit.
    Published,
    /// Files or commits of the user are in the way.
    Waits(PublicationWait),
    /// The target branch has moved or is gone, and has to be read again.
    Moved,
}

/// A panic in an effect or in a background job of the supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked {
    /// Project that the work was for. `None` if it was for no single project.
    pub project: Option<ProjectSlug>,
    /// Description of the work, for people.
    pub doing: String,
    /// Effect that has to be reconciled. `None` if the work repeats by itself.
    pub effect: Option<Effect>,
    /// Message and place of the panic.
    pub problem: String,
}

/// An input of the engine.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the line of each variant describes its fields")]
pub enum Input {
    /// A supervisor starts.
    Started { pid: u32, version: String },
    /// Time has passed; the phases run for every project.
    Tick,
    /// The user's day began at this time, or a supervisor started in the day that began then.
    DayBegan { since_ms: i64 },
    /// The wall clock and the machine's own clock differ by this much more than at the last decision.
    ClockJumped { by_ms: i64 },
    /// A person gave a command.
    Command(Box<Command>),
    /// The supervisor is to stop.
    Stop(StopMode),
    /// The supervisor has stopped: every job that had to end has ended.
    Stopped(StopMode),
    /// The project file was read again.
    ConfigRead { project: ProjectSlug, settings: Result<Box<ProjectSettings>, Problem> },
    /// The project file was read again, and names this target branch. `None` if it names none.
    TargetKeyRead { project: ProjectSlug, key: Option<TargetKey> },
    /// The integration ref was created, or existed already.
    IntegrationMade { project: ProjectSlug, tip: Result<ObjectId, Problem> },
    /// The target branch was read.
    TargetLooked { project: ProjectSlug, facts: TargetFacts },
    /// The target branch holds an objective's work that did not pass the queue. Precedes
    /// [`Self::TargetLooked`].
    BypassSeen { project: ProjectSlug, found: BypassFacts },
    /// The repository could not be read.
    RepositoryFailed { project: ProjectSlug, problem: Problem },
    /// The repository can be read again.
    RepositoryFine { project: ProjectSlug },
    /// The git configuration that can run programs was read.
    TrustRead { project: ProjectSlug, trust: TrustFound },
    /// A landing changed what a person had agreed to in a way that the agreement covers.
    AgreementCarried { project: ProjectSlug, carried: Carried },
    /// A condition outside of Paddock stops a project (disk, claim). Without `text` the condition is over.
    HoldSeen { project: ProjectSlug, code: ReasonCode, text: Option<String>, clears: String },
    /// The radar merged live branches in memory, with each other and with the tip; these conflict.
    CollisionsSeen { project: ProjectSlug, collisions: Vec<Collision> },
    /// The integration ref was moved to the user's own commits, or could not be.
    ExternalMoved { project: ProjectSlug, to: ObjectId, result: Result<(), Problem> },
    /// The target branch was adopted at a commit that lacks these landings, or could not be.
    TargetAdopted { project: ProjectSlug, result: Result<(ObjectId, Vec<ObjectiveId>), Problem> },
    /// A worktree was created, or could not be.
    WorktreeAnswered { objective: ObjectiveKey, epoch: u64, result: Result<(), Problem> },
    /// A worktree was removed. `late` is the ref that keeps commits made after the landing, if there were
    /// any.
    WorktreeRemoved { objective: ObjectiveKey, late: Option<String> },
    /// The agent of a session runs.
    SessionStarted { session: SessionId, pid: u32 },
    /// A session of an earlier supervisor was found again; its keeper counted this much time awake.
    SessionAwake { session: SessionId, awake_ms: i64 },
    /// The runner did not accept a session at all.
    SessionRefused { session: SessionId, problem: Problem },
    /// The keeper of a session did not do its work, and the runner acted.
    SessionKeeper { session: SessionId, trouble: KeeperTrouble },
    /// The keeper of a gate run did not do its work, and the runner acted.
    GateKeeper { gate: GateId, trouble: KeeperTrouble },
    /// Refs of the user changed while these sessions ran.
    RefsMoved { project: ProjectSlug, sessions: Vec<SessionId>, refs: Vec<MovedRef>, total: u64 },
    /// A session's processes are gone.
    SessionExited { session: SessionId, process: ProcessEnd },
    /// A session's keeper vanished without a record.
    SessionLost { session: SessionId },
    /// The set-up of a running session has ended well, and its agent begins.
    SetUpDone { session: SessionId },
    /// Entries of `worktree.copy` for which nothing was copied into a new worktree.
    CopiesMissed { project: ProjectSlug, missed: Vec<String> },
    /// The branch of a running session has this many commits since the session started.
    CommitsSeen { session: SessionId, commits: u32 },
    /// The agent of a running session reported its usage so far, and the limit that it waits for, if any.
    SessionReported { session: SessionId, usage: Usage, waits: Option<Failure> },
    /// An effect or a background job panicked.
    Panicked(Panicked),
    /// Something else than a file stands where a file is read.
    FileBlocked { project: Option<ProjectSlug>, path: String, what: String, doing: String },
    /// An effect or a background job has been going on for far longer than it ever takes.
    WorkHangs { project: Option<ProjectSlug>, doing: String, seconds: u64 },
    /// A file that Paddock works with was deleted or replaced, and is back. `kept`: new name of the other
    /// file.
    FilePutBack { path: String, was_replaced: bool, kept: Option<String> },
    /// A `notify` command of the user failed.
    NotifyFailed { project: ProjectSlug, run: String, problem: Problem },
    /// The facts that a session left cannot be read now, since the project's repository cannot be used at all.
    HarvestWaits { session: SessionId, problem: Problem },
    /// The facts that a session left were read, or could not be.
    Harvested { session: SessionId, facts: Result<Box<HarvestFacts>, Problem> },
    /// The merges of a [`Effect::MakeCandidate`] were tried.
    CandidateAnswered {
        project: ProjectSlug,
        members: Vec<EntryId>,
        onto: ObjectId,
        ahead: bool,
        answer: CandidateAnswer,
    },
    /// A work branch was seen at this head.
    BranchSeen { objective: ObjectiveKey, head: ObjectId },
    /// The integration tip is the user's own commit and has this tree.
    ExternalSeen { project: ProjectSlug, commit: ObjectId, tree: ObjectId },
    /// A tree for a side run was made, or could not be.
    TreePrepared { project: ProjectSlug, side_tree: SideTree, result: Result<SideTreeAnswer, Problem> },
    /// Free bytes in each of the places where the project's gates work.
    DiskSpaceSeen { project: ProjectSlug, free: Vec<u64> },
    /// The gate worktree of a slot was removed, or could not be.
    GateFolderRemoved { project: ProjectSlug, slot: u32, result: Result<(), Problem> },
    /// The target branch was pushed, or could not be.
    PushAnswered { project: ProjectSlug, commit: ObjectId, result: Result<(), PushWait> },
    /// The remote's branch was fetched and compared with `tip`, or could not be.
    RemoteFetched { project: ProjectSlug, tip: ObjectId, result: Result<(Fetched, Relation), PullFailure> },
    /// The target branch was fast-forwarded to a fetched commit, or could not be.
    TargetForwarded { project: ProjectSlug, to: ObjectId, answer: PublishAnswer },
    /// The branch that the target branch follows was compared with it, as it was last fetched.
    UpstreamSeen { project: ProjectSlug, upstream: Option<Upstream> },
    /// A gate run ended. `results` is `None` if its keeper vanished or the run could not be started.
    GateExited { gate: GateId, results: Option<Vec<CommandResult>>, from_nothing: bool },
    /// The tests of a run on a candidate were compared with those on its base, or could not be.
    TestsCompared { project: ProjectSlug, wanted: Box<Compare>, result: Result<Box<Comparison>, Problem> },
    /// The results of a phase's checks were read: the checks that failed, in order. The run stops at the
    /// first failure, so later checks did not run.
    ChecksRead { gate: GateId, failed: Result<Vec<FailedCheck>, Problem> },
    /// The plan of a planner session was read, or could not be.
    PlanRead { session: SessionId, facts: Result<Box<PlanFacts>, Problem> },
    /// The landing of this commit was tried. `entry` is its first member.
    LandingAnswered { project: ProjectSlug, entry: EntryId, commit: ObjectId, answer: LandingAnswer },
    /// A proof was written and has this SHA-256, or could not be.
    ProofWritten { project: ProjectSlug, commit: ObjectId, result: Result<String, Problem> },
    /// A publication was tried.
    PublishAnswered { project: ProjectSlug, to: ObjectId, answer: PublishAnswer },
}
