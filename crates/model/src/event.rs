//! Events: everything that happens, as it is recorded for good.
//!
//! An event holds outcomes and the settings that were used, so that applying it asks nothing else.
//! Stored shapes are never flattened or untagged; each fact has a version, and a golden file per version
//! stands in `tests/golden/events`.

mod durability;

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, EnumIter, IntoStaticStr};

use super::agent::{Check, Cooldown};
use super::budget::DayLimit;
use super::bypass::BypassFacts;
use super::command::StopMode;
use super::facts::{Collision, RepositoryFacts, TrustRecord};
use super::failure::Failure;
use super::gate::{CommandResult, Purpose, Verdict, first_slot};
use super::hierarchy::{Level, NodeKey, Stage};
use super::ids::{
    AgentId, EntryId, GateId, NodeId, ObjectId, ObjectiveId, ObjectiveKey, Person, ProjectSlug, SessionId,
    WorkerId,
};
use super::objective::{Cause, NextSession, ObjectiveSpec, Status};
use super::operate::{Approval, By};
use super::path::RepoPath;
use super::plan::{PhaseCheck, PlanDocument};
use super::planning::Belief;
use super::planning::FailedCheck;
use super::project::PublicationWait;
use super::reason::{Reason, ReasonCode};
use super::session::{Harvest, Over, ProcessEnd, Resume, SessionBudget, SessionEnd, SessionKind, Stop};
use super::settings::{GateCommand, ProjectSettings};
use super::side_runs::PushWait;
use super::slot_tuning::SlotsFound;
use super::train::{Candidate, Link, Subject};
use super::usage::{Account, Usage};

/// One recorded fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number in the log, from 1, without gaps.
    pub seq: u64,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub fact: Fact,
}

/// What a session was planned to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionPlan {
    /// Its number.
    pub session: SessionId,
    /// What it is for.
    pub kind: SessionKind,
    /// The agent.
    pub agent: AgentId,
    /// The worker.
    pub worker: WorkerId,
    /// The how-manieth session of its objective, from 1.
    pub attempt: u32,
    /// Its limits.
    pub budget: SessionBudget,
    /// The branch head that it starts from.
    pub from: ObjectId,
    /// Ready objectives with an overlapping scope that stood before it and were overtaken.
    pub overtook: Vec<ObjectiveId>,
    /// The agent's conversation that it goes on with.
    #[serde(default)]
    pub resume: Option<Resume>,
}

/// Why an entry left the queue without landing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// The gate was red on it.
    Red,
    /// It does not merge.
    Conflict {
        /// The files, at most twenty.
        paths: Vec<RepoPath>,
    },
    /// The branch head is no longer the pinned one.
    HeadMoved,
    /// It cannot land: why.
    Refused(String),
    /// What it would land is landed already, or was replaced by a newer one.
    Superseded,
    /// A person took it out.
    Withdrawn,
}

