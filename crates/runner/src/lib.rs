//! The boundary behind which sessions and gates run, and the local means to run them.
//!
//! A job is one session or one gate run. It lives in a folder of its own and is looked after by a keeper: the
//! same binary as `paddock __keeper DIR`, detached, so that a job outlives its supervisor. The folder tells
//! everything: `session.json` (what to run), `claim.json` (who runs it), `control.json` (what the supervisor
//! wants), `exit.json` (how it ended), `stdout.log.N` and `stderr.log.N`.
//!
//! Nothing outside [`local`] may assume that a job's processes are visible from here.

pub mod enter;
mod error;
mod files;
pub mod inherit;
pub mod keeper;
pub(crate) mod local;
pub mod log;
pub mod record;
pub(crate) mod spec;

use std::path::{Path, PathBuf};

pub use error::RunnerError;
pub use local::LocalRunner;
pub use record::{Claim, ExitRecord, StageEnd, StageOutcome, StopReason};
pub use spec::{JobKey, JobKind, JobSpec, Limits, Resources, SecretValues, Stage, StopSignal};

/// What was found when a job of an earlier supervisor was looked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Adoption {
    /// Its keeper lives; its end will be reported.
    Running {
        /// The keeper's identity; `None` while it is between its lock and its claim.
        claim: Option<Claim>,
    },
    /// It ended while nobody looked.
    Ended(Box<ExitRecord>),
    /// Its keeper is gone without an exit record; what was left of it has been killed.
    Lost(LostJob),
}

/// What is known of a job whose keeper vanished without an exit record: never "failed" nor "done".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostJob {
    /// Processes of the job that were still alive and were killed.
    pub survivors_killed: u32,
    /// Processes that could not be killed in time.
    pub survivors_left: u32,
    /// Nothing was ever started: the job was fenced before a keeper claimed it.
    pub never_started: bool,
    /// What the keeper said before it left, or why its record could not be read; may be empty.
    pub note: String,
}

/// What a runner says by itself, in any order between jobs.
#[derive(Debug, Clone, PartialEq)]
pub enum JobReport {
    /// The keeper claimed the job and is about to start its first stage.
    Started {
        /// The job.
        key: JobKey,
        /// The keeper's process id, for people.
        keeper_pid: i32,
    },
    /// The job ended and left its record.
    Ended {
        /// The job.
        key: JobKey,
        /// How it ended.
        record: Box<ExitRecord>,
    },
    /// The keeper vanished; what it left has been killed.
    Lost {
        /// The job.
        key: JobKey,
        /// What is known.
        job: LostJob,
    },
    /// A fault of Paddock itself: the thread that waits for the job's end panicked, and nothing will be reported of it.
    Unwatched {
        /// The job.
        key: JobKey,
        /// What the panic said, and where.
        problem: String,
    },
}

/// The answer to "how is this job now".
#[derive(Debug, Clone, PartialEq)]
pub enum JobState {
    /// No such job was ever submitted in this folder.
    Unknown,
    /// A keeper holds it.
    Running,
    /// It left its record.
    Ended(Box<ExitRecord>),
    /// No keeper and no record: `adopt` will clean up and say more.
    Gone,
}

/// Where sessions and gates run. Every call is idempotent and none waits for a job.
pub trait Runner: Send + Sync {
    /// Starts the job unless this `(id, attempt)` was started before; its end is reported either way.
    ///
    /// # Errors
    /// [`RunnerError::WorktreeBusy`] when another job runs in the worktree, [`RunnerError::OtherAttempt`] when
    /// another attempt of it is still running, else what kept the keeper from being started.
    fn submit(&self, spec: &JobSpec) -> Result<(), RunnerError>;

    /// Looks for a job of an earlier supervisor, fences it when it never started and cleans up after it when
    /// its keeper is gone.
    ///
    /// # Errors
    /// When the job's folder cannot be read or written.
    fn adopt(&self, key: &JobKey, dir: &Path) -> Result<Adoption, RunnerError>;

    /// How the job is now, from its folder alone; changes nothing.
    ///
    /// # Errors
    /// When the job's folder cannot be read.
    fn poll(&self, key: &JobKey, dir: &Path) -> Result<JobState, RunnerError>;

    /// Sets a new limit of awake time, in milliseconds counted from the start; `None` lifts it.
    ///
    /// # Errors
    /// When the job is unknown to this runner or its folder cannot be written.
    fn extend(&self, key: &JobKey, max_awake_ms: Option<u64>) -> Result<(), RunnerError>;

    /// Asks the job to stop: gently with a grace, or `now`.
    ///
    /// # Errors
    /// When the job is unknown to this runner or its folder cannot be written.
    fn cancel(&self, key: &JobKey, reason: StopReason, now: bool) -> Result<(), RunnerError>;

    /// The folder with the job's files, brought here first where the runner is remote.
    ///
    /// # Errors
    /// When the job is unknown to this runner.
    fn fetch(&self, key: &JobKey) -> Result<PathBuf, RunnerError>;
}
