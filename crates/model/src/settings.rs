//! Settings of a project, as events store them.
//!
//! The crate `config` reads and checks project files, and resolves every default. The settings here are
//! complete: nothing is looked up later, so an old event means the same after the defaults of Paddock change.

use crate::ids::{AgentId, WorkerId};
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::verdicts::terms_of;

/// How strictly scopes are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeRule {
    /// A change outside the objective's scope is a fault.
    Enforce,
    /// A change outside the scope is only noted.
    Advise,
}

/// Whether objectives with overlapping scopes may be worked on at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverlapRule {
    /// One waits for the other.
    Serialize,
    /// Both run at the same time; conflicts are resolved afterwards.
    Allow,
}

/// The kind of place in which sessions work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workplace {
    /// An own place for whatever is confined or remote, else a worktree.
    #[default]
    Auto,
    /// A git worktree of the project's repository.
    Worktree,
    /// A repository of its own, which borrows the objects of the project's.
    Own,
}

/// The network ports that sessions and gate runs may use, by slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortSettings {
    /// First port of slot 0.
    pub base: u32,
    /// Ports of each slot.
    pub per_slot: u32,
}

impl Default for PortSettings {
    fn default() -> Self {
        Self { base: 20_000, per_slot: 20 }
    }
}

/// Whether Paddock or a person updates the target branch after a landing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublishRule {
    /// Paddock does, immediately.
    Auto,
    /// A person does, with `queue publish`.
    Manual,
}

/// Who decides that a plan becomes objectives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalRule {
    /// Every plan without faults is applied.
    Auto,
    /// A person approves each plan.
    Manual,
}

/// Intended size of a session.
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

/// Limits of a session whose objective sets none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionDefaults {
    /// Intended size, for the prompt.
    pub scope_level: ScopeLevel,
    /// Largest number of commits.
    pub max_commits: u32,
    /// Longest duration in minutes, without the time that the machine sleeps.
    pub max_minutes: u32,
    /// Largest number of tokens; `None` = no limit.
    pub max_tokens: Option<u64>,
    /// Highest cost in dollars; `None` = no limit.
    pub max_usd: Option<f64>,
    /// A session stalls after this many minutes without output, file changes or CPU time.
    pub stall_minutes: u32,
    /// A session whose agent has reported its end is stopped after this many seconds without activity, if its
    /// program does not end.
    #[serde(default = "finish_seconds", skip_serializing_if = "is_usual_finish")]
    pub finish_seconds: u32,
    /// Agent that makes plans, if `planner.agent` is `auto`; `None` = the first that may plan
    /// ([`planners`](crate::planning::planners)).
    pub planner_agent: Option<AgentId>,
}

/// Default of [`SessionDefaults::finish_seconds`]: longer than a program needs to write its history and to close
/// its connections, and short beside a session.
#[must_use]
pub const fn finish_seconds() -> u32 {
    30
}

fn is_usual_finish(seconds: &u32) -> bool {
    *seconds == finish_seconds()
}

/// Bounds on what recovery does by itself before a person decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoverySettings {
    /// Retries of an objective.
    pub max_retries: u32,
    /// Globs that recovery may add to a scope.
    pub expand: Vec<String>,
    /// Times that recovery may widen the scope of an objective.
    pub max_expansions: u32,
    /// Sessions of an objective in total.
    pub max_sessions: u32,
}

/// How a new worktree is prepared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorktreeSettings {
    /// Files that are copied from the repository's folder into the worktree. Read as globs, they are also the
    /// paths that no branch may commit, since they may hold secrets.
    pub copy: Vec<String>,
    /// Shell command that sets up the worktree.
    pub setup: Option<String>,
    /// Time limit of the set-up command, in minutes.
    pub setup_timeout_minutes: u32,
    /// Ignored folders that a new place begins with, as the last landed gate run left them.
    #[serde(default)]
    pub seed: Vec<String>,
}