/// What happened. The names are stored: add variants, never rename them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(name(FactKind), doc = "The types of [`Fact`], without their data.")]
#[strum_discriminants(derive(PartialOrd, Ord, Hash, EnumIter, IntoStaticStr))]
#[strum_discriminants(strum(serialize_all = "snake_case"))]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields say what the variant's line says of them")]
pub enum Fact {
    /// A supervisor took up work.
    SupervisorStarted { pid: u32, version: String },
    /// It laid work down in order: how.
    SupervisorStopped { mode: StopMode },
    /// A repository came under management.
    ProjectAdded { project: ProjectSlug, settings: Box<ProjectSettings>, repository: RepositoryFacts },
    /// Its settings changed.
    ProjectConfigured { project: ProjectSlug, settings: Box<ProjectSettings> },
    /// A person lets it be worked on, or not.
    ProjectEnabled { project: ProjectSlug, enabled: bool },
    /// A person paused or resumed dispatch and planner.
    ProjectPaused { project: ProjectSlug, paused: bool },
    /// A person agreed to its configuration as it is now; or this landing carries the agreement on.
    ProjectTrusted {
        project: ProjectSlug,
        trust: TrustRecord,
        #[serde(default)]
        landing: Option<ObjectId>,
    },
    /// It is no longer managed; its objectives are forgotten, its refs and branches stay.
    ProjectRemoved { project: ProjectSlug },
    /// Something stops it.
    ProjectHeld { project: ProjectSlug, reason: Reason },
    /// That no longer stops it.
    ProjectReleased { project: ProjectSlug, code: ReasonCode },
    /// An agent could not be started.
    AgentUnusable { project: ProjectSlug, agent: AgentId, problem: String },
    /// Agents that could not be started may be tried again.
    AgentsReset { project: ProjectSlug },
    /// No session is started with an agent for a while, in any project.
    AgentCooled {
        agent: AgentId,
        project: Option<ProjectSlug>,
        session: Option<SessionId>,
        cooldown: Box<Cooldown>,
    },
    /// An agent needs a person before it can work: not logged in.
    AgentLocked { agent: AgentId, project: Option<ProjectSlug>, session: Option<SessionId>, failure: Failure },
    /// An agent may be tried again at once: why.
    AgentFreed { agent: AgentId, why: String },
    /// A person lets an agent be used, or not, in any project.
    AgentEnabled { agent: AgentId, enabled: bool, by: Person },
    /// A person had an agent checked.
    AgentChecked { agent: AgentId, check: Check },
    /// The user's day began at this time; what running sessions had used by then counts to the day before.
    DayBegan { since_ms: i64, carried: Vec<(SessionId, Usage)> },
    /// The wall clock went on by so many milliseconds more than the machine was awake: it slept, or somebody set the
    /// clock; less than 0: it was set back.
    ClockJumped { by_ms: i64 },
    /// By its keeper's count a session was awake for less (or, below 0, for more) than was taken for granted while no
    /// supervisor looked: the machine slept, or somebody set the clock.
    SessionSlept { objective: ObjectiveKey, session: SessionId, by_ms: i64 },
    /// A command of the user's that was to be told of an event failed.
    NotifyFailed { project: ProjectSlug, run: String, problem: String },
    /// Something that Paddock did, most often an effect, panicked: a fault of Paddock itself. So many times since
    /// the supervisor started.
    EffectPanicked { project: Option<ProjectSlug>, doing: String, problem: String, times: u32 },
    /// A project has spent what it may in a day.
    BudgetExhausted { project: ProjectSlug, what: DayLimit, limit: String },
    /// Its integration ref exists.
    IntegrationMade { project: ProjectSlug, tip: ObjectId },
    /// The user's target branch was seen at another commit, or gone.
    TargetSeen { project: ProjectSlug, target: Option<ObjectId> },
    /// Intent: the integration ref is to move on to the user's own commits.
    ExternalIntended { project: ProjectSlug, from: ObjectId, to: ObjectId },
    /// The integration ref moved on to the user's own commits.
    ExternalAdopted { project: ProjectSlug, from: ObjectId, to: ObjectId },
    /// That move was not possible: the ref was elsewhere.
    ExternalAbandoned { project: ProjectSlug, to: ObjectId, problem: String },
    /// The user's commits and landed work do not go together; not tried again for this commit.
    ExternalRefused { project: ProjectSlug, target: ObjectId },
    /// Intent: a person wants the target branch taken as it is.
    AdoptionIntended { project: ProjectSlug, from: ObjectId },
    /// That was not possible: why. Nothing moved.
    AdoptionAbandoned { project: ProjectSlug, problem: String },
    /// The project lands on another branch from now on: the integration ref of `branch` is to be at `tip`, of which
    /// the branch holds `published`; the landings `lost` are in neither. `from_branch` is empty when there was
    /// none.
    TargetSet {
        project: ProjectSlug,
        from_branch: String,
        branch: String,
        tip: ObjectId,
        published: ObjectId,
        lost: Vec<ObjectiveId>,
    },
    /// A person took the target branch as it is; these landings are no longer in it.
    TargetAdopted { project: ProjectSlug, from: ObjectId, to: ObjectId, lost: Vec<ObjectiveId> },
    /// A person wants landed work on the target branch again, from this commit on.
    RepublishAsked { project: ProjectSlug, published: ObjectId },
    /// The target branch holds this commit.
    Published { project: ProjectSlug, to: ObjectId },
    /// Publishing waits for the user.
    PublicationWaits { project: ProjectSlug, wait: PublicationWait },
    /// Other branches than before will not merge; found in memory, before their turn.
    CollisionsSeen { project: ProjectSlug, collisions: Vec<Collision> },
    /// Publishing no longer waits, or is to be tried again.
    PublicationFreed { project: ProjectSlug },
    /// An objective was added.
    ObjectiveAdded { objective: ObjectiveKey, spec: Box<ObjectiveSpec> },
    /// A person changed what is asked for.
    ObjectiveEdited { objective: ObjectiveKey, spec: Box<ObjectiveSpec> },
    /// A person had it forgotten.
    ObjectiveDeleted { objective: ObjectiveKey },
    /// It may change more paths from now on.
    ScopeWidened { objective: ObjectiveKey, globs: Vec<String>, by: By },
    /// A person wrote something for its next session.
    HumanNote { objective: ObjectiveKey, by: Person, note: String },
    /// A person approved it.
    ObjectiveApproved { objective: ObjectiveKey, approval: Box<Approval> },
    /// A person wants it paused when its session ends, or no longer.
    PauseAsked { objective: ObjectiveKey, asked: bool },
    /// A goal, milestone or phase was added.
    #[serde(rename = "aim_added")]
    #[strum_discriminants(strum(serialize = "aim_added"))]
    NodeAdded {
        project: ProjectSlug,
        #[serde(rename = "aim")]
        node: NodeKey,
        title: String,
        description: String,
        parent: Option<NodeId>,
    },
    /// A person changed it.
    #[serde(rename = "aim_edited")]
    #[strum_discriminants(strum(serialize = "aim_edited"))]
    NodeEdited {
        project: ProjectSlug,
        #[serde(rename = "aim")]
        node: NodeKey,
        title: String,
        description: String,
        parent: Option<NodeId>,
    },
    /// It became active, completed, or planned again.
    #[serde(rename = "aim_moved")]
    #[strum_discriminants(strum(serialize = "aim_moved"))]
    NodeMoved {
        project: ProjectSlug,
        #[serde(rename = "aim")]
        node: NodeKey,
        level: Level,
        to: Stage,
    },
    /// The nodes of a level stand in this order from now on, as a document has them.
    #[serde(rename = "aims_ordered")]
    #[strum_discriminants(strum(serialize = "aims_ordered"))]
    NodesOrdered { project: ProjectSlug, level: Level, order: Vec<NodeId> },
    /// The checks of a phase are these; `by` is whose: people's and the planner's stand beside each other.
    PhaseChecksSet {
        project: ProjectSlug,
        #[serde(rename = "aim")]
        node: NodeKey,
        checks: Vec<PhaseCheck>,
        by: By,
    },
    /// Every check of a phase passed.
    PhaseChecksPassed {
        project: ProjectSlug,
        #[serde(rename = "aim")]
        node: NodeKey,
        gate: GateId,
    },
    /// Checks of a phase failed.
    PhaseChecksFailed {
        project: ProjectSlug,
        #[serde(rename = "aim")]
        node: NodeKey,
        gate: GateId,
        failed: Vec<FailedCheck>,
    },
    /// A run of them told nothing: it was cancelled, lost, or could not be read.
    PhaseChecksLost {
        project: ProjectSlug,
        #[serde(rename = "aim")]
        node: NodeKey,
        gate: GateId,
        problem: String,
    },
    /// A person wants a plan now.
    PlanAsked { project: ProjectSlug },
    /// A planner run brought a plan without faults; `waits`: a person has to approve it.
    PlanMade {
        project: ProjectSlug,
        session: SessionId,
        phase: Option<NodeId>,
        plan: Box<PlanDocument>,
        warnings: Vec<String>,
        waits: bool,
    },
    /// A planner run brought a plan with faults; nothing of it is used.
    PlanRefused { project: ProjectSlug, session: SessionId, faults: Vec<String> },
    /// A planner run ended without any plan: how.
    PlanMissed { project: ProjectSlug, session: SessionId, problem: String, counts: bool },
    /// A plan became objectives; no session: a person wrote it.
    PlanApplied {
        project: ProjectSlug,
        session: Option<SessionId>,
        phase: Option<NodeId>,
        objectives: Vec<ObjectiveId>,
        /// Of a planner's plan without objectives: what it rests on.
        #[serde(default)]
        belief: Option<Belief>,
    },
    /// A person rejected a plan.
    PlanRejected { project: ProjectSlug, session: SessionId, note: String },
    /// No planner run starts until a person does something.
    PlannerHeld { project: ProjectSlug, reason: Reason },
    /// Planner runs may start again.
    PlannerReleased { project: ProjectSlug },
    /// It moved to another state.
    ObjectiveMoved {
        objective: ObjectiveKey,
        from: Status,
        to: Status,
        cause: Cause,
        reason: Option<Reason>,
        next: Option<NextSession>,
    },
    /// Its worktree is to be made.
    WorktreeOrdered { objective: ObjectiveKey, path: String, branch: String, base: ObjectId, epoch: u64 },
    /// Its worktree is there.
    WorktreeMade { objective: ObjectiveKey },
    /// Its worktree could not be made.
    WorktreeFailed { objective: ObjectiveKey, problem: String, again_ms: i64 },
    /// Its worktree is to be removed: the work is published.
    WorktreeRetired { objective: ObjectiveKey },
    /// Its worktree is gone.
    WorktreeRemoved { objective: ObjectiveKey },
    /// Intent: a session is to start.
    SessionPlanned { objective: ObjectiveKey, plan: SessionPlan },
    /// Its agent runs.
    SessionStarted { objective: ObjectiveKey, session: SessionId, pid: u32 },
    /// It is asked to stop.
    SessionStopping { objective: ObjectiveKey, session: SessionId, stop: Stop, now: bool },
    /// A person gave it more.
    SessionExtended { objective: ObjectiveKey, session: SessionId, budget: SessionBudget },
    /// So much has it used so far, as its agent tells.
    SessionUsed { objective: ObjectiveKey, session: SessionId, usage: Usage },
    /// Its processes are gone; none: its keeper vanished without a record.
    SessionExited { objective: ObjectiveKey, session: SessionId, process: Option<ProcessEnd> },
    /// What it left was read, and it is over.
    SessionHarvested {
        objective: ObjectiveKey,
        session: SessionId,
        end: SessionEnd,
        harvest: Option<Harvest>,
        over_commits: bool,
        /// Other limits that it was above by then: an agent may tell what it used at its end only.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        over: Vec<Over>,
        problem: Option<String>,
        #[serde(default)]
        account: Box<Account>,
    },
    /// A branch head, or the user's commits, entered the queue.
    EntryQueued { project: ProjectSlug, entry: EntryId, subject: Subject, head: ObjectId, priority: i32 },
    /// It changed tests that its scope does not name: it waits until the gate has run with these as they were.
    GuardAsked { project: ProjectSlug, entry: EntryId, paths: Vec<RepoPath> },
    /// The gate was green with them as they were.
    GuardPassed { project: ProjectSlug, entry: EntryId, gate: GateId },
    /// That could not be tried: why. What comes of its merge is judged as always.
    GuardGivenUp { project: ProjectSlug, entry: EntryId, why: String },
    /// The gate is to be tried on an emptied tree.
    CanaryAsked { project: ProjectSlug },
    /// What it said of that: green means that it checks nothing.
    CanaryJudged { project: ProjectSlug, gate: Option<GateId>, verdict: Verdict, terms: String },
    /// What the gate says of the user's own commits that were taken in.
    ExternalJudged { project: ProjectSlug, commit: ObjectId, gate: Option<GateId>, verdict: Verdict },
    /// The target branch holds work of an objective that did not pass the queue.
    QueueBypassed { project: ProjectSlug, found: BypassFacts },
    /// A person says that it is meant.
    BypassAccepted { project: ProjectSlug },
    /// The target branch is at the user's remote.
    Pushed { project: ProjectSlug, remote: String, commit: ObjectId },
    /// It could not be pushed; tried again by itself.
    PushWaits { project: ProjectSlug, remote: String, wait: PushWait },
    /// A chain of merges is to be made, of these members; or the merge of one entry ahead of its turn.
    CandidateOrdered {
        project: ProjectSlug,
        /// The first of the members.
        entry: EntryId,
        onto: ObjectId,
        #[serde(default)]
        members: Vec<EntryId>,
        #[serde(default)]
        ahead: bool,
    },
    /// The merges are made: the last one, and each prefix. Those in `separate` wait for their turn.
    CandidateMade {
        project: ProjectSlug,
        entry: EntryId,
        candidate: Candidate,
        #[serde(default)]
        links: Vec<Link>,
        #[serde(default, rename = "apart")]
        separate: Vec<EntryId>,
        #[serde(default)]
        ahead: bool,
    },
    /// They could not be made for an outside reason.
    CandidateFailed {
        project: ProjectSlug,
        entry: EntryId,
        problem: String,
        again_ms: i64,
        #[serde(default)]
        ahead: bool,
    },
    /// What was made for it, and with it, is outdated.
    EntryReset { project: ProjectSlug, entry: EntryId },
    /// It left the queue without landing.
    EntryDropped { project: ProjectSlug, entry: EntryId, subject: Subject, why: Dropped },
    /// The queue is held.
    QueueHeld { project: ProjectSlug, reason: Reason },
    /// The queue goes on.
    QueueReleased { project: ProjectSlug },
    /// Intent: a gate run is to start.
    GatePlanned {
        project: ProjectSlug,
        gate: GateId,
        /// The first of the purpose's entries; 0 when it has none.
        #[serde(default)]
        entry: EntryId,
        commit: ObjectId,
        tree: ObjectId,
        /// Whether the purpose is the base.
        #[serde(default)]
        on_base: bool,
        #[serde(default)]
        terms: String,
        #[serde(default)]
        purpose: Option<Purpose>,
        #[serde(default = "first_slot")]
        slot: u32,
        #[serde(default)]
        commands: Vec<GateCommand>,
    },
    /// What it runs for is outdated.
    GateCancelled { project: ProjectSlug, gate: GateId },
    /// It ended.
    GateEnded { project: ProjectSlug, gate: GateId, verdict: Verdict, results: Vec<CommandResult> },
    /// It was measured how many gate runs at once are worth it (`queue.slots: auto`).
    SlotsMeasured { project: ProjectSlug, terms: String, found: SlotsFound },
    /// The gate worktree of a slot that is not needed was removed; its caches with it.
    GateFolderRemoved { project: ProjectSlug, slot: u32 },
    /// A tree got two verdicts under the same terms: the gate is flaky. Nobody is blamed.
    FlakeSeen { project: ProjectSlug, tree: ObjectId, earlier: GateId, gate: GateId },
    /// The tree of an entry's merge is green already, by this run: it is not run again.
    VerdictReused { project: ProjectSlug, entry: EntryId, gate: GateId },
    /// Intent: the integration ref is to move to this merge.
    LandingIntended {
        project: ProjectSlug,
        /// The first of the members.
        entry: EntryId,
        candidate: Candidate,
        gate: Option<GateId>,
        #[serde(default)]
        members: Vec<EntryId>,
    },
    /// The integration ref moved to it: one event for each member.
    Landed {
        project: ProjectSlug,
        entry: EntryId,
        subject: Subject,
        candidate: Candidate,
        head: ObjectId,
        verified: bool,
        #[serde(default)]
        gate: Option<GateId>,
        /// All that landed together, in order.
        #[serde(default)]
        members: Vec<EntryId>,
    },
    /// The proof of a landing is written: a git note with this SHA-256.
    ProofWritten { project: ProjectSlug, commit: ObjectId, sha256: String },
    /// It could not: the ref was elsewhere, or a check failed. Nothing moved.
    LandingAbandoned { project: ProjectSlug, entry: EntryId, problem: String },
}

/// How safe an event has to be before anything follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Survives the death of the process.
    Process,
    /// Survives power loss.
    Power,
}

impl Fact {
    /// The version of the stored shape.
    pub const VERSION: u32 = 1;

    /// Returns its type.
    #[must_use]
    pub fn kind(&self) -> FactKind {
        self.into()
    }
}

impl FactKind {
    /// Returns the name under which it is stored, in `snake_case`.
    #[must_use]
    pub fn stored(self) -> &'static str {
        self.into()
    }

    /// Iterates over every type, in the order of the list.
    pub fn all() -> impl Iterator<Item = Self> {
        <Self as strum::IntoEnumIterator>::iter()
    }
}
