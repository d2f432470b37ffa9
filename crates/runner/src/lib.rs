//! The boundary behind which sessions and gates run, and the runner that runs them on this machine.
//!
//! A job is one session or one gate run. Each job has a folder of its own and a keeper: a detached process of
//! the same binary (`paddock __keeper DIR`), so that a job outlives its supervisor. The folder holds the
//! whole state of the job: `session.json` (what to run), `claim.json` (who runs it), `control.json` (what the
//! supervisor wants), `exit.json` (how the job ended), `stdout.log.N` and `stderr.log.N`.
//!
//! Code outside [`local`] must not assume that it can see a job's processes: a runner may be remote.
//!
//! # Identity
//!
//! The supervisor takes the lock of the worktree and `keeper.lock` of the job, and the keeper inherits both
//! as open files. The kernel releases a lock however its holder dies, so whether a keeper lives is a question
//! of its lock, never of a process id. The keeper claims the job by creating `claim.json`, enforces the time
//! limit on a clock that stops while the machine sleeps, writes the logs in capped segments, and leaves
//! `exit.json` by rename. A keeper that vanished without `exit.json` makes the job `lost`. Its processes are
//! found by control group, by the nonce in their environment, by session and by the keeper's last list of
//! members, each checked by start time and boot id, and killed before anything else uses the worktree.
//!
//! # Slots
//!
//! A job may have a slot: a number, ports and temporary folders that no other job of the user has at the same
//! time ([`SlotOrder`]). The runner and the keeper hold the lock of its slot together (`slots`).
//!
//! # Keepers that do not work
//!
//! Whatever a job runs may stop its keeper (SIGSTOP, a debugger), or kill it and hold its lock. So a keeper
//! gives a sign of life every second, and the runner looks at every keeper twice a second: it continues one
//! that is stopped, kills one that is stopped again and again or gives no sign of life, and counts the job's
//! limit itself (`local::guard`). The job is then cleaned up like that of a keeper that vanished.
//!
//! # Stalls
//!
//! A keeper declares a session stalled when output, processor time and a few cheap paths have shown nothing
//! for `stall_minutes` *and* a walk over every file of the worktree, made only then and in small steps, finds
//! nothing changed in that time by the kernel's change time, which no program can set. Programs use some
//! processor time while they only wait, so it is judged over the whole quiet span, and more leniently for what
//! a program starts than for the program itself (`keeper::activity`).
//!
//! A program that has reported its end, and stays, is stopped after a much shorter silence
//! ([`Runner::finished`]).

mod beat;
pub mod enter;
mod error;
mod files;
pub mod inherit;
pub mod keeper;
pub(crate) mod local;
pub mod log;
pub mod record;
pub(crate) mod slots;
pub(crate) mod spec;
pub(crate) mod traces;

use std::path::{Path, PathBuf};

use paddock_model::keeper::KeeperTrouble;

pub use error::RunnerError;
pub use local::{GuardTimes, LocalRunner, is_in_a_job};
pub use record::{Claim, ExitRecord, StageEnd, StageOutcome, StopReason};
pub use slots::{SlotPlaces, slot_of};
pub use spec::{JobKey, JobKind, JobSpec, Limits, Resources, SecretValues, SlotOrder, Stage, StopSignal};
pub use spec::{LOOK_STAGE, SET_UP_STAGE, is_gate_command};

/// The state in which a supervisor finds a job of an earlier supervisor.
#[derive(Debug, Clone, PartialEq)]
pub enum Adoption {
    /// The job's keeper lives; the runner will report the end of the job.
    Running {
        /// The keeper's claim; `None` if the keeper holds the lock but has not written its claim yet.
        claim: Option<Claim>,
    },
    /// The job ended while no supervisor ran.
    Ended(Box<ExitRecord>),
    /// The job's keeper vanished without an exit record; the runner killed what was left of the job.
    Lost(LostJob),
}

/// A job whose keeper vanished without an exit record. Nobody knows how far the job got, so it counts neither
/// as failed nor as done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostJob {
    /// Number of processes of the job that were still alive and were killed.
    pub survivors_killed: u32,
    /// Number of processes that could not be killed in time.
    pub survivors_left: u32,
    /// Whether the job was fenced before a keeper claimed it, so that no process of the job ever started.
    pub never_started: bool,
    /// The keeper's last output on standard error, or why its record could not be read; may be empty.
    pub note: String,
}

