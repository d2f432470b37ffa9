//! Events: the permanent record of everything that happens in a workspace.
//!
//! An event records an outcome, together with the settings that led to it.
//! [`State::apply`](crate::state::State::apply) therefore needs nothing but the event and the state.
//!
//! Recorded events are never rewritten, so every shape that was ever stored must stay readable: a new field
//! gets `#[serde(default)]`, a renamed one keeps its stored name, and no shape is flattened or untagged.
//! `tests/golden/events` holds recorded events of every version, which the tests read back.

mod durability;

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, EnumIter, IntoStaticStr};

use super::agent::{Check, Cooldown};
use super::budget::DayLimit;
use super::bypass::BypassFacts;
use super::command::StopMode;
use super::evidence::{Comparison, Outcome};
use super::facts::{Collision, Relation, RepositoryFacts, TrustRecord};
use super::failure::Failure;
use super::gate::{CommandResult, Purpose, Start, Verdict, first_slot};
use super::hierarchy::{Level, NodeKey, Stage};
use super::ids::{
    AgentId, EntryId, GateId, NodeId, ObjectId, ObjectiveId, ObjectiveKey, Person, ProjectSlug, SessionId,
    WorkerId,
};
use super::keeper::KeeperTrouble;
use super::marks::Mark;
use super::objective::{Cause, NextSession, ObjectiveSpec, Status};
use super::operate::{Approval, By};
use super::path::RepoPath;
use super::plan::{PhaseCheck, PlanDocument};
use super::planning::Belief;
use super::planning::FailedCheck;
use super::project::PublicationWait;
use super::reason::{Reason, ReasonCode};
use super::refs::MovedRef;
use super::session::{Harvest, Over, ProcessEnd, Resume, SessionBudget, SessionEnd, SessionKind, Stop};
use super::settings::{GateCommand, ProjectSettings};
use super::side_runs::{Doubtful, Fetched, PullFailure, PushWait, Upstream};
use super::slot_tuning::SlotsFound;
use super::train::{Candidate, Link, Subject};
use super::usage::{Account, Usage};

/// One recorded fact, with its place in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Sequence number in the log: 1, 2, 3, … without gaps.
    pub seq: u64,
    /// When it was recorded, in Unix milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub fact: Fact,
}

/// The plan of a session, decided before its agent starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionPlan {
    /// The session's number.
    pub session: SessionId,
    /// What the session is for.
    pub kind: SessionKind,
    /// The agent that runs.
    pub agent: AgentId,
    /// The worker that the agent runs as.
    pub worker: WorkerId,
    /// Ordinal of the session among those of its objective, from 1.
    pub attempt: u32,
    /// The session's limits.
    pub budget: SessionBudget,
    /// Head of the work branch when the session starts.
    pub from: ObjectId,
    /// Ready objectives that were ahead of this one, overlap its scope, and were passed over.
    pub overtook: Vec<ObjectiveId>,
    /// The agent's earlier conversation that the session resumes; `None` if it starts a new one.
    #[serde(default)]
    pub resume: Option<Resume>,
}

/// Why an entry left the queue without landing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// The gate was red on the entry's merge.
    Red,
    /// The branch does not merge with the integration tip.
    Conflict {
        /// The files in conflict, at most twenty.
        paths: Vec<RepoPath>,
    },
    /// The head of the branch is no longer the one that was approved.
    HeadMoved,
    /// The entry cannot land, for this reason.
    Refused(String),
    /// The entry's commits have landed already, or a newer entry replaced it.
    Superseded,
    /// A person took the entry out (`queue drop`).
    Withdrawn,
}

