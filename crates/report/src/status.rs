//! The status document (`status --json`): stable keys for scripts, times as RFC 3339 in UTC.

mod build;
mod gate;
mod queue;

use paddock_model::ids::{AgentId, WorkerId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::evidence::{CommandStatus, EvidenceStatus, TestsStatus};
use crate::text::rfc3339;
use paddock_ipc::workspace_lock::Holder;
use paddock_model::answers::Answers;
use paddock_model::evidence::Source;
use paddock_model::hierarchy::HierarchyNode;
use paddock_model::plan::PhaseCheck;
use paddock_model::settings::TestsRule;
use paddock_model::state::State;

pub use build::document;
pub use build::session_status;
pub(crate) use build::{need_status, refs_moved};
pub use gate::last_passed;

/// Everything that the document is built from.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// State of the workspace.
    pub state: &'a State,
    /// Functions of the engine that explain the state: why objectives wait, what needs a person, the queue's
    /// order.
    pub answers: &'a Answers,
    /// Folder of the workspace.
    pub workspace: PathBuf,
    /// The running supervisor, if any.
    pub supervisor: Option<Holder>,
    /// Present time, in Unix milliseconds.
    pub now_ms: i64,
    /// Begin of the user's day, in Unix milliseconds.
    pub day_ms: i64,
    /// Whether the document lists sessions that ended more than a day ago.
    pub all: bool,
}

/// The status of a workspace.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct StatusDocument {
    pub version: u32,
    pub workspace: String,
    pub supervisor: SupervisorStatus,
    pub projects: Vec<ProjectStatus>,
}

/// Whether a supervisor runs, and which.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SupervisorStatus {
    pub running: bool,
    pub pid: Option<u32>,
    pub since: Option<String>,
}

/// A goal, milestone or phase; an object without keys when none is active.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct NodeStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Checks of a phase, in the order in which they run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<PhaseCheckStatus>,
}

/// A check of a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PhaseCheckStatus {
    /// Number of the check within its phase, from 1.
    pub number: usize,
    pub description: String,
    pub check_command: String,
    pub expected: String,
    /// Who wrote it: `you` or `planner`.
    pub by: &'static str,
}

/// Returns the status of a goal, milestone or phase.
#[must_use]
pub fn node_status(node: &HierarchyNode) -> NodeStatus {
    NodeStatus {
        id: Some(node.key.id.to_string()),
        title: Some(node.title.clone()),
        description: Some(node.description.clone()),
        parent: node.parent.as_ref().map(ToString::to_string),
        status: Some(node.stage.word()),
        since: Some(rfc3339(node.since_ms)),
        checks: checks(node),
    }
}

fn checks(node: &HierarchyNode) -> Vec<PhaseCheckStatus> {
    let by = |check: &PhaseCheck| match node.progress.checks.iter().any(|own| own.is_same(check)) {
        true => "you",
        false => "planner",
    };
    let status = |(check, number): (PhaseCheck, usize)| PhaseCheckStatus {
        number,
        by: by(&check),
        description: check.description,
        check_command: check.check_command,
        expected: check.expected,
    };
    node.progress.all_checks().into_iter().zip(1..).map(status).collect()
}

/// The status of a project.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ProjectStatus {
    pub slug: String,
    pub name: String,
    pub target_branch: String,
    pub integration: IntegrationStatus,
    pub state: &'static str,
    /// Reasons of `needs`, without the needs of objectives.
    pub reasons: Vec<ReasonStatus>,
    /// Everything that waits for a person; `run --until-idle` exits with 3 unless this is empty.
    pub needs: Vec<NeedStatus>,
    pub goal: NodeStatus,
    pub milestone: NodeStatus,
    pub phase: NodeStatus,
    /// The goal that begins when `goal` is complete; empty if none is planned.
    pub next_goal: NodeStatus,
    pub counts: BTreeMap<&'static str, usize>,
    /// Number of sessions that may run in parallel.
    pub slots: u32,
    pub budget: BudgetStatus,
    pub objectives: Vec<ObjectiveStatus>,
    pub sessions: Vec<SessionStatus>,
    pub queue: Vec<QueueStatus>,
    /// Branches that conflict with each other or with landed work, found before their turn in the queue.
    pub radar: Vec<RadarStatus>,
    /// Result of the gate on an emptied tree; `None` until the gate was tried on one.
    pub canary: Option<CanaryStatus>,
    /// The daily gate run on landed work from nothing; `None` without a gate.
    pub recheck: Option<RecheckStatus>,
    /// Number of parallel gate runs, and the reason for it; `None` without a gate.
    pub gate_slots: Option<GateSlotsStatus>,
    /// The gate's commands, and what each reported of tests when it last passed.
    pub gate: Vec<GateCommandStatus>,
    /// The newest landing that a gate run judged, with its tests.
    pub landing: Option<LandingStatus>,
    /// Git configuration that can run programs and that is switched off, because nobody agreed to it.
    pub git_configuration_off: Vec<String>,
    /// The branch that the target branch follows, as last fetched, if it holds commits that the target branch
    /// lacks; `None` if it does not, or if nothing was fetched.
    pub upstream: Option<UpstreamStatus>,
    /// A pull of what others pushed (`queue pull`) that is going on, or that failed; `None` without one.
    pub pull: Option<PullStatus>,
    /// Files that `worktree.setup` changes, or leaves where no rule ignores them; they never land.
    pub set_up_leaves: Vec<String>,
    /// Entries of `worktree.copy` that stand for nothing.
    pub copies_missed: Vec<String>,
    /// Refs and stash entries of the user that changed while sessions ran, within the last 24 hours unless
    /// all times are asked for.
    pub refs_moved: RefsMovedStatus,
}

