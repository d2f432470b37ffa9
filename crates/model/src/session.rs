//! A session: one run of an agent for an objective, and how it can end (SPEC 1.2).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{AgentId, ObjectId, ObjectiveKey, SessionId, WorkerId};
use super::path::RepoPath;
use super::usage::{Account, Tokens, Usage};
use crate::finding::Finding;

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionKind {
    /// The first work on an objective.
    Work,
    /// Goes on where one stopped early.
    FollowUp,
    /// Repairs what review or the gate found.
    Correction,
    /// Brings the branch together with the integration ref.
    Conflict,
    /// Makes a plan.
    Planner,
}

impl SessionKind {
    /// The word of SPEC 1.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::FollowUp => "follow-up",
            Self::Correction => "correction",
            Self::Conflict => "conflict",
            Self::Planner => "planner",
        }
    }
}

impl fmt::Display for SessionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// Said so, or exited with 0 after commits and without a summary.
    Completed,
    /// Said that part is left.
    Partial,
    /// Stopped at a limit.
    OverBudget,
    /// Said that it cannot go on.
    Blocked,
    /// Exit status not 0, crashed, or nothing done.
    Failed,
    /// No work was seen for too long.
    Stalled,
    /// An outside error, or the supervisor stopped.
    Interrupted,
    /// Its keeper vanished without an exit record.
    Lost,
    /// Killed by a human.
    Killed,
}

impl SessionEnd {
    /// The word of SPEC 1.2.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Partial => "partial",
            Self::OverBudget => "over_budget",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::Stalled => "stalled",
            Self::Interrupted => "interrupted",
            Self::Lost => "lost",
            Self::Killed => "killed",
        }
    }
}

impl SessionEnd {
    /// Whether its agent did its work, whatever the work is worth.
    #[must_use]
    pub fn has_worked(self) -> bool {
        match self {
            Self::Completed | Self::Partial | Self::Blocked | Self::OverBudget => true,
            Self::Failed | Self::Stalled | Self::Interrupted | Self::Lost | Self::Killed => false,
        }
    }
}

impl fmt::Display for SessionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Ordered.
    Starting,
    /// Its agent runs.
    Running,
    /// Asked to stop.
    Stopping,
    /// Its processes are gone; what it left is being read.
    Harvesting,
    /// Over.
    Ended(SessionEnd),
}

impl SessionStatus {
    /// The word of SPEC 1.2.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping | Self::Harvesting => "stopping",
            Self::Ended(end) => end.word(),
        }
    }

    /// Whether processes of it may be alive.
    #[must_use]
    pub fn has_processes(self) -> bool {
        match self {
            Self::Starting | Self::Running | Self::Stopping => true,
            Self::Harvesting | Self::Ended(_) => false,
        }
    }

    /// Whether its agent works or is about to, and nothing has asked it to stop.
    #[must_use]
    pub fn is_at_work(self) -> bool {
        match self {
            Self::Starting | Self::Running => true,
            Self::Stopping | Self::Harvesting | Self::Ended(_) => false,
        }
    }

    /// Whether it is not over.
    #[must_use]
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Ended(_))
    }
}

/// Why a session was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// Its minutes are used up.
    Minutes,
    /// One commit more than its budget appeared.
    Commits,
    /// No work was seen for too long.
    Stalled,
    /// A person killed it.
    Human,
    /// The supervisor stops.
    Shutdown,
    /// Its tokens are used up.
    Tokens,
    /// It costs more than it may.
    Cost,
    /// What its project may spend in a day is spent.
    DayBudget,
    /// Its agent waits for a limit to be lifted, longer than is worth a slot.
    Waiting,
}

/// A limit that a session was above when it was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// Tokens.
    Tokens,
    /// Dollars.
    Usd,
}

impl Over {
    /// What there was more of than allowed, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Usd => "USD",
        }
    }

    /// The limits that this usage is above.
    #[must_use]
    pub fn exceeded(budget: &SessionBudget, usage: &Usage) -> Vec<Self> {
        let tokens = usage.tokens.map(Tokens::total);
        let of = |limit: Option<u64>, used: Option<u64>, over| {
            limit.zip(used).is_some_and(|(limit, used)| used > limit).then_some(over)
        };
        let tokens = of(budget.max_tokens, tokens, Self::Tokens);
        tokens.into_iter().chain(of(budget.max_usd_micros, usage.usd_micros, Self::Usd)).collect()
    }
}

