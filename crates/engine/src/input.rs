//! Inputs: everything that can come in, in one closed list.
//!
//! Answers of effects carry what they were ordered for (an epoch, a commit, a number), so that a late
//! answer to an outdated order is ignored by construction.

use std::fmt;

use super::effect::Effect;
use paddock_model::bypass::BypassFacts;
use paddock_model::command::{Command, StopMode};
use paddock_model::facts::{
    Carried, Collision, HarvestFacts, PlanFacts, TargetFacts, TargetKey, TrustRecord,
};
use paddock_model::failure::Failure;
use paddock_model::gate::CommandResult;
use paddock_model::ids::{EntryId, GateId, ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::path::RepoPath;
use paddock_model::planning::FailedCheck;
use paddock_model::project::PublicationWait;
use paddock_model::reason::ReasonCode;
use paddock_model::session::ProcessEnd;
use paddock_model::settings::ProjectSettings;
use paddock_model::side_runs::{Prepared, PushWait, SideTree};
use paddock_model::train::Link;
use paddock_model::usage::Usage;

/// Why something could not be done, as the shell reports it: a sentence for people and agents.
///
/// Decisions rest on the input that carries it and on nothing in the text, which is recorded and shown. What a decision
/// has to know of a failure is a variant of its own, such as [`CandidateAnswer::Unsigned`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(String);

impl Problem {
    /// What an error says of itself.
    #[must_use]
    pub fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }

    /// The sentence.
    #[must_use]
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The sentence, to be recorded.
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

/// A chain of merges, as far as it could be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainMade {
    /// The tree of the tip that it was made on.
    pub onto_tree: ObjectId,
    /// Its prefixes, shortest first, of the members that go together.
    pub links: Vec<Link>,
    /// Members that go together with the tip, and not with those before them.
    pub separate: Vec<EntryId>,
    /// Whether the messages say that the trees were verified.
    pub sealed: bool,
    /// Members that do not go together with the tip.
    pub conflicts: Vec<MemberConflict>,
    /// Members whose branch is no longer at the pinned head.
    pub moved: Vec<EntryId>,
}

/// A member and the tip do not go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberConflict {
    /// The entry.
    pub entry: EntryId,
    /// The files.
    pub paths: Vec<RepoPath>,
    /// What git says of them, cut to 2 kB.
    pub text: String,
}

/// How merges in memory went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CandidateAnswer {
    /// They are made, as far as they can be.
    Made(Box<ChainMade>),
    /// Git could not sign it with the user's key.
    Unsigned(Problem),
    /// It could not be tried.
    Failed(Problem),
}

/// How a landing went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LandingAnswer {
    /// The ref is at the commit, or beyond it.
    Landed,
    /// The ref is somewhere else.
    Moved {
        /// Where.
        found: Option<ObjectId>,
    },
    /// The branch of this entry is no longer at the pinned head; nothing moved.
    HeadMoved {
        /// The entry.
        entry: EntryId,
    },
    /// The check at run time found that it would break the queue's promise.
    SelfCheckFailed(Problem),
    /// It could not be tried.
    Failed(Problem),
}

/// How publishing went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishAnswer {
    /// The target branch holds the commit.
    Published,
    /// Something of the user is in the way.
    Waits(PublicationWait),
    /// The target branch is no longer where it was, or gone: it has to be looked at.
    Moved,
}

/// What panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked {
    /// The project that it worked for; none: it is nothing of a project's.
    pub project: Option<ProjectSlug>,
    /// What was being done, for people.
    pub doing: String,
    /// The effect that is to be reconciled; none: what was done is done again by itself.
    pub effect: Option<Effect>,
    /// What the panic said, and where.
    pub problem: String,
}