/// How far the target branch is behind the branch that it follows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UpstreamStatus {
    /// Remote and branch: `origin/main`.
    pub name: String,
    /// Number of commits that the target branch lacks.
    pub behind: u64,
    /// A sentence for people, with what to do.
    pub text: String,
}

/// A pull of what others pushed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PullStatus {
    /// `fetching`, `forwarding`, `merging`, `merged` (only the push is left) or `failed`.
    pub state: &'static str,
    /// Number of the fetch; above 1 if somebody pushed meanwhile.
    pub round: u32,
    pub since: String,
    /// Why it failed; `None` if it did not.
    pub problem: Option<String>,
    /// Files in conflict or in the way.
    pub files: Vec<String>,
}

/// Refs of the user that changed while sessions ran.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RefsMovedStatus {
    /// Number of refs.
    pub total: u64,
    /// Names of the first of them.
    pub names: Vec<String>,
}

/// A gate command, and what it reported of tests when it last passed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateCommandStatus {
    /// Name of the command.
    pub name: String,
    /// Code of its verdict; `None` if it never passed under the present gate.
    pub verdict: Option<&'static str>,
    /// The tests that it reported; `None` if it was not asked for any, or never passed.
    pub tests: Option<TestsStatus>,
    /// Where the tests come from: `junit`, `runner`, `count`, or `exit` if only its exit status is known.
    pub source: Option<Source>,
    /// Number of the run.
    pub run: Option<u64>,
    /// The setting `tests`: `auto`, `required` or `off`.
    pub rule: TestsRule,
    /// Whether a person should know that only the exit status counts: it runs tests, as far as its words say,
    /// or no command of the gate reports tests.
    pub exit_only: bool,
}

/// The newest landing that a gate run judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct LandingStatus {
    pub objective: String,
    pub commit: Option<String>,
    pub at: String,
    /// The gate run with its tests.
    #[serde(flatten)]
    pub evidence: EvidenceStatus,
}

/// Two branches that conflict.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct RadarStatus {
    pub objective: String,
    /// Objective whose branch conflicts; `None` for landed work.
    pub with: Option<String>,
    pub paths: Vec<String>,
}

/// The number of parallel gate runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct GateSlotsStatus {
    pub slots: u32,
    /// Whether Paddock finds the number by measurement (`queue.slots: auto`).
    pub auto: bool,
    /// Duration of a run without a second one; `None` until measured.
    pub alone_seconds: Option<f64>,
    /// Duration of a run in parallel with another, divided by `alone_seconds`; `None` until measured.
    pub beside_factor: Option<f64>,
    pub why: String,
}

/// The result of the gate on an emptied tree, on which an honest gate fails.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct CanaryStatus {
    pub verdict: &'static str,
    /// Whether the present gate was green on the emptied tree, which means that it checks nothing.
    pub checks_nothing: bool,
    pub gate: Option<u64>,
    pub at: String,
}

/// The integration ref, and landings that are not published yet.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct IntegrationStatus {
    #[serde(rename = "ref")]
    pub reference: String,
    pub commit: String,
    /// Number of landings that are not published yet.
    pub ahead: usize,
    /// The user's files that are in the way of publishing.
    pub waiting_for: Vec<String>,
}

/// Why something waits or is held, and what ends that.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ReasonStatus {
    pub code: String,
    pub text: String,
    pub since: String,
    pub clears: String,
}

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct NeedStatus {
    pub code: String,
    pub text: String,
    pub since: String,
    pub clears: String,
    /// `project`, `queue`, `plan`, `publication`, `notice`, `agent`, `worker` or `objective`.
    pub about: &'static str,
    pub objective: Option<String>,
    pub agent: Option<AgentId>,
    pub worker: Option<WorkerId>,
}

/// Usage of the day, and its limits.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct BudgetStatus {
    pub session_minutes: Used<u64>,
    pub tokens: Used<u64>,
    pub usd: Used<f64>,
}

/// An amount of the day and its limit; an unknown amount is null, never zero.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Used<T> {
    pub used: Option<T>,
    pub limit: Option<T>,
}

