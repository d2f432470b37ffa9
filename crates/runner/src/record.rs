//! What a job's folder says: who claimed it, what is wanted of it, how it ended.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::RunnerError;
use super::files::read_json;
use super::spec::JobKey;
use paddock_os::processes::Identity;

/// What to run, written by the supervisor before the keeper starts.
pub(crate) const SESSION_FILE: &str = "session.json";
/// Held locked by the keeper for its whole life.
pub(crate) const LOCK_FILE: &str = "keeper.lock";
/// Created exclusively by the keeper before it starts anything, or by recovery to fence the job.
pub(crate) const CLAIM_FILE: &str = "claim.json";
/// What the supervisor wants; replaced atomically.
pub(crate) const CONTROL_FILE: &str = "control.json";
/// How the job ended; appears complete or not at all.
pub(crate) const EXIT_FILE: &str = "exit.json";
/// The processes of the job last seen, for recovery after the keeper's own death.
pub(crate) const MEMBERS_FILE: &str = "members.json";
/// Why a stage's command could not be executed.
pub(crate) const START_ERROR_FILE: &str = "start-error.json";

/// The stage that runs, for whoever watches.
pub(crate) const PROGRESS_FILE: &str = "progress.json";

/// The format of these files written by this version of Paddock.
pub(crate) const VERSION: u32 = 1;

/// Who runs a job. Enough to find its processes again without ever trusting a bare process id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The format.
    pub version: u32,
    /// Which attempt was claimed.
    pub attempt: u32,
    /// The keeper, or nobody: recovery fenced the job.
    pub keeper: Option<Identity>,
    /// The boot during which this holds.
    pub boot_id: String,
    /// 128 random bits, in the environment of every process of the job.
    pub nonce: String,
    /// The control group that holds the job's processes, where there is one.
    pub cgroup: Option<String>,
    /// What the clock that stops while the machine sleeps showed then, in milliseconds, where there is one.
    #[serde(default)]
    pub awake_clock_ms: Option<u64>,
}

/// Why a job was stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// Its time was used up.
    Deadline,
    /// It made more commits than allowed.
    Commits,
    /// It used more tokens than allowed.
    Tokens,
    /// It cost more than allowed.
    Cost,
    /// What may be spent in a day is spent.
    DayBudget,
    /// Its agent waits for a limit to be lifted.
    Waiting,
    /// A human stopped it.
    Human,
    /// Paddock or the machine is shutting down.
    Shutdown,
    /// It did nothing that could be seen.
    Stalled,
    /// Its result is no longer wanted.
    Superseded,
}

/// A wish to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stop {
    /// Why.
    pub reason: StopReason,
    /// Without a grace.
    pub now: bool,
}

/// The content of `control.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Control {
    /// The format.
    pub version: u32,
    /// For which attempt; others ignore it.
    pub attempt: u32,
    /// Grows with every change; a keeper ignores what is not newer.
    pub epoch: u64,
    /// Replaces the submitted limit, in milliseconds; `None` lifts it.
    pub max_awake_ms: Option<u64>,
    /// The wish to stop.
    pub stop: Option<Stop>,
}

/// The content of `progress.json`: the stage that was begun last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Which of the job's stages, from 0.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// Begin, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// Where its standard output begins in the log, in bytes.
    pub stdout_from: u64,
    /// Where its standard error begins in the log, in bytes.
    pub stderr_from: u64,
}

impl Progress {
    /// Reads it from the folder of a job; `None` before its first stage.
    ///
    /// # Errors
    /// What the system said, or what is wrong with the content.
    pub fn read(dir: &Path) -> Result<Option<Self>, RunnerError> {
        read_json(&dir.join(PROGRESS_FILE))
    }
}

/// How the main process of a stage ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum StageOutcome {
    /// By itself.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// By a signal that Paddock did not send.
    Signaled {
        /// The signal's number.
        signal: i32,
    },
    /// The command could not be executed.
    NotStarted {
        /// The system's error number, 0 when there is none.
        errno: i32,
        /// What the system said.
        text: String,
    },
    /// Its own time limit passed.
    TimedOut,
    /// The job was stopped during it.
    Stopped,
}

/// One stage that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageEnd {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: StageOutcome,
    /// Exit code of a main process that was stopped or timed out but still ended by itself.
    pub late_code: Option<i32>,
    /// Begin, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// End, in milliseconds since 1970.
    pub ended_at_ms: u64,
    /// How long it ran while the machine was awake, in milliseconds.
    pub awake_ms: u64,
    /// Where its standard output begins in the log, in bytes.
    pub stdout_from: u64,
    /// Where its standard error begins in the log, in bytes.
    pub stderr_from: u64,
}

impl StageEnd {
    /// Whether the next stage may run.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.outcome == StageOutcome::Exited { code: 0 }
    }
}

/// What the job used of the machine, as far as the system tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time in user space, in milliseconds.
    pub user_ms: Option<u64>,
    /// CPU time in the kernel, in milliseconds.
    pub system_ms: Option<u64>,
    /// The largest resident size of one process that was sampled, in bytes.
    pub peak_rss_bytes: Option<u64>,
}

/// What became of one output stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamTotals {
    /// Bytes the job wrote.
    pub written_bytes: u64,
    /// Bytes still on disk.
    pub kept_bytes: u64,
}

/// The content of `exit.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitRecord {
    /// The format.
    pub version: u32,
    /// Which job and attempt.
    pub key: JobKey,
    /// The stages that were begun, in order.
    pub stages: Vec<StageEnd>,
    /// Why it was stopped, if it was.
    pub stop: Option<StopReason>,
    /// Awake time of the counted stages, in milliseconds.
    pub awake_ms: u64,
    /// Begin, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// End, in milliseconds since 1970.
    pub ended_at_ms: u64,
    /// CPU and memory.
    pub usage: Usage,
    /// A descendant held the output after its main process had exited.
    pub leaked: bool,
    /// Processes that outlived their stage and were killed.
    pub survivors_killed: u32,
    /// Processes that could not be killed in time.
    pub survivors_left: u32,
    /// The grace passed, or was not wanted, and the tree was killed.
    pub killed_hard: bool,
    /// Standard output.
    pub stdout: StreamTotals,
    /// Standard error.
    pub stderr: StreamTotals,
    /// Why output was lost beyond the cap (a full disk), if it was.
    pub log_error: Option<String>,
    /// Whether output was dropped for want of space on the disk, or of quota.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log_lacked_space: bool,
}

impl ExitRecord {
    /// Whether every stage ran and exited with 0, unstopped.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.stop.is_none() && self.stages.iter().all(StageEnd::succeeded)
    }
}
