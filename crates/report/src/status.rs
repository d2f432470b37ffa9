//! The status document of SPEC 4: stable names, RFC 3339 times in UTC.

mod build;
mod queue;

use paddock_model::ids::{AgentId, WorkerId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::text::rfc3339;
use paddock_ipc::lock::Holder;
use paddock_model::answers::Answers;
use paddock_model::hierarchy::HierarchyNode;
use paddock_model::state::State;

pub use build::document;
pub(crate) use build::need_status;

/// What the document is built from, besides the state.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// The state.
    pub state: &'a State,
    /// The engine's answers to what is asked of that.
    pub answers: &'a Answers,
    /// The workspace's folder.
    pub workspace: PathBuf,
    /// The running supervisor.
    pub supervisor: Option<Holder>,
    /// Unix milliseconds.
    pub now_ms: i64,
    /// When the day began for the user, in Unix milliseconds.
    pub day_ms: i64,
    /// Whether sessions that ended long ago are wanted too.
    pub all: bool,
}

/// The whole document.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "SPEC 4 documents the keys")]
pub struct StatusDocument {
    pub version: u32,
    pub workspace: String,
    pub supervisor: SupervisorStatus,
    pub projects: Vec<ProjectStatus>,
}

/// The supervisor.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "SPEC 4 documents the keys")]
pub struct SupervisorStatus {
    pub running: bool,
    pub pid: Option<u32>,
    pub since: Option<String>,
}

/// A goal, milestone or phase; without keys when none is active.
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
}

/// A goal, milestone or phase, for scripts.
#[must_use]
pub fn node_status(node: &HierarchyNode) -> NodeStatus {
    NodeStatus {
        id: Some(node.key.id.to_string()),
        title: Some(node.title.clone()),
        description: Some(node.description.clone()),
        parent: node.parent.as_ref().map(ToString::to_string),
        status: Some(node.stage.word()),
        since: Some(rfc3339(node.since_ms)),
    }
}

/// A project.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "SPEC 4 documents the keys")]
pub struct ProjectStatus {
    pub slug: String,
    pub name: String,
    pub target_branch: String,
    pub integration: IntegrationStatus,
    pub state: &'static str,
    /// What stops the whole project, or waits in it, for a person: `needs` without those of objectives.
    pub reasons: Vec<ReasonStatus>,
    /// Everything that waits for a person; `run` ends with 3 while there is anything.
    pub needs: Vec<NeedStatus>,
    pub goal: NodeStatus,
    pub milestone: NodeStatus,
    pub phase: NodeStatus,
    pub counts: BTreeMap<&'static str, usize>,
    /// Sessions at once: how many may run.
    pub slots: u32,
    pub budget: BudgetStatus,
    pub objectives: Vec<ObjectiveStatus>,
    pub sessions: Vec<SessionStatus>,
    pub queue: Vec<QueueStatus>,
    /// Branches that will not merge, seen before their turn.
    pub radar: Vec<RadarStatus>,
    /// What the gate said of an emptied tree; none: it was not tried.
    pub canary: Option<CanaryStatus>,
    /// How many gates run at once, and why so many; none: there is no gate.
    pub gate_slots: Option<GateSlotsStatus>,
}

/// Two branches that will not merge.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct RadarStatus {
    pub objective: String,
    /// None: what has landed.
    pub with: Option<String>,
    pub paths: Vec<String>,
}

/// How many gates run at once.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct GateSlotsStatus {
    pub slots: u32,
    /// Whether the project leaves it to measurement.
    pub auto: bool,
    pub alone_seconds: Option<f64>,
    /// How many times as long a run takes beside another.
    pub beside_factor: Option<f64>,
    pub why: String,
}

/// What the gate said of an emptied tree.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct CanaryStatus {
    pub verdict: &'static str,
    /// Whether it is green and the gate still the same: it checks nothing.
    pub checks_nothing: bool,
    pub gate: Option<u64>,
    pub at: String,
}

/// The integration ref and what is not published yet.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "SPEC 4 documents the keys")]
pub struct IntegrationStatus {
    #[serde(rename = "ref")]
    pub reference: String,
    pub commit: String,
    /// Landings that are not published yet.
    pub ahead: usize,
    /// Files that are in the way of publishing.
    pub waiting_for: Vec<String>,
}

/// A reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "SPEC 4 documents the keys")]
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

/// What was used today, and what may be.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "SPEC 4 documents the keys")]
pub struct BudgetStatus {
    pub session_minutes: Used<u64>,
    pub tokens: Used<u64>,
    pub usd: Used<f64>,
}

/// An amount of the day; unknown is null, never zero.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Used<T> {
    pub used: Option<T>,
    pub limit: Option<T>,
}

/// An objective.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "SPEC 4 documents the keys")]
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

/// A landing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "SPEC 4 documents the keys")]
pub struct LandedStatus {
    pub commit: Option<String>,
    pub at: String,
    pub published_at: Option<String>,
    pub verified: bool,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "SPEC 4 documents the keys")]
pub struct SessionStatus {
    pub id: u64,
    pub kind: &'static str,
    /// None for the planner's.
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
}

/// How a main process ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ExitStatus {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub text: String,
}

/// The limits of a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "SPEC 4 documents the keys")]
pub struct SessionBudgetStatus {
    pub max_commits: u32,
    pub max_minutes: u32,
    pub max_tokens: Option<u64>,
    pub max_usd: Option<f64>,
}

/// What a session used; unknown is null.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "SPEC 4 documents the keys")]
pub struct UsageStatus {
    pub tokens: Option<u64>,
    pub usd: Option<f64>,
}

/// A queue entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "SPEC 4 documents the keys")]
pub struct QueueStatus {
    /// None for the user's own commits.
    pub objective: Option<String>,
    pub position: usize,
    pub state: &'static str,
    pub batch: Option<u64>,
    /// What lands before it.
    pub ahead: Vec<String>,
    pub since: String,
    /// The gate run on it that is under way.
    pub gate: Option<GateStatus>,
    /// Every run on its present merge that is over, and on the tests as they were.
    pub verdicts: Vec<VerdictStatus>,
    /// When it will have landed if all goes well, by how long the gate took of late; none: nothing is known.
    pub eta_seconds: Option<u64>,
}

/// A gate run that is under way.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct GateStatus {
    pub run: u64,
    pub purpose: &'static str,
    pub slot: u32,
    pub seconds: u64,
}

/// A gate run that is over.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct VerdictStatus {
    pub run: u64,
    pub purpose: &'static str,
    pub verdict: &'static str,
    pub seconds: u64,
}