/// The status of an objective.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ObjectiveStatus {
    pub id: String,
    pub title: String,
    pub status: &'static str,
    pub since: String,
    pub reason: Option<ReasonStatus>,
    pub priority: i32,
    pub depends_on: Vec<String>,
    pub path_scope: Vec<String>,
    pub branch: Option<String>,
    pub worktree: Option<String>,
    pub retries: u32,
    pub expansions: u32,
    pub sessions: Vec<u64>,
    pub landed: Option<LandedStatus>,
}

/// The landing of an objective.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct LandedStatus {
    pub commit: Option<String>,
    pub at: String,
    pub published_at: Option<String>,
    pub verified: bool,
    /// The gate run that judged it, if it says what it reported of tests.
    pub gate: Option<u64>,
    /// That run's verdict and number of tests in words.
    pub tests: Option<String>,
}

/// The status of a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SessionStatus {
    pub id: u64,
    pub kind: &'static str,
    /// Objective that the session works on; `None` for planner sessions.
    pub objective: Option<String>,
    pub agent: AgentId,
    pub worker: WorkerId,
    pub status: &'static str,
    pub pid: Option<u32>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub exit: Option<ExitStatus>,
    pub commits: u32,
    pub budget: SessionBudgetStatus,
    pub usage: UsageStatus,
    pub log: String,
    /// Number of the slot of a session that runs, which no other job of the user has at the same time (PADDOCK_SLOT).
    /// The caller fills it in where it knows one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_slot: Option<u32>,
}

/// How the main process of a session ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ExitStatus {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub text: String,
}

/// The limits of a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SessionBudgetStatus {
    pub max_commits: u32,
    pub max_minutes: u32,
    pub max_tokens: Option<u64>,
    pub max_usd: Option<f64>,
}

/// Usage of a session; an unknown amount is null.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct UsageStatus {
    pub tokens: Option<u64>,
    pub usd: Option<f64>,
}

/// An entry of the merge queue.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct QueueStatus {
    /// Objective whose branch is queued; `None` for commits of people.
    pub objective: Option<String>,
    /// What is queued: `objective`, `target` (the user's own commits) or `remote` (what others pushed).
    pub subject: &'static str,
    pub position: usize,
    pub state: &'static str,
    pub batch: Option<u64>,
    /// Objectives that land before this entry; the target branch stands for the user's own commits.
    pub ahead: Vec<String>,
    pub since: String,
    /// The running gate run that judges this entry, if any.
    pub gate: Option<GateStatus>,
    /// Finished gate runs that judged this entry, including runs with the original tests.
    pub verdicts: Vec<VerdictStatus>,
    /// Seconds until the entry lands if every run is green, estimated from recent runs; `None` when unknown
    /// or held.
    pub eta_seconds: Option<u64>,
}

/// A running gate run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct GateStatus {
    pub run: u64,
    pub purpose: &'static str,
    pub slot: u32,
    pub seconds: u64,
    /// What the run may start with: `kept` caches, `without_caches`, or `from_nothing`.
    pub start: &'static str,
    /// As for a session; `slot` is the queue's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_slot: Option<u32>,
}

/// A finished gate run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct VerdictStatus {
    pub run: u64,
    pub purpose: &'static str,
    /// `green`, `red`, `not evaluated`, or `fewer tests than before`.
    pub verdict: &'static str,
    /// Code of the verdict with its evidence: `green`, `green_exit_only`, `fewer_tests`, `red` or
    /// `not_evaluated`.
    pub code: &'static str,
    /// The verdict and the number of tests in words.
    pub text: String,
    /// The commands that ended, with their tests and those on the base.
    pub commands: Vec<CommandStatus>,
    /// The differences from the base in words: one line for each.
    pub differences: Vec<String>,
    pub seconds: u64,
    /// What the run could start with: `kept` caches, `without_caches`, or `from_nothing`.
    pub start: &'static str,
    /// Whether it ran in a new folder without caches, as in a fresh clone.
    pub from_nothing: bool,
    /// Commands that changed files of the commit while they ran.
    pub changed: Vec<ChangedStatus>,
}

/// Files of the commit that a gate command changed while it ran.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ChangedStatus {
    pub command: String,
    /// The first of the files.
    pub files: Vec<String>,
    /// Number of all changed files.
    pub count: u64,
    /// Whether a test, or a file that the gate runs, is among them; the command then counts as red.
    pub is_gate: bool,
}

/// The daily gate run on the newest landed tree, in a new folder without caches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecheckStatus {
    /// When a landed tree was last judged from nothing; `None` if none was.
    pub last: Option<String>,
    /// Number of landings since then.
    pub landings: u64,
    /// Whether a person asked for a run that has no verdict yet.
    pub asked: bool,
    /// Number of its open gate run, if one is open.
    pub run: Option<u64>,
}