/// A command of the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateCommand {
    /// Name for people.
    pub name: String,
    /// Shell command.
    pub run: String,
    /// Whole minutes of the time limit.
    pub timeout_minutes: u32,
    /// Seconds of the time limit beyond the whole minutes, 0 to 59. They were added later, and so are a field
    /// of their own.
    #[serde(default)]
    pub timeout_seconds: u32,
    /// Where the command reports which tests it ran.
    #[serde(default, skip_serializing_if = "TestReport::is_auto")]
    pub report: TestReport,
    /// What follows if it reports none.
    #[serde(default, skip_serializing_if = "TestsRule::is_auto")]
    pub tests: TestsRule,
    /// Least number of tests that have to pass; `None` if any number will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_tests: Option<u64>,
    /// Whether the command also has to pass on the work with the tests as they are on the base.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub isolated: bool,
}

/// Where a gate command reports which tests it ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestReport {
    /// In its output, if a known test runner wrote it.
    #[default]
    Auto,
    /// In a JUnit report at this path, relative to the repository's root; `*` matches within a name.
    Junit(String),
}

impl TestReport {
    fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// What is asked of the tests that a gate command reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestsRule {
    /// They are compared with those on the base. A command that reports none counts by its exit status.
    #[default]
    Auto,
    /// The same, and a command that reports none is red.
    Required,
    /// Only the exit status counts.
    Off,
}

impl TestsRule {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

impl GateCommand {
    /// Returns a command with a time limit in whole minutes, and defaults in everything else.
    #[must_use]
    pub fn new(name: impl Into<String>, run: impl Into<String>, timeout_minutes: u32) -> Self {
        Self {
            name: name.into(),
            run: run.into(),
            timeout_minutes,
            timeout_seconds: 0,
            report: TestReport::Auto,
            tests: TestsRule::Auto,
            min_tests: None,
            isolated: false,
        }
    }

    /// Returns the time limit in milliseconds.
    #[must_use]
    pub fn timeout_ms(&self) -> u64 {
        (u64::from(self.timeout_minutes) * 60 + u64::from(self.timeout_seconds)) * 1_000
    }

    /// Returns the time limit in minutes, as project files state it.
    #[must_use]
    pub fn timeout_in_minutes(&self) -> f64 {
        f64::from(self.timeout_minutes) + f64::from(self.timeout_seconds) / 60.0
    }
}

/// Number of gate runs at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slots {
    /// As many as measurements show to be worthwhile.
    Auto,
    /// A fixed number.
    Count(u32),
}

/// Settings of the merge queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSettings {
    /// Gate runs at the same time.
    pub slots: Slots,
    /// Whether every entry lands in a batch of its own.
    pub strict: bool,
    /// Times that a red gate run is repeated on the same tree before the branch is blamed.
    pub flaky_retries: u32,
    /// Whether the gate is run on an emptied tree, to find out whether it checks anything.
    pub canary: bool,
    /// Whether nothing outlives a gate run: the older way to write `gate.keep: []`.
    pub clean: bool,
}

/// Folders that outlive a run in a gate's worktree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The dependency and build folders of the ecosystems that the commit uses.
    #[default]
    Auto,
    /// Folders and globs relative to the repository's folder; empty = nothing is kept.
    Folders(Vec<String>),
}

/// Settings of the gate's place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GateSettings {
    /// Ignored folders that outlive a run. All other files that the commit does not hold are removed.
    pub keep: Keep,
}

/// What happens after a landing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandSettings {
    /// Who updates the target branch.
    pub publish: PublishRule,
    /// Remote to which the target branch is pushed after publishing; `None` = no push.
    pub push: Option<String>,
}

/// Who plans for a project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum PlannerChoice {
    /// The first agent of the project's workers that may plan.
    #[default]
    Auto,
    /// No agent: objectives come from people.
    Nobody,
    /// This agent; while it cannot be used, those of `Auto` take over.
    Agent(AgentId),
}