/// What happened. Variants and fields are stored under these names: add new ones, never rename the old.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(name(FactKind), doc = "The types of [`Fact`], without their data.")]
#[strum_discriminants(derive(PartialOrd, Ord, Hash, EnumIter, IntoStaticStr))]
#[strum_discriminants(strum(serialize_all = "snake_case"))]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's line explains its fields")]
pub enum Fact {
    /// A supervisor started.
    SupervisorStarted { pid: u32, version: String },
    /// A supervisor stopped (a crash records nothing); `mode` says what happened to running sessions.
    SupervisorStopped { mode: StopMode },
    /// A file that Paddock works with was deleted, or replaced by another one, while it was in use, and is
    /// back with its content: the database, the workspace's lock or a repository's claim. `kept` is the new
    /// name of the file that had taken its place.
    FilePutBack { path: String, was_replaced: bool, kept: Option<String> },
    /// A person added a repository as a project. `agents_may_plan`: every agent may plan that does not say
    /// `planner: false`; builds that did not record it asked for `planner: true`.
    ProjectAdded {
        project: ProjectSlug,
        settings: Box<ProjectSettings>,
        repository: RepositoryFacts,
        #[serde(default)]
        agents_may_plan: bool,
    },
    /// The settings of a project changed.
    ProjectConfigured { project: ProjectSlug, settings: Box<ProjectSettings> },
    /// A person enabled or disabled a project.
    ProjectEnabled { project: ProjectSlug, enabled: bool },
    /// A person paused or resumed a project: dispatch and planner, not the merge queue.
    ProjectPaused { project: ProjectSlug, paused: bool },
    /// A person trusted the project's current configuration, or the landing of commit `landing`, which
    /// changes that configuration within the agreed scope, extended the trust.
    ProjectTrusted {
        project: ProjectSlug,
        trust: TrustRecord,
        #[serde(default)]
        landing: Option<ObjectId>,
    },
    /// The entries of the configuration that can run programs and are switched off, because nobody agreed to
    /// them, are now these: their names, sorted. Empty once nothing is switched off any more.
    ConfigSwitchedOff { project: ProjectSlug, entries: Vec<String> },
    /// The set-up command of worktrees changes tracked files, or leaves files that no rule ignores: the first
    /// of them.
    SetUpLeft { project: ProjectSlug, paths: Vec<RepoPath> },
    /// The entries of `worktree.copy` that stand for nothing are now these. Empty once there are none.
    CopiesMissed { project: ProjectSlug, entries: Vec<String> },
    /// A person removed a project. Its objectives are forgotten; its refs and branches stay in the
    /// repository.
    ProjectRemoved { project: ProjectSlug },
    /// A project was put on hold for `reason`.
    ProjectHeld { project: ProjectSlug, reason: Reason },
    /// The hold `code` on a project was lifted.
    ProjectReleased { project: ProjectSlug, code: ReasonCode },
    /// An agent could not be started for a project.
    AgentUnusable { project: ProjectSlug, agent: AgentId, problem: String },
    /// A person said whether an agent, whose settings say nothing about it, may plan for a project.
    AgentMayPlan { project: ProjectSlug, agent: AgentId, may_plan: bool },
    /// The agents of a project that could not be started may be tried again.
    AgentsReset { project: ProjectSlug },
    /// An agent entered a cooldown: until it is over, no project starts a session with it.
    AgentCooled {
        agent: AgentId,
        project: Option<ProjectSlug>,
        session: Option<SessionId>,
        cooldown: Box<Cooldown>,
    },
    /// An agent cannot work until a person helps, for example by logging in.
    AgentLocked { agent: AgentId, project: Option<ProjectSlug>, session: Option<SessionId>, failure: Failure },
    /// A cooldown or lock of an agent was lifted early, for the reason `why`.
    AgentFreed { agent: AgentId, why: String },
    /// A person enabled or disabled an agent for all projects.
    AgentEnabled { agent: AgentId, enabled: bool, by: Person },
    /// A person ran `agent check`; `check` is the result.
    AgentChecked { agent: AgentId, check: Check },
    /// The user's day began at `since_ms`. `carried` is what running sessions had used by then, which counts
    /// towards the day before.
    DayBegan { since_ms: i64, carried: Vec<(SessionId, Usage)> },
    /// The wall clock gained `by_ms` milliseconds on the time that the machine was awake: the machine slept,
    /// or somebody set the clock. A negative value means that the clock was set back.
    ClockJumped { by_ms: i64 },
    /// A session's keeper measured `by_ms` milliseconds less awake time than the wall clock suggests, while
    /// no supervisor was running: the machine slept, or somebody set the clock. A negative value means more
    /// awake time.
    SessionSlept { objective: ObjectiveKey, session: SessionId, by_ms: i64 },
    /// The keeper of a session or gate run did not do its work, and the supervisor acted. A process of the same
    /// user stopped it: usually the job's own.
    KeeperStopped {
        project: ProjectSlug,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        objective: Option<ObjectiveKey>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<SessionId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gate: Option<GateId>,
        trouble: KeeperTrouble,
    },
    /// A `notify` command of the user failed.
    NotifyFailed { project: ProjectSlug, run: String, problem: String },
    /// An action of Paddock, most often an effect, panicked: a bug in Paddock. `times` counts the panics of
    /// the same action since the supervisor started.
    EffectPanicked { project: Option<ProjectSlug>, doing: String, problem: String, times: u32 },
    /// Something else than a file, such as a named pipe (`what`), stands at a path where Paddock or git reads a
    /// file. It was not read.
    FileBlocked { project: Option<ProjectSlug>, path: String, what: String, doing: String },
    /// An action of Paddock has been going on for `seconds`, far longer than it ever takes.
    WorkHangs { project: Option<ProjectSlug>, doing: String, seconds: u64 },
    /// A project used up the limit `what` of its daily budget.
    BudgetExhausted { project: ProjectSlug, what: DayLimit, limit: String },
    /// The integration ref of a project was created, or put at `tip` after the target branch was set.
    IntegrationMade { project: ProjectSlug, tip: ObjectId },
    /// The user's target branch was seen at another commit, or was found to be gone (`None`).
    TargetSeen { project: ProjectSlug, target: Option<ObjectId> },
    /// Intent: the integration ref is about to advance to the user's own commits.
    ExternalIntended { project: ProjectSlug, from: ObjectId, to: ObjectId },
    /// The integration ref advanced to the user's own commits.
    ExternalAdopted { project: ProjectSlug, from: ObjectId, to: ObjectId },
    /// The integration ref could not advance to the user's commits, because it was elsewhere. No ref moved.
    ExternalAbandoned { project: ProjectSlug, to: ObjectId, problem: String },
    /// The user's commits conflict with landed work, or the gate is red on the merge. This target commit is
    /// not tried again.
    ExternalRefused { project: ProjectSlug, target: ObjectId },
    /// Intent: a person asked to reset the integration ref to the target branch (`queue adopt`).
    AdoptionIntended { project: ProjectSlug, from: ObjectId },
    /// The integration ref could not be reset to the target branch. No ref moved.
    AdoptionAbandoned { project: ProjectSlug, problem: String },
    /// A person chose another target branch. The integration ref of `branch` is about to be put at `tip`, and
    /// `branch` contains the commits up to `published`. Neither contains the landings of the objectives
    /// `lost`. `from_branch` is empty if no target branch was set before.
    TargetSet {
        project: ProjectSlug,
        from_branch: String,
        branch: String,
        tip: ObjectId,
        published: ObjectId,
        lost: Vec<ObjectiveId>,
    },
    /// The integration ref was reset to the target branch at a person's request; the landings of the
    /// objectives `lost` are no longer in it.
    TargetAdopted { project: ProjectSlug, from: ObjectId, to: ObjectId, lost: Vec<ObjectiveId> },
    /// A person asked to bring landed work back onto the target branch, on top of `published` (`queue
    /// republish`).
    RepublishAsked { project: ProjectSlug, published: ObjectId },
    /// The target branch was seen to contain the commit `to`.
    Published { project: ProjectSlug, to: ObjectId },
    /// Publishing is blocked until the user does something, for example moves a file out of the way.
    PublicationWaits { project: ProjectSlug, wait: PublicationWait },
    /// The set of branches that will not merge changed. Trial merges in memory found this ahead of the queue.
    CollisionsSeen { project: ProjectSlug, collisions: Vec<Collision> },
    /// Publishing is no longer blocked, or is about to be tried again.
    PublicationFreed { project: ProjectSlug },
    /// A person or a plan added an objective.
    ObjectiveAdded { objective: ObjectiveKey, spec: Box<ObjectiveSpec> },
    /// A person edited an objective's specification.
    ObjectiveEdited { objective: ObjectiveKey, spec: Box<ObjectiveSpec> },
    /// A person deleted an objective.
    ObjectiveDeleted { objective: ObjectiveKey },
    /// A person or recovery allowed an objective to change more paths.
    ScopeWidened { objective: ObjectiveKey, globs: Vec<String>, by: By },
    /// A person wrote a note for the next session of an objective.
    HumanNote { objective: ObjectiveKey, by: Person, note: String },
    /// A person approved an objective, whatever the review found.
    ObjectiveApproved { objective: ObjectiveKey, approval: Box<Approval> },
    /// A person asked to pause an objective when its running session ends, or withdrew that request.
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
    /// A person edited a goal, milestone or phase.
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
    /// A goal, milestone or phase became active, completed, or planned again.
    #[serde(rename = "aim_moved")]
    #[strum_discriminants(strum(serialize = "aim_moved"))]
    NodeMoved {
        project: ProjectSlug,
        #[serde(rename = "aim")]
        node: NodeKey,
        level: Level,
        to: Stage,
    },
    /// A person deleted a goal, milestone or phase. Objectives of a deleted phase stay, without a phase.
    #[serde(rename = "aim_deleted")]
    #[strum_discriminants(strum(serialize = "aim_deleted"))]
    NodeDeleted {
        project: ProjectSlug,
        #[serde(rename = "aim")]
        node: NodeKey,
        title: String,
    },
    /// A person removed a check of a phase, theirs or the planner's. The planner cannot add the same one again.
    PhaseCheckRemoved {
        project: ProjectSlug,
        #[serde(rename = "aim")]
        node: NodeKey,
        check: PhaseCheck,
    },
    /// An imported document put the nodes of a level in this order.
    #[serde(rename = "aims_ordered")]
    #[strum_discriminants(strum(serialize = "aims_ordered"))]
    NodesOrdered { project: ProjectSlug, level: Level, order: Vec<NodeId> },
    /// The checks of a phase were replaced. A phase keeps the checks of people and of the planner apart; `by`
    /// says which of the two lists this is.
    PhaseChecksSet {
        project: ProjectSlug,
        #[serde(rename = "aim")]
        node: NodeKey,
        checks: Vec<PhaseCheck>,
        by: By,
    },
    /// Every check of a phase passed in this gate run.
    PhaseChecksPassed {
        project: ProjectSlug,
        #[serde(rename = "aim")]
        node: NodeKey,
        gate: GateId,
    },
    /// Some checks of a phase failed in this gate run.
    PhaseChecksFailed {
        project: ProjectSlug,
        #[serde(rename = "aim")]
        node: NodeKey,
        gate: GateId,
        failed: Vec<FailedCheck>,
    },
    /// A run of a phase's checks gave no result: it was cancelled or lost, or its output could not be read.
    PhaseChecksLost {
        project: ProjectSlug,
        #[serde(rename = "aim")]
        node: NodeKey,
        gate: GateId,
        problem: String,
    },
    /// A person asked for a plan now (`paddock plan`).
    PlanAsked { project: ProjectSlug },
    /// A planner session made a plan without faults. If `waits` is set, a person has to approve it first.
    PlanMade {
        project: ProjectSlug,
        session: SessionId,
        phase: Option<NodeId>,
        plan: Box<PlanDocument>,
        warnings: Vec<String>,
        waits: bool,
    },
    /// A planner session made a plan with faults, and none of it was applied.
    PlanRefused { project: ProjectSlug, session: SessionId, faults: Vec<String> },
    /// A planner session ended without a plan. If `counts` is set, this adds to the failures after which a
    /// person is asked.
    PlanMissed { project: ProjectSlug, session: SessionId, problem: String, counts: bool },
    /// The objectives of a plan were added. `session` is `None` if a person wrote the plan.
    PlanApplied {
        project: ProjectSlug,
        session: Option<SessionId>,
        phase: Option<NodeId>,
        objectives: Vec<ObjectiveId>,
        /// For a planner's plan without objectives: the state of the phase on which it rests.
        #[serde(default)]
        belief: Option<Belief>,
    },
    /// A person rejected a plan that waited for approval.
    PlanRejected { project: ProjectSlug, session: SessionId, note: String },
    /// The planner is blocked until a person does something.
    PlannerHeld { project: ProjectSlug, reason: Reason },
    /// The planner is no longer blocked.
    PlannerReleased { project: ProjectSlug },
    /// An objective moved from one state to another.
    ObjectiveMoved {
        objective: ObjectiveKey,
        from: Status,
        to: Status,
        cause: Cause,
        reason: Option<Reason>,
        next: Option<NextSession>,
    },
    /// Intent: the worktree of an objective is about to be created.
    WorktreeOrdered { objective: ObjectiveKey, path: String, branch: String, base: ObjectId, epoch: u64 },
    /// The worktree of an objective was created.
    WorktreeMade { objective: ObjectiveKey },
    /// The worktree of an objective could not be created; the next attempt is at `again_ms`.
    WorktreeFailed { objective: ObjectiveKey, problem: String, again_ms: i64 },
    /// Intent: the worktree of an objective is about to be removed, because its work is published.
    WorktreeRetired { objective: ObjectiveKey },
    /// The worktree of an objective was removed.
    WorktreeRemoved { objective: ObjectiveKey },
    /// Intent: a session is to start.
    SessionPlanned { objective: ObjectiveKey, plan: SessionPlan },
    /// The agent of a session started.
    SessionStarted { objective: ObjectiveKey, session: SessionId, pid: u32 },
    /// A session was asked to stop, gracefully or at once (`now`).
    SessionStopping { objective: ObjectiveKey, session: SessionId, stop: Stop, now: bool },
    /// A person raised the limits of a session.
    SessionExtended { objective: ObjectiveKey, session: SessionId, budget: SessionBudget },
    /// The agent of a running session reported its usage so far.
    SessionUsed { objective: ObjectiveKey, session: SessionId, usage: Usage },
    /// The processes of a session ended. `process` is `None` if its keeper vanished without leaving a record.
    SessionExited { objective: ObjectiveKey, session: SessionId, process: Option<ProcessEnd> },
    /// The results of a session were read, and the session is over.
    SessionHarvested {
        objective: ObjectiveKey,
        session: SessionId,
        end: SessionEnd,
        harvest: Option<Harvest>,
        over_commits: bool,
        /// Further limits that the session exceeded. An agent may report its usage only at the end, too late
        /// to be stopped.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        over: Vec<Over>,
        problem: Option<String>,
        #[serde(default)]
        account: Box<Account>,
    },
    /// The reviewed head of an objective has lines that look as if they were written for the gate, or has none
    /// any more.
    MarksFound { objective: ObjectiveKey, head: ObjectId, marks: Vec<Mark> },
    /// The head of a branch, or the user's own commits, entered the merge queue.
    EntryQueued { project: ProjectSlug, entry: EntryId, subject: Subject, head: ObjectId, priority: i32 },
    /// An entry changed tests that its scope does not name; it waits until the gate has run with these files
    /// as they were before.
    GuardAsked { project: ProjectSlug, entry: EntryId, paths: Vec<RepoPath> },
    /// The gate passed on an entry's merge with the tests as they were before.
    GuardPassed { project: ProjectSlug, entry: EntryId, gate: GateId },
    /// The run with the earlier tests could not be made, for the reason `why`. The entry's own merge is
    /// judged as usual.
    GuardGivenUp { project: ProjectSlug, entry: EntryId, why: String },
    /// A run of the gate on an emptied tree was requested, to find out whether the gate checks anything.
    CanaryAsked { project: ProjectSlug },
    /// The gate ran on an emptied tree. A green verdict means that the gate checks nothing.
    CanaryJudged { project: ProjectSlug, gate: Option<GateId>, verdict: Verdict, terms: String },
    /// A person asked to run the gate on the newest landed tree from nothing (`queue recheck`).
    RecheckAsked { project: ProjectSlug },
    /// The gate judged a landed commit from nothing. After red, the kept caches are void, and `doubtful` are
    /// the landings since the last such run; at most the newest, of `landings` in all. `gate` is `None` if
    /// `verify --rerun` found it.
    RecheckJudged {
        project: ProjectSlug,
        gate: Option<GateId>,
        commit: ObjectId,
        verdict: Verdict,
        #[serde(default)]
        doubtful: Vec<Doubtful>,
        #[serde(default)]
        landings: u64,
    },
    /// The gate gave its verdict on the user's own commits, to which the integration ref had advanced.
    ExternalJudged { project: ProjectSlug, commit: ObjectId, gate: Option<GateId>, verdict: Verdict },
    /// The target branch was found to contain work of an objective that did not pass the queue.
    QueueBypassed { project: ProjectSlug, found: BypassFacts },
    /// A person accepted the work that did not pass the queue (`queue adopt`).
    BypassAccepted { project: ProjectSlug },
    /// Refs of the user, or entries of the stash, changed while these sessions ran, and no command in the
    /// user's checkouts explains it. At most [`MovedRef::NAMED_MAX`] of `total` are named.
    RefsMoved { project: ProjectSlug, sessions: Vec<SessionId>, refs: Vec<MovedRef>, total: u64 },
    /// The target branch was pushed to the user's remote.
    Pushed { project: ProjectSlug, remote: String, commit: ObjectId },
    /// The target branch could not be pushed. Paddock tries again by itself.
    PushWaits { project: ProjectSlug, remote: String, wait: PushWait },
    /// A person ordered the remote's commits to be brought in (`queue pull`), or somebody pushed again after
    /// they were: round 1 is the order itself.
    PullAsked { project: ProjectSlug, round: u32 },
    /// The remote's branch was fetched; `relation` is that of its head to the tip.
    RemoteFetched { project: ProjectSlug, fetched: Fetched, relation: Relation },
    /// The remote's commits were not brought in; nothing was changed.
    PullFailed { project: ProjectSlug, failure: PullFailure },
    /// The branch that the target branch follows was found to hold commits that the target branch lacks;
    /// `None` if it no longer does.
    UpstreamSeen { project: ProjectSlug, upstream: Option<Upstream> },
    /// Intent: a chain of merges of `members` is about to be made; or, if `ahead` is set, the merge of one
    /// entry ahead of its turn.
    CandidateOrdered {
        project: ProjectSlug,
        /// First of the members.
        entry: EntryId,
        onto: ObjectId,
        #[serde(default)]
        members: Vec<EntryId>,
        #[serde(default)]
        ahead: bool,
    },
    /// The merges were made: `candidate` lands all members, and each of `links` lands a prefix of them. The
    /// entries in `separate` conflict with members before them and wait for their turn.
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
    /// The merges could not be made for a reason outside of the branches, such as a full disk. The next
    /// attempt is at `again_ms`.
    CandidateFailed {
        project: ProjectSlug,
        entry: EntryId,
        problem: String,
        again_ms: i64,
        #[serde(default)]
        ahead: bool,
    },
    /// The merges made for an entry, and the chain that contains it, were discarded.
    EntryReset { project: ProjectSlug, entry: EntryId },
    /// An entry left the merge queue without landing.
    EntryDropped { project: ProjectSlug, entry: EntryId, subject: Subject, why: Dropped },
    /// The merge queue was put on hold for `reason`.
    QueueHeld { project: ProjectSlug, reason: Reason },
    /// The hold on the merge queue was lifted.
    QueueReleased { project: ProjectSlug },
    /// Intent: a gate run is about to start.
    GatePlanned {
        project: ProjectSlug,
        gate: GateId,
        /// First of the purpose's entries; 0 if it has none. Superseded by `purpose`.
        #[serde(default)]
        entry: EntryId,
        commit: ObjectId,
        tree: ObjectId,
        /// Whether the run is on the base. Superseded by `purpose`.
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
        /// What the run may start with.
        #[serde(default)]
        start: Start,
    },
    /// A gate run was cancelled, because its result is no longer needed.
    GateCancelled { project: ProjectSlug, gate: GateId },
    /// A gate run ended with a verdict. `from_nothing` says that it ran as in a fresh clone.
    GateEnded {
        project: ProjectSlug,
        gate: GateId,
        verdict: Verdict,
        results: Vec<CommandResult>,
        #[serde(default)]
        from_nothing: bool,
    },
    /// Measurements of `queue.slots: auto` showed how many parallel gate runs are worthwhile.
    SlotsMeasured { project: ProjectSlug, terms: String, found: SlotsFound },
    /// The gate worktree of an unused slot was removed, and its caches with it.
    GateFolderRemoved { project: ProjectSlug, slot: u32 },
    /// Two gate runs gave different verdicts on the same tree under the same terms: the gate is flaky, and no
    /// branch is blamed.
    FlakeSeen { project: ProjectSlug, tree: ObjectId, earlier: GateId, gate: GateId },
    /// The tests that a green run on a candidate reported were compared with those on its base. `entries` are
    /// the members of the candidate, and `bases` the runs on the base.
    TestsCompared {
        project: ProjectSlug,
        gate: GateId,
        bases: Vec<GateId>,
        base_tree: ObjectId,
        entries: Vec<EntryId>,
        comparison: Box<Comparison>,
        outcome: Outcome,
    },
    /// An entry lands on the strength of an earlier green run on the same tree, instead of a run of its own.
    VerdictReused { project: ProjectSlug, entry: EntryId, gate: GateId },
    /// Intent: the integration ref is about to move to this merge.
    LandingIntended {
        project: ProjectSlug,
        /// First of the members.
        entry: EntryId,
        candidate: Candidate,
        gate: Option<GateId>,
        #[serde(default)]
        members: Vec<EntryId>,
    },
    /// The integration ref moved to a merge that lands this entry. A batch records one event per member.
    Landed {
        project: ProjectSlug,
        entry: EntryId,
        subject: Subject,
        candidate: Candidate,
        head: ObjectId,
        verified: bool,
        #[serde(default)]
        gate: Option<GateId>,
        /// All entries that landed with this merge, in order.
        #[serde(default)]
        members: Vec<EntryId>,
    },
    /// The proof of a landing was written as a git note; `sha256` is the hash of its text.
    ProofWritten { project: ProjectSlug, commit: ObjectId, sha256: String },
    /// Landing failed, because the ref was elsewhere or a check failed. No ref moved.
    LandingAbandoned { project: ProjectSlug, entry: EntryId, problem: String },
}

/// How safely an event must be stored before Paddock acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// The event survives the death of the process.
    Process,
    /// The event survives a power failure: it is flushed to disk.
    Power,
}

impl Fact {
    /// Version of the stored shape.
    pub const VERSION: u32 = 1;

    /// Returns the type of the fact.
    #[must_use]
    pub fn kind(&self) -> FactKind {
        self.into()
    }
}

impl FactKind {
    /// Returns the name under which the type is stored, in `snake_case`.
    #[must_use]
    pub fn stored(self) -> &'static str {
        self.into()
    }

    /// Iterates over all types, in the order of their declaration.
    pub fn all() -> impl Iterator<Item = Self> {
        <Self as strum::IntoEnumIterator>::iter()
    }
}