/// How the main process of a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// With this status.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It could not be started.
    NotStarted(String),
    /// What has to be done before it, the worktree's set-up among it, failed: how.
    SetupFailed(String),
    /// With this status, while no disk space was left: nobody knows what it would have said.
    DiskFull(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}"),
            Self::NotStarted(problem) => write!(f, "could not be started: {problem}"),
            Self::SetupFailed(how) => write!(f, "could not be set up: {how}"),
            Self::DiskFull(code) => write!(f, "exit status {code} while no disk space was left"),
        }
    }
}

/// What the keeper recorded of a session's processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessEnd {
    /// How the agent ended.
    pub exit: Exit,
    /// Why the keeper stopped it, if it did.
    pub stop: Option<Stop>,
    /// Seconds that the machine was awake meanwhile.
    pub awake_seconds: u64,
    /// Processes that were left and had to be killed.
    pub survivors: u32,
}

impl ProcessEnd {
    /// Whether the agent was at work at all, however shortly: only then there was something to spend.
    #[must_use]
    pub fn has_run(&self) -> bool {
        !matches!(self.exit, Exit::NotStarted(_) | Exit::SetupFailed(_))
    }
}

/// The limits of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionBudget {
    /// Commits.
    pub max_commits: u32,
    /// Minutes, counted while the machine is awake.
    pub max_minutes: u32,
    /// Tokens; none = no limit.
    #[serde(default)]
    pub max_tokens: Option<u64>,
    /// Cost in millionths of a dollar; none = no limit.
    #[serde(default)]
    pub max_usd_micros: Option<u64>,
}

/// An agent's earlier conversation that a session goes on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// The session in which it was last.
    pub session: SessionId,
    /// The agent's own name for it.
    pub agent_session: String,
}

/// One commit made in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The commit.
    pub commit: ObjectId,
    /// The first line of its message, cut to 200 characters.
    pub summary: String,
    /// How many paths it changes.
    pub paths: u32,
}

/// Uncommitted work, kept as a commit of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Salvage {
    /// The ref that keeps it.
    pub reference: String,
    /// The commit.
    pub commit: ObjectId,
    /// How many paths it holds.
    pub paths: u32,
    /// Files too large to keep, left in place.
    pub left: Vec<RepoPath>,
}

/// What a session left, once read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Harvest {
    /// The head of the work branch.
    pub head: ObjectId,
    /// New commits of this session: how many.
    pub commits: u32,
    /// The newest of them, at most 20.
    pub checkpoints: Vec<Checkpoint>,
    /// Uncommitted work.
    pub salvage: Option<Salvage>,
    /// What review found.
    pub findings: Vec<Finding>,
    /// The agent's own words, cut to 2 kB.
    pub summary: String,
    /// Whether the summary could only be read leniently.
    pub summary_lenient: bool,
}

/// A session and all that is recorded of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// The objective it works for.
    pub objective: ObjectiveKey,
    /// What it is for.
    pub kind: SessionKind,
    /// The agent.
    pub agent: AgentId,
    /// The worker.
    pub worker: WorkerId,
    /// The how-manieth session of its objective, from 1.
    pub attempt: u32,
    /// Where it stands.
    pub status: SessionStatus,
    /// Why it was asked to stop.
    pub stop: Option<Stop>,
    /// Unix milliseconds.
    pub planned_ms: i64,
    /// Unix milliseconds.
    pub started_ms: Option<i64>,
    /// Unix milliseconds.
    pub finished_ms: Option<i64>,
    /// The agent's process id, for people.
    pub pid: Option<u32>,
    /// Its limits.
    pub budget: SessionBudget,
    /// The branch head that it started from.
    pub from: ObjectId,
    /// How its processes ended.
    pub process: Option<ProcessEnd>,
    /// What it left.
    pub harvest: Option<Harvest>,
    /// What its agent's transcript told: usage, why it failed, its name for the conversation.
    #[serde(default)]
    pub account: Account,
    /// The agent's conversation that it goes on with.
    #[serde(default)]
    pub resume: Option<Resume>,
    /// What it had used when the user's day began: that counts to the day before.
    #[serde(default)]
    pub before_today: Usage,
    /// When its usage was last recorded, in Unix milliseconds.
    #[serde(default)]
    pub usage_ms: i64,
    /// What the wall clock gained on the time that the machine was awake while it ran, in milliseconds.
    #[serde(default)]
    pub jumped_ms: i64,
}