impl PlannerChoice {
    /// The word of [`Self::Auto`] in files and in stored settings.
    pub const AUTO: &str = "auto";
    /// The word of [`Self::Nobody`] in files and in stored settings.
    pub const NOBODY: &str = "none";

    fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

impl From<String> for PlannerChoice {
    fn from(word: String) -> Self {
        match word.as_str() {
            Self::AUTO => Self::Auto,
            Self::NOBODY => Self::Nobody,
            _ => Self::Agent(word.into()),
        }
    }
}

impl From<PlannerChoice> for String {
    fn from(choice: PlannerChoice) -> Self {
        match choice {
            PlannerChoice::Auto => PlannerChoice::AUTO.to_owned(),
            PlannerChoice::Nobody => PlannerChoice::NOBODY.to_owned(),
            PlannerChoice::Agent(id) => id.to_string(),
        }
    }
}

/// Settings of the planner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannerSettings {
    /// Who plans.
    #[serde(default, skip_serializing_if = "PlannerChoice::is_auto")]
    pub agent: PlannerChoice,
    /// Who decides that a plan becomes objectives.
    pub approval: ApprovalRule,
    /// Files of the repository that the planner's prompt contains.
    pub context_files: Vec<String>,
}

/// Limits on a project's usage per day; `None` = no limit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DayBudget {
    /// Dollars per day.
    pub usd: Option<f64>,
    /// Tokens per day.
    pub tokens: Option<u64>,
    /// Minutes of sessions per day.
    pub session_minutes: Option<u64>,
}

/// Disk space that Paddock leaves free and that it may use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiskSettings {
    /// Free space in gigabytes, below which Paddock starts nothing new.
    pub min_free_gb: f64,
    /// Megabytes of output that are kept per session.
    pub session_log_mb: u64,
    /// Gigabytes that worktrees may use; `None` = no limit. Not enforced yet.
    pub worktrees_gb: Option<f64>,
}

/// A command that is run when certain events happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyRule {
    /// Public types of the events.
    pub on: Vec<String>,
    /// Shell command, which receives the event as JSON on standard input.
    pub run: String,
}

/// Input that a program receives on standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StdinRule {
    /// Nothing.
    None,
    /// The text of the prompt.
    Prompt,
}

/// A command line: either words, or one line for a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandTemplate {
    /// The words; for a shell exactly one, the line.
    pub words: Vec<String>,
    /// Whether a shell interprets it.
    pub shell: bool,
}

/// An agent: a command-line program that works on a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSettings {
    /// Id of the agent.
    pub id: AgentId,
    /// Name for people.
    pub name: String,
    /// Command that starts it. Without words, the built-in scripted agent is started.
    pub command: CommandTemplate,
    /// Command that resumes one of its conversations (`{agent_session}`); `None` if the agent cannot.
    #[serde(default)]
    pub resume: Option<CommandTemplate>,
    /// Program that `agent check` looks up on `PATH`.
    pub cli_command: String,
    /// What it receives on standard input.
    pub stdin: StdinRule,
    /// Format of its output: `plain`, `scripted`, …
    pub transcript: String,
    /// Signal that asks it to stop: `TERM`, `INT`, `HUP`, …
    pub stop_signal: String,
    /// Environment variables that are set for it; an empty value unsets the variable.
    pub env: BTreeMap<String, String>,
    /// Whether it is allowed to plan.
    pub planner: bool,
    /// Whether it is built in as a planner, or its settings say `planner: true`. In a project that an earlier
    /// build took up, an agent without it plans only after a person has said that it may.
    #[serde(default)]
    pub plans: bool,
    /// Whether it may be used at all.
    pub enabled: bool,
    /// Description for people.
    pub description: String,
}

/// Role of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Writes code.
    Implementer,
    /// Combines the work of others; may change protected paths.
    Integrator,
    /// Investigates; may finish without a commit.
    Researcher,
}

/// How a worker chooses among its agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The first agent; the others replace it only while it cannot be used.
    Fixed,
    /// The first agent that can be used.
    Priority,
    /// Each agent in turn.
    RoundRobin,
}