/// A report that a runner sends on its own. Reports of different jobs come in any order.
#[derive(Debug, Clone, PartialEq)]
pub enum JobReport {
    /// The keeper claimed the job and is about to start its first stage.
    Started {
        /// The job.
        key: JobKey,
        /// Process id of the keeper, for people to read.
        keeper_pid: i32,
    },
    /// The job ended and left its record.
    Ended {
        /// The job.
        key: JobKey,
        /// How the job ended.
        record: Box<ExitRecord>,
    },
    /// The keeper vanished; the runner killed what was left of the job.
    Lost {
        /// The job.
        key: JobKey,
        /// What is known about the job.
        job: LostJob,
    },
    /// The keeper did not do its work, and the runner did something about it. The job's end is reported as
    /// always.
    Trouble {
        /// The job.
        key: JobKey,
        /// What was wrong and what was done.
        trouble: KeeperTrouble,
    },
    /// The thread that waits for the job's end panicked, which is a bug in Paddock. No further report of this
    /// job comes.
    Unwatched {
        /// The job.
        key: JobKey,
        /// Message and location of the panic.
        problem: String,
    },
}

/// The present state of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum JobState {
    /// No such job was ever submitted in this folder.
    Unknown,
    /// A keeper holds the job's lock.
    Running,
    /// The job ended and left its record.
    Ended(Box<ExitRecord>),
    /// The job has neither a keeper nor a record; [`Runner::adopt`] cleans up and finds out more.
    Gone,
}

/// A place where sessions and gates run. Every call is idempotent, and no call waits for a job to end.
pub trait Runner: Send + Sync {
    /// Starts the job unless this `(id, attempt)` was started before. The runner reports the job's end in
    /// both cases.
    ///
    /// # Errors
    /// [`RunnerError::WorktreeBusy`] if another job runs in the worktree, [`RunnerError::OtherAttempt`] if
    /// another attempt of this job is still running; otherwise the reason why the keeper could not be
    /// started.
    fn submit(&self, spec: &JobSpec) -> Result<(), RunnerError>;

    /// Takes over a job of an earlier supervisor. Fences the job if it never started, and cleans up after it
    /// if its keeper is gone.
    ///
    /// # Errors
    /// Fails if the job's folder cannot be read or written.
    fn adopt(&self, key: &JobKey, dir: &Path) -> Result<Adoption, RunnerError>;

    /// Returns the present state of the job from its folder alone, without changing anything.
    ///
    /// # Errors
    /// Fails if the job's folder cannot be read.
    fn poll(&self, key: &JobKey, dir: &Path) -> Result<JobState, RunnerError>;

    /// Sets the limit on the job's awake time, in milliseconds counted from its start; `None` lifts the
    /// limit.
    ///
    /// # Errors
    /// Fails if this runner does not know the job, or if the job's folder cannot be written.
    fn extend(&self, key: &JobKey, max_awake_ms: Option<u64>) -> Result<(), RunnerError>;

    /// Asks the job to stop: with a signal and a grace period, or with a kill if `now`.
    ///
    /// # Errors
    /// Fails if this runner does not know the job, or if the job's folder cannot be written.
    fn cancel(&self, key: &JobKey, reason: StopReason, now: bool) -> Result<(), RunnerError>;

    /// Notes that the job's program has reported its end in the first `stdout_bytes` bytes of its output. If it
    /// stays without any activity for `finish_ms`, it is stopped with [`StopReason::Finished`]. More output
    /// takes the note back.
    ///
    /// # Errors
    /// Fails if this runner does not know the job, or if the job's folder cannot be written.
    fn finished(&self, key: &JobKey, stdout_bytes: u64) -> Result<(), RunnerError>;

    /// Returns the folder with the job's files. A remote runner copies the files to this machine first.
    ///
    /// # Errors
    /// Fails if this runner does not know the job.
    fn fetch(&self, key: &JobKey) -> Result<PathBuf, RunnerError>;
}
