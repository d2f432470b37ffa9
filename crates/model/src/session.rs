//! Sessions: one run of an agent for one objective, from its planning to the harvest of its results.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{AgentId, ObjectId, ObjectiveKey, SessionId, WorkerId};
use super::keeper::KeeperTrouble;
use super::objective::Objective;
use super::path::RepoPath;
use super::usage::{Account, Tokens, Usage, usd_text};
use crate::finding::Finding;

/// Purpose of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionKind {
    /// First work on an objective.
    Work,
    /// Continues the work of a session that stopped early.
    FollowUp,
    /// Repairs what the review or the gate found.
    Correction,
    /// Resolves the conflicts between the branch and the integration ref.
    Conflict,
    /// Makes a plan for a phase; it works for no objective.
    Planner,
}

impl SessionKind {
    /// Returns the name of the kind, for people, templates and scripts.
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

/// Outcome of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// The agent said that the objective is reached, or exited with 0 after making commits and without a
    /// summary.
    Completed,
    /// The agent said that some of the work is left.
    Partial,
    /// Paddock stopped the session at one of its limits.
    OverBudget,
    /// The agent said that it cannot continue without help.
    Blocked,
    /// The agent exited with another status than 0, crashed, or did nothing.
    Failed,
    /// Paddock stopped the session, because it showed no activity for too long.
    Stalled,
    /// An outside error ended the session, or the supervisor stopped it.
    Interrupted,
    /// The keeper of the session vanished without leaving a record.
    Lost,
    /// A person killed the session.
    Killed,
}

impl SessionEnd {
    /// Returns the name of the outcome, for people and scripts.
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
    /// Returns whether the agent itself worked, however good the result is. This proves that the agent can be
    /// used.
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

/// State of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// The session was ordered, and its agent has not started yet.
    Starting,
    /// The agent is running.
    Running,
    /// The session was asked to stop, and its processes may still be running.
    Stopping,
    /// The processes have ended, and Paddock is reading the results.
    Harvesting,
    /// The session is over, with this outcome.
    Ended(SessionEnd),
}

impl SessionStatus {
    /// Returns the name of the state, for people and scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping | Self::Harvesting => "stopping",
            Self::Ended(end) => end.word(),
        }
    }

    /// Returns whether processes of the session may be alive.
    #[must_use]
    pub fn has_processes(self) -> bool {
        match self {
            Self::Starting | Self::Running | Self::Stopping => true,
            Self::Harvesting | Self::Ended(_) => false,
        }
    }

    /// Returns whether the agent is working or starting, and nothing has asked the session to stop.
    #[must_use]
    pub fn is_at_work(self) -> bool {
        match self {
            Self::Starting | Self::Running => true,
            Self::Stopping | Self::Harvesting | Self::Ended(_) => false,
        }
    }

    /// Returns whether the session is not over yet.
    #[must_use]
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Ended(_))
    }
}

/// Why Paddock stopped a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The session ran for as many minutes as it may.
    Minutes,
    /// The session made one commit more than it may.
    Commits,
    /// The session showed no activity for too long.
    Stalled,
    /// A person killed it.
    Human,
    /// The supervisor is stopping.
    Shutdown,
    /// The session used more tokens than it may.
    Tokens,
    /// The session costs more than it may.
    Cost,
    /// The project's budget for the day is spent.
    DayBudget,
    /// The agent waits for a rate limit or quota, and longer than it is worth keeping the slot.
    Waiting,
    /// The agent had reported that it was done, and its program did not end. The session counts like one that
    /// ended by itself.
    Finished,
}

impl Stop {
    /// Returns the reason as a clause for people, with the limit that was reached.
    #[must_use]
    pub fn words(self, budget: &SessionBudget) -> String {
        let limit = |of: String| format!("stopped at its limit of {of}");
        match self {
            Self::Minutes => limit(format!("{} minutes", budget.max_minutes)),
            Self::Commits => limit(format!("{} commits", budget.max_commits)),
            Self::Tokens => {
                limit(budget.max_tokens.map_or("tokens".to_owned(), |max| format!("{max} tokens")))
            }
            Self::Cost => limit(budget.max_usd_micros.map_or("US dollars".to_owned(), usd_text)),
            Self::DayBudget => "stopped because the project's budget of the day was spent".to_owned(),
            Self::Stalled => "stopped because it stalled".to_owned(),
            Self::Human => "stopped by a person".to_owned(),
            Self::Shutdown => "stopped because Paddock or the machine shut down".to_owned(),
            Self::Waiting => "stopped because its agent waited for its provider".to_owned(),
            Self::Finished => "stopped because it had finished and its program did not end".to_owned(),
        }
    }
}

/// A limit that a session turned out to have exceeded when it was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// The limit on tokens.
    Tokens,
    /// The limit on dollars.
    Usd,
}

impl Over {
    /// Returns the unit of the limit, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Usd => "USD",
        }
    }

    /// Returns the limits that this usage exceeds. An amount that the agent did not report exceeds nothing.
    #[must_use]
    pub fn exceeded(budget: &SessionBudget, usage: &Usage) -> Vec<Self> {
        let tokens = usage.tokens.map(Tokens::total);
        // `zip`: without a limit, or without a report, nothing is exceeded.
        let above = |limit: Option<u64>, used: Option<u64>, over| {
            limit.zip(used).is_some_and(|(limit, used)| used > limit).then_some(over)
        };
        // An estimate proves nothing.
        let usd = usage.usd_micros.filter(|_| !usage.usd_is_estimate);
        let tokens = above(budget.max_tokens, tokens, Self::Tokens);
        tokens.into_iter().chain(above(budget.max_usd_micros, usd, Self::Usd)).collect()
    }
}

