//! The files in a job's folder: who claimed the job, what the supervisor wants, and how the job ended.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::RunnerError;
use super::files::read_json;
use super::spec::JobKey;
use paddock_os::processes::Identity;

/// The job to run. The supervisor writes this file before the keeper starts.
pub(crate) const SESSION_FILE: &str = "session.json";
/// Lock that the keeper holds for its whole life.
pub(crate) const LOCK_FILE: &str = "keeper.lock";
/// Who runs the job. Created exclusively: by the keeper before it starts anything, or by recovery to fence
/// the job.
pub(crate) const CLAIM_FILE: &str = "claim.json";
/// What the supervisor wants of the job. Replaced atomically.
pub(crate) const CONTROL_FILE: &str = "control.json";
/// How the job ended. Appears complete or not at all.
pub(crate) const EXIT_FILE: &str = "exit.json";
/// Processes of the job when the keeper last sampled them, for recovery after the keeper's death.
pub(crate) const MEMBERS_FILE: &str = "members.json";
/// Why a stage's command could not be executed.
pub(crate) const START_ERROR_FILE: &str = "start-error.json";

/// That the agent has reported its end. Written by the supervisor, which reads its output.
pub(crate) const FINISHED_FILE: &str = "finished.json";

/// The running stage, for displays.
pub(crate) const PROGRESS_FILE: &str = "progress.json";

/// Version of the files' format that this build writes.
pub(crate) const VERSION: u32 = 1;

/// The content of `claim.json`: who runs a job. It suffices to find the job's processes again without
/// trusting a bare process id, which the system reuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Version of the format.
    pub version: u32,
    /// Attempt that was claimed.
    pub attempt: u32,
    /// The keeper; `None` if recovery fenced the job.
    pub keeper: Option<Identity>,
    /// Boot of the machine during which the process ids of this claim are valid.
    pub boot_id: String,
    /// 128 random bits, which the environment of every process of the job carries.
    pub nonce: String,
    /// Control group that holds the job's processes; `None` where the system allows none.
    pub cgroup: Option<String>,
    /// Reading, at the time of the claim, of the clock that stops while the machine sleeps, in milliseconds;
    /// `None` where the system has no such clock.
    #[serde(default)]
    pub awake_clock_ms: Option<u64>,
}

/// Why a job was stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The job used up its time.
    Deadline,
    /// The job made more commits than allowed.
    Commits,
    /// The job used more tokens than allowed.
    Tokens,
    /// The job cost more than allowed.
    Cost,
    /// The project used up its budget of the day.
    DayBudget,
    /// The job's agent waits until its provider lifts a limit.
    Waiting,
    /// A person stopped the job.
    Human,
    /// Paddock or the machine shuts down.
    Shutdown,
    /// The job showed no activity for too long.
    Stalled,
    /// The job's result is no longer needed.
    Superseded,
    /// The job's program had reported that it was done, and did not end.
    Finished,
}

/// A request to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stop {
    /// Reason for the stop.
    pub reason: StopReason,
    /// Whether the job is killed without a grace period.
    pub now: bool,
}

/// The content of `control.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Control {
    /// Version of the format.
    pub version: u32,
    /// Attempt that this file addresses; keepers of other attempts ignore it.
    pub attempt: u32,
    /// Number of the change, which grows; a keeper ignores a file that is not newer than the last one it
    /// read.
    pub epoch: u64,
    /// Limit that replaces the submitted one, in milliseconds; `None` lifts the limit.
    pub max_awake_ms: Option<u64>,
    /// The request to stop, if any.
    pub stop: Option<Stop>,
}

/// The content of `finished.json`: the agent reported its end on standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finished {
    /// Attempt that this file is about; keepers of other attempts ignore it.
    pub attempt: u32,
    /// Length of standard output up to the report, in bytes. If the job has written more, it went on.
    pub stdout_bytes: u64,
}

