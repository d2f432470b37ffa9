//! The settings of a project, as events hold them: every value is resolved, none is looked up later.
//!
//! The file format is read and checked in the `config` room; this is what it becomes (SPEC 2.2).

use crate::ids::{AgentId, WorkerId};
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::verdicts::terms_of;

/// Whether a rule stops work or only advises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeRule {
    /// A change outside the objective's scope is a fault.
    Enforce,
    /// It is noted, and nothing more.
    Advise,
}

/// Whether objectives with overlapping scopes may run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverlapRule {
    /// One after the other.
    Serialize,
    /// At once.
    Allow,
}

/// Who moves the target branch after a landing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublishRule {
    /// Paddock, at once.
    Auto,
    /// A person, by `queue publish`.
    Manual,
}

/// Who lets a plan become objectives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalRule {
    /// A plan that passes the checks is applied.
    Auto,
    /// A person approves it.
    Manual,
}

/// How large an objective's session is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeLevel {
    /// 1 to 2 commits.
    Small,
    /// 3 to 5 commits.
    Medium,
    /// 5 to 10 commits.
    Large,
}

/// What a session may use when its objective says nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionDefaults {
    /// The intended size.
    pub scope_level: ScopeLevel,
    /// Commits a session may make.
    pub max_commits: u32,
    /// Minutes a session may run, counted while the machine is awake.
    pub max_minutes: u32,
    /// Tokens a session may use; none = no limit.
    pub max_tokens: Option<u64>,
    /// Dollars a session may cost; none = no limit.
    pub max_usd: Option<f64>,
    /// Minutes without output, file change or CPU after which a session has stalled.
    pub stall_minutes: u32,
    /// The agent that plans; none = the first that may ([`planners`](crate::planning::planners)).
    pub planner_agent: Option<AgentId>,
}

/// The bounds of recovery (SPEC 3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoverySettings {
    /// Correction sessions an objective may have.
    pub max_retries: u32,
    /// Globs by which a scope may be widened without a person.
    pub expand: Vec<String>,
    /// How often that may happen to an objective.
    pub max_expansions: u32,
    /// Sessions an objective may have in all.
    pub max_sessions: u32,
}

/// How a new worktree is prepared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorktreeSettings {
    /// Files copied from the repository's folder, each by its path; as globs, what no branch may commit.
    pub copy: Vec<String>,
    /// A shell command run in the new worktree.
    pub setup: Option<String>,
    /// Its time limit, in minutes.
    pub setup_timeout_minutes: u32,
}

/// One command of the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateCommand {
    /// What people call it.
    pub name: String,
    /// The shell command.
    pub run: String,
    /// Its time limit: whole minutes of it.
    pub timeout_minutes: u32,
    /// And the seconds beyond them, 0 to 59.
    #[serde(default)]
    pub timeout_seconds: u32,
}

impl GateCommand {
    /// Its time limit, in milliseconds.
    #[must_use]
    pub fn timeout_ms(&self) -> u64 {
        (u64::from(self.timeout_minutes) * 60 + u64::from(self.timeout_seconds)) * 1_000
    }

    /// Its time limit in minutes, as project files say it.
    #[must_use]
    pub fn timeout_in_minutes(&self) -> f64 {
        f64::from(self.timeout_minutes) + f64::from(self.timeout_seconds) / 60.0
    }
}

/// How many gates run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slots {
    /// As many as measurement shows to be worth it.
    Auto,
    /// This many.
    Count(u32),
}

/// The merge queue's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSettings {
    /// Gates at once.
    pub slots: Slots,
    /// Batches of one only.
    pub strict: bool,
    /// Repeats of a red gate on the same tree before anyone is blamed.
    pub flaky_retries: u32,
    /// Whether the gate is tried on an emptied tree at start.
    pub canary: bool,
    /// Whether ignored files are removed from gate worktrees too.
    pub clean: bool,
}

/// What happens after a landing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandSettings {
    /// Who moves the target branch.
    pub publish: PublishRule,
    /// A remote that the target branch is pushed to after publishing.
    pub push: Option<String>,
}

/// The planner's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannerSettings {
    /// Who lets a plan become objectives.
    pub approval: ApprovalRule,
    /// Files of the repository that a plan is told of.
    pub context_files: Vec<String>,
}

/// What a project may spend in a day.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DayBudget {
    /// Dollars.
    pub usd: Option<f64>,
    /// Tokens.
    pub tokens: Option<u64>,
    /// Minutes of sessions.
    pub session_minutes: Option<u64>,
}

/// What Paddock leaves free and what it may use of the disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiskSettings {
    /// Below this many gigabytes free nothing new starts.
    pub min_free_gb: f64,
    /// Megabytes of output kept of a session.
    pub session_log_mb: u64,
    /// Gigabytes that worktrees may use; none = no limit. Nothing holds to it yet.
    pub worktrees_gb: Option<f64>,
}