/// How the main process of a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// The process exited with this status.
    Code(i32),
    /// This signal ended the process.
    Signal(i32),
    /// The process could not be started, for this reason.
    NotStarted(String),
    /// A step before the start failed, such as the set-up of the worktree; the text says how.
    SetupFailed(String),
    /// The process exited with this status while the disk was full, so the status is no verdict on the work.
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

/// The keeper's record of the end of a session's processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessEnd {
    /// How the agent's process ended.
    pub exit: Exit,
    /// Why the keeper stopped it; `None` if it ended by itself.
    pub stop: Option<Stop>,
    /// Duration in seconds, without the time that the machine slept.
    pub awake_seconds: u64,
    /// Processes that outlived the agent and were killed.
    pub survivors: u32,
}

impl ProcessEnd {
    /// Returns how the process ended, in words: first why Paddock stopped it, if it did.
    #[must_use]
    pub fn words(&self, budget: &SessionBudget) -> String {
        match self.stop {
            Some(stop) => format!("{}; {}", stop.words(budget), self.exit),
            None => self.exit.to_string(),
        }
    }

    /// Returns whether the agent's process ran at all. Only then can it have used anything.
    #[must_use]
    pub fn has_run(&self) -> bool {
        !matches!(self.exit, Exit::NotStarted(_) | Exit::SetupFailed(_))
    }
}

/// Limits of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionBudget {
    /// Largest number of commits.
    pub max_commits: u32,
    /// Longest duration in minutes, without the time that the machine sleeps.
    pub max_minutes: u32,
    /// Largest number of tokens; `None` = no limit.
    #[serde(default)]
    pub max_tokens: Option<u64>,
    /// Highest cost, in millionths of a dollar; `None` = no limit.
    #[serde(default)]
    pub max_usd_micros: Option<u64>,
}

/// An agent's earlier conversation, which a session resumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// The last session in this conversation.
    pub session: SessionId,
    /// The agent's own id of the conversation.
    pub agent_session: String,
}

/// A commit made in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Id of the commit.
    pub commit: ObjectId,
    /// The first line of its message, cut to 200 characters.
    pub summary: String,
    /// Number of paths that it changes.
    pub paths: u32,
}

/// Uncommitted work of a session, saved as a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Salvage {
    /// Ref that keeps the commit.
    pub reference: String,
    /// Id of the commit.
    pub commit: ObjectId,
    /// Number of paths that it contains.
    pub paths: u32,
    /// Files that were too large to save and stayed in the worktree.
    pub left: Vec<RepoPath>,
}

/// Results of a session, as read after its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Harvest {
    /// Head of the work branch.
    pub head: ObjectId,
    /// Number of commits that the session made.
    pub commits: u32,
    /// The newest of these commits, at most 20.
    pub checkpoints: Vec<Checkpoint>,
    /// Uncommitted work that was saved; `None` if there was none.
    pub salvage: Option<Salvage>,
    /// Faults that the review found.
    pub findings: Vec<Finding>,
    /// The agent's own summary, cut to 2 kB.
    pub summary: String,
    /// Whether the summary was malformed and could only be read leniently.
    pub summary_lenient: bool,
}

/// A session, with everything recorded about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// Objective that it works for; [`ObjectiveId::planner`](super::ids::ObjectiveId::planner) for a planner
    /// session.
    pub objective: ObjectiveKey,
    /// Its purpose.
    pub kind: SessionKind,
    /// The agent that runs.
    pub agent: AgentId,
    /// The worker that the agent runs as.
    pub worker: WorkerId,
    /// Ordinal of the session among those of its objective, from 1.
    pub attempt: u32,
    /// Current state.
    pub status: SessionStatus,
    /// Why Paddock asked it to stop; `None` if it did not.
    pub stop: Option<Stop>,
    /// When the session was planned, in Unix milliseconds.
    pub planned_ms: i64,
    /// When its agent started, in Unix milliseconds.
    pub started_ms: Option<i64>,
    /// When its processes ended, in Unix milliseconds.
    pub finished_ms: Option<i64>,
    /// Process id of the agent, for people only: ids are reused, so Paddock never acts on it.
    pub pid: Option<u32>,
    /// Its limits.
    pub budget: SessionBudget,
    /// Head of the work branch when the session started.
    pub from: ObjectId,
    /// How its processes ended; `None` while they run, and if the keeper vanished.
    pub process: Option<ProcessEnd>,
    /// Its results; `None` until they are read, and if they cannot be.
    pub harvest: Option<Harvest>,
    /// What its agent reported: usage, failure, and the id of the conversation.
    #[serde(default)]
    pub account: Account,
    /// The conversation that it resumes; `None` if it started a new one.
    #[serde(default)]
    pub resume: Option<Resume>,
    /// Usage before the user's current day began, which counts towards the day before.
    #[serde(default)]
    pub before_today: Usage,
    /// When its usage was last recorded, in Unix milliseconds.
    #[serde(default)]
    pub usage_ms: i64,
    /// Milliseconds by which the wall clock advanced more than the machine was awake, while the session ran.
    #[serde(default)]
    pub jumped_ms: i64,
    /// What was last wrong with its keeper, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<KeeperTrouble>,
}

impl Session {
    /// Returns whether the session runs the set-up of its objective's worktree: the first one does, and one
    /// after a set-up that failed.
    #[must_use]
    pub fn is_set_up_for(&self, objective: &Objective) -> bool {
        self.kind != SessionKind::Planner && (self.attempt == 1 || objective.setup_failures > 0)
    }
}