/// What comes in.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields say what the variant's line says of them")]
pub enum Input {
    /// A supervisor takes up work.
    Started { pid: u32, version: String },
    /// Time has passed; the phases run for every project.
    Tick,
    /// The user's day began at this time, or is the one that a supervisor starts in.
    DayBegan { since_ms: i64 },
    /// The wall clock and the machine's time awake went apart by so many milliseconds.
    ClockJumped { by_ms: i64 },
    /// A person asks.
    Command(Box<Command>),
    /// The supervisor shall stop.
    Stop(StopMode),
    /// Everything that had to end has ended.
    Stopped(StopMode),
    /// A project file was read again.
    ConfigRead { project: ProjectSlug, settings: Result<Box<ProjectSettings>, Problem> },
    /// The same file, and which target branch it names, if any.
    TargetKeyRead { project: ProjectSlug, key: Option<TargetKey> },
    /// The integration ref was made, or was there already.
    IntegrationMade { project: ProjectSlug, tip: Result<ObjectId, Problem> },
    /// The target branch was looked at.
    TargetLooked { project: ProjectSlug, facts: TargetFacts },
    /// Before that: the target branch holds work of an objective that did not pass the queue.
    BypassSeen { project: ProjectSlug, found: BypassFacts },
    /// The repository could not be looked at.
    RepositoryFailed { project: ProjectSlug, problem: Problem },
    /// It can be looked at again.
    RepositoryFine { project: ProjectSlug },
    /// The configuration that can run programs was read.
    TrustRead { project: ProjectSlug, trust: TrustRecord },
    /// A landing carries a person's agreement on, from what was agreed to before.
    AgreementCarried { project: ProjectSlug, carried: Carried },
    /// Something outside stops a project, or no longer does (disk, claim).
    HoldSeen { project: ProjectSlug, code: ReasonCode, text: Option<String>, clears: String },
    /// Live branches were merged in memory with each other and with the tip: those that do not merge.
    CollisionsSeen { project: ProjectSlug, collisions: Vec<Collision> },
    /// The move onto the user's own commits.
    ExternalMoved { project: ProjectSlug, to: ObjectId, result: Result<(), Problem> },
    /// The target branch as adopted, and landings that it does not hold.
    TargetAdopted { project: ProjectSlug, result: Result<(ObjectId, Vec<ObjectiveId>), Problem> },
    /// A worktree was made, or not.
    WorktreeAnswered { objective: ObjectiveKey, epoch: u64, result: Result<(), Problem> },
    /// A worktree was removed; commits that appeared after the landing are kept under this ref.
    WorktreeRemoved { objective: ObjectiveKey, late: Option<String> },
    /// An agent runs.
    SessionStarted { session: SessionId, pid: u32 },
    /// A session of an earlier supervisor was found again: by its keeper's count the machine was awake for so long.
    SessionAwake { session: SessionId, awake_ms: i64 },
    /// A session could not be handed to the runner at all.
    SessionRefused { session: SessionId, problem: Problem },
    /// A session's processes are gone.
    SessionExited { session: SessionId, process: ProcessEnd },
    /// A session's keeper vanished without a record.
    SessionLost { session: SessionId },
    /// So many commits are on a running session's branch since it started.
    CommitsSeen { session: SessionId, commits: u32 },
    /// A running session's agent told what it has used so far, and what it waits for: until `reset_ms` of that.
    SessionReported { session: SessionId, usage: Usage, waits: Option<Failure> },
    /// Something that was done for a project, or for all, panicked.
    Panicked(Panicked),
    /// A command that was to be told of an event failed.
    NotifyFailed { project: ProjectSlug, run: String, problem: Problem },
    /// What a session left was read, or could not be.
    Harvested { session: SessionId, facts: Result<Box<HarvestFacts>, Problem> },
    /// Merges were made, or not.
    CandidateAnswered {
        project: ProjectSlug,
        members: Vec<EntryId>,
        onto: ObjectId,
        ahead: bool,
        answer: CandidateAnswer,
    },
    /// A branch was seen at this head.
    BranchSeen { objective: ObjectiveKey, head: ObjectId },
    /// The tree of the integration tip, when that is the user's own commit.
    ExternalSeen { project: ProjectSlug, commit: ObjectId, tree: ObjectId },
    /// A tree for a run beside the queue was made, or does not merge, or could not be made.
    TreePrepared { project: ProjectSlug, side_tree: SideTree, result: Result<Option<Prepared>, Problem> },
    /// So many bytes are free in each of the places where the project's gates work.
    DiskSpaceSeen { project: ProjectSlug, free: Vec<u64> },
    /// The gate worktree of a slot was removed, or not.
    GateFolderRemoved { project: ProjectSlug, slot: u32, result: Result<(), Problem> },
    /// The target branch was pushed, or not.
    PushAnswered { project: ProjectSlug, commit: ObjectId, result: Result<(), PushWait> },
    /// A gate run ended; none: its keeper vanished, or it could not be started.
    GateExited { gate: GateId, results: Option<Vec<CommandResult>> },
    /// What a run of a phase's checks said, in the order of its checks; those after the first that failed were
    /// not run. An error: it could not be read.
    ChecksRead { gate: GateId, failed: Result<Vec<FailedCheck>, Problem> },
    /// The plan that a planner run ended with was read.
    PlanRead { session: SessionId, facts: Result<Box<PlanFacts>, Problem> },
    /// The landing of this commit, whose first member is the entry, was tried.
    LandingAnswered { project: ProjectSlug, entry: EntryId, commit: ObjectId, answer: LandingAnswer },
    /// A proof was written: the SHA-256 of its text.
    ProofWritten { project: ProjectSlug, commit: ObjectId, result: Result<String, Problem> },
    /// Publishing was tried.
    PublishAnswered { project: ProjectSlug, to: ObjectId, answer: PublishAnswer },
}