/// A command told of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyRule {
    /// Public event types.
    pub on: Vec<String>,
    /// The shell command; the event comes as JSON on its standard input.
    pub run: String,
}

/// What a program gets on its standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StdinRule {
    /// Nothing.
    None,
    /// The prompt.
    Prompt,
}

/// A command as its words, or as one line for a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandTemplate {
    /// The words; for a shell: one.
    pub words: Vec<String>,
    /// Whether a shell reads it.
    pub shell: bool,
}

/// A command-line tool that takes a prompt (SPEC 5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSettings {
    /// Its id.
    pub id: AgentId,
    /// What people call it.
    pub name: String,
    /// How it is started; empty words = the built-in scripted agent's own command.
    pub command: CommandTemplate,
    /// How it goes on with a conversation of its own (`{agent_session}`); none: it cannot.
    #[serde(default)]
    pub resume: Option<CommandTemplate>,
    /// The program looked up on PATH by `agent check`.
    pub cli_command: String,
    /// What it gets on standard input.
    pub stdin: StdinRule,
    /// How its output is read: `plain`, `scripted`, …
    pub transcript: String,
    /// The gentle signal: `TERM`, `INT`, `HUP`, …
    pub stop_signal: String,
    /// Variables it gets; an empty value unsets.
    pub env: BTreeMap<String, String>,
    /// Whether it may plan.
    pub planner: bool,
    /// Whether it was made for planning, or somebody said that it may: then a project that names no planner uses it.
    #[serde(default)]
    pub plans: bool,
    /// Whether it may be used at all.
    pub enabled: bool,
    /// For people.
    pub description: String,
}

/// What a worker is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Writes code.
    Implementer,
    /// Brings work together; may change protected paths.
    Integrator,
    /// Finds out; may finish without a commit.
    Researcher,
}

/// How a worker chooses among its agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The first that is usable; others are there for when it is not.
    Fixed,
    /// The first that is usable.
    Priority,
    /// The next each time.
    RoundRobin,
}

/// A role with its agents and prompt (SPEC 5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerSettings {
    /// Its id.
    pub id: WorkerId,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// How it chooses among its agents.
    pub strategy: Strategy,
    /// The ids of its agents, in order, resolved when the file is read; empty = none can be used.
    pub agents: Vec<AgentId>,
    /// The prompt template's file name.
    pub template: String,
}

/// Everything a project file settles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectSettings {
    /// What people call the project.
    pub name: String,
    /// For people and prompts.
    pub description: String,
    /// The repository's folder, absolute.
    pub repo_root: String,
    /// Where worktrees are made, absolute.
    pub worktrees_root: String,
    /// The user's branch that work is published to.
    pub target_branch: String,
    /// Whether the project is worked on.
    pub enabled: bool,
    /// Sessions at once.
    pub max_parallel_sessions: u32,
    /// Protected paths: only an integrator's sessions may change them.
    pub integrator_only_patterns: Vec<String>,
    /// Whether scopes are enforced.
    pub path_scope: ScopeRule,
    /// Whether overlapping scopes wait for each other.
    pub path_conflicts: OverlapRule,
    /// Always in scope, never an overlap.
    pub shared_patterns: Vec<String>,
    /// Defaults of a session.
    pub session_defaults: SessionDefaults,
    /// Bounds of recovery.
    pub recovery: RecoverySettings,
    /// Preparation of worktrees.
    pub worktree: WorktreeSettings,
    /// The gate; empty = none.
    pub verify: Vec<GateCommand>,
    /// The merge queue.
    pub queue: QueueSettings,
    /// After a landing.
    pub land: LandSettings,
    /// Globs of tests and gate configuration; none = the common ecosystems' defaults.
    pub test_patterns: Option<Vec<String>>,
    /// Planning.
    pub planner: PlannerSettings,
    /// The day's budget.
    pub budget: DayBudget,
    /// Disk.
    pub disk: DiskSettings,
    /// Whether git signs as the user's configuration says.
    pub sign: bool,
    /// Commands told of events.
    pub notify: Vec<NotifyRule>,
    /// Agents: the project's own over the built-in ones.
    pub agents: Vec<AgentSettings>,
    /// Workers: the project's own over the built-in ones.
    pub workers: Vec<WorkerSettings>,
}

impl ProjectSettings {
    /// Names the gate: commands, limits, and what sets its worktree up.
    #[must_use]
    pub fn gate_terms(&self) -> String {
        terms_of(&self.verify, self.worktree.setup.as_deref())
    }

    /// The agent of that id.
    #[must_use]
    pub fn agent(&self, id: &AgentId) -> Option<&AgentSettings> {
        self.agents.iter().find(|agent| agent.id == *id)
    }

    /// The worker of that id.
    #[must_use]
    pub fn worker(&self, id: &WorkerId) -> Option<&WorkerSettings> {
        self.workers.iter().find(|worker| worker.id == *id)
    }
}