/// A worker: a role, with the agents and the prompt for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerSettings {
    /// Id of the worker.
    pub id: WorkerId,
    /// Name for people.
    pub name: String,
    /// Role of the worker.
    pub role: Role,
    /// How it chooses among its agents.
    pub strategy: Strategy,
    /// Ids of its agents, in order of preference. The reader of the project file has resolved them; empty =
    /// no agent can be used.
    pub agents: Vec<AgentId>,
    /// File name of its prompt template.
    pub template: String,
}

/// Everything that a project file sets, with the defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectSettings {
    /// Name for people.
    pub name: String,
    /// Description for people and prompts.
    pub description: String,
    /// Absolute path of the repository's folder.
    pub repo_root: String,
    /// Absolute path of the folder in which worktrees are created.
    pub worktrees_root: String,
    /// Name of the user's branch to which work is published.
    pub target_branch: String,
    /// Whether the project file lets the project be worked on.
    pub enabled: bool,
    /// Sessions at the same time.
    pub max_parallel_sessions: u32,
    /// Globs of protected paths, which only sessions of an integrator may change.
    pub integrator_only_patterns: Vec<String>,
    /// How strictly scopes are applied.
    pub path_scope: ScopeRule,
    /// Whether objectives with overlapping scopes wait for each other.
    pub path_conflicts: OverlapRule,
    /// Globs that are in every scope and never count as an overlap.
    pub shared_patterns: Vec<String>,
    /// Limits of sessions whose objective sets none.
    pub session_defaults: SessionDefaults,
    /// Bounds on automatic recovery.
    pub recovery: RecoverySettings,
    /// The kind of place in which sessions work.
    #[serde(default)]
    pub workplace: Workplace,
    /// How worktrees are prepared.
    pub worktree: WorktreeSettings,
    /// The ports of sessions and gate runs.
    #[serde(default)]
    pub ports: PortSettings,
    /// Commands of the gate; empty = no gate.
    pub verify: Vec<GateCommand>,
    /// Settings of the gate's place.
    #[serde(default)]
    pub gate: GateSettings,
    /// Settings of the merge queue.
    pub queue: QueueSettings,
    /// What happens after a landing.
    pub land: LandSettings,
    /// Globs of tests and of gate configuration; `None` = the defaults for common ecosystems.
    pub test_patterns: Option<Vec<String>>,
    /// Settings of the planner.
    pub planner: PlannerSettings,
    /// Limits per day.
    pub budget: DayBudget,
    /// Limits on disk space.
    pub disk: DiskSettings,
    /// Whether commits are signed as the user's git configuration says.
    pub sign: bool,
    /// Commands that are run when certain events happen.
    pub notify: Vec<NotifyRule>,
    /// Agents: the built-in ones, overridden by those of the project.
    pub agents: Vec<AgentSettings>,
    /// Workers: the built-in ones, overridden by those of the project.
    pub workers: Vec<WorkerSettings>,
}

impl ProjectSettings {
    /// Returns the fingerprint of the gate: of its commands, their limits, and the set-up command.
    #[must_use]
    pub fn gate_terms(&self) -> String {
        terms_of(&self.verify, self.worktree.setup.as_deref())
    }

    /// Returns what outlives a gate run: nothing, if the older key `queue.clean` says so.
    #[must_use]
    pub fn kept(&self) -> Keep {
        if self.queue.clean { Keep::Folders(Vec::new()) } else { self.gate.keep.clone() }
    }

    /// Returns the agent with that id.
    #[must_use]
    pub fn agent(&self, id: &AgentId) -> Option<&AgentSettings> {
        self.agents.iter().find(|agent| agent.id == *id)
    }

    /// Returns the worker with that id.
    #[must_use]
    pub fn worker(&self, id: &WorkerId) -> Option<&WorkerSettings> {
        self.workers.iter().find(|worker| worker.id == *id)
    }
}