/// The content of `progress.json`: the stage that started last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Index of the stage in the job, from 0.
    pub index: usize,
    /// Name of the stage.
    pub name: String,
    /// Start of the stage, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// Offset in the log at which the stage's standard output begins, in bytes.
    pub stdout_from: u64,
    /// Offset in the log at which the stage's standard error begins, in bytes.
    pub stderr_from: u64,
}

impl Progress {
    /// Reads the progress from the folder of a job. Returns `None` before the first stage.
    ///
    /// # Errors
    /// Fails if the file cannot be read or its content is invalid.
    pub fn read(dir: &Path) -> Result<Option<Self>, RunnerError> {
        read_json(&dir.join(PROGRESS_FILE))
    }
}

/// How the main process of a stage ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum StageOutcome {
    /// The process exited by itself.
    Exited {
        /// Exit code.
        code: i32,
    },
    /// A signal that Paddock did not send ended the process.
    Signaled {
        /// Number of the signal.
        signal: i32,
    },
    /// The command could not be executed.
    NotStarted {
        /// The system's error number; 0 if there is none.
        errno: i32,
        /// Words of the error.
        text: String,
    },
    /// The stage reached its own time limit.
    TimedOut,
    /// The job was stopped during the stage.
    Stopped,
}

/// A stage that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageEnd {
    /// Name of the stage.
    pub name: String,
    /// How the stage ended.
    pub outcome: StageOutcome,
    /// Exit code of a main process that still exited by itself after it was stopped or timed out.
    pub late_code: Option<i32>,
    /// Start of the stage, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// End of the stage, in milliseconds since 1970.
    pub ended_at_ms: u64,
    /// Running time of the stage while the machine was awake, in milliseconds.
    pub awake_ms: u64,
    /// Offset in the log at which the stage's standard output begins, in bytes.
    pub stdout_from: u64,
    /// Offset in the log at which the stage's standard error begins, in bytes.
    pub stderr_from: u64,
}

impl StageEnd {
    /// Returns whether the next stage may run.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.outcome == StageOutcome::Exited { code: 0 }
    }
}

/// Resources that a job used; `None` where the system does not report them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time in user space, in milliseconds.
    pub user_ms: Option<u64>,
    /// CPU time in the kernel, in milliseconds.
    pub system_ms: Option<u64>,
    /// Largest resident size of a single sampled process, in bytes.
    pub peak_rss_bytes: Option<u64>,
}

/// Sizes of one output stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamTotals {
    /// Bytes that the job wrote.
    pub written_bytes: u64,
    /// Bytes that are still on disk.
    pub kept_bytes: u64,
}

/// The content of `exit.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitRecord {
    /// Version of the format.
    pub version: u32,
    /// The job and the attempt.
    pub key: JobKey,
    /// Stages that were started, in order.
    pub stages: Vec<StageEnd>,
    /// Why the job was stopped; `None` if it was not.
    pub stop: Option<StopReason>,
    /// Awake time of the counted stages, in milliseconds.
    pub awake_ms: u64,
    /// Start of the job, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// End of the job, in milliseconds since 1970.
    pub ended_at_ms: u64,
    /// CPU time and memory that the job used.
    pub usage: Usage,
    /// Whether a descendant kept an output open after the main process of its stage had exited.
    pub leaked: bool,
    /// Number of processes that outlived their stage and were killed.
    pub survivors_killed: u32,
    /// Number of processes that could not be killed in time.
    pub survivors_left: u32,
    /// Whether the process tree was killed because the grace period passed or was not wanted.
    pub killed_hard: bool,
    /// Sizes of standard output.
    pub stdout: StreamTotals,
    /// Sizes of standard error.
    pub stderr: StreamTotals,
    /// First error that made the log lose output (a full disk); `None` if only the cap dropped output.
    pub log_error: Option<String>,
    /// Whether the log lost output because the disk or the quota was full.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log_lacked_space: bool,
    /// Whether the disk of the job's temporary files was full when its last command ended. The files are
    /// removed before anybody else can look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub temporary_lacked_space: bool,
}

impl ExitRecord {
    /// Returns whether the job was not stopped and every stage exited with 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.stop.is_none() && self.stages.iter().all(StageEnd::succeeded)
    }
}
