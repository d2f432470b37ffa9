//! What to run: a job, its stages and its limits, as written to `session.json`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::files::os_text;

/// What kind of work a job is; decides its folder (`runtime/sessions/<n>`, `runtime/gates/<n>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// An agent at work, or the planner.
    Session,
    /// The verify commands on a candidate.
    Gate,
}

/// Names one attempt at one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobKey {
    /// Session or gate.
    pub kind: JobKind,
    /// The session's or gate's number.
    pub id: u64,
    /// Counts the attempts, from 1; reports of an older attempt are ignored.
    pub attempt: u32,
}

impl fmt::Display for JobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            JobKind::Session => "session",
            JobKind::Gate => "gate",
        };
        write!(f, "{kind} {} (attempt {})", self.id, self.attempt)
    }
}

/// One command of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// A name for people: `setup`, `agent`, or the verify command's name.
    pub name: String,
    /// Program and arguments; with `shell` the first is a script for `sh -c` and the others its `$0`, `$1`, ….
    #[serde(with = "os_text::list")]
    pub argv: Vec<OsString>,
    /// Run by `sh -c`.
    pub shell: bool,
    /// The most awake time for this stage, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Counts to the job's `max_awake_ms`; a set-up does not.
    pub counted: bool,
    /// Gets the job's prompt file as standard input; others get nothing.
    pub prompted: bool,
}

/// The signal that asks a process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StopSignal {
    /// SIGTERM.
    Term,
    /// SIGINT.
    Int,
    /// SIGHUP.
    Hup,
    /// SIGQUIT.
    Quit,
    /// SIGUSR1.
    Usr1,
    /// SIGUSR2.
    Usr2,
}

/// When a job is stopped and how much it may write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The most awake time of its counted stages, in milliseconds; the clock stops while the machine sleeps.
    pub max_awake_ms: Option<u64>,
    /// Between the gentle signal and the kill, in milliseconds.
    pub grace_ms: u64,
    /// Without output, file changes and CPU for so long the job is stalled, in milliseconds.
    pub stall_ms: Option<u64>,
    /// The most that both logs together keep on disk, in bytes.
    pub log_cap_bytes: u64,
    /// The size of a log segment, in bytes.
    pub segment_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_awake_ms: None,
            grace_ms: 20_000,
            stall_ms: None,
            log_cap_bytes: 100_000_000,
            segment_bytes: 4_000_000,
        }
    }
}

/// What a process of the job may use of the machine; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// How much sooner than others the system ends it when memory runs out (up to 1000; Paddock wants 500).
    pub oom_score_adj: Option<i32>,
    /// Open files.
    pub open_files_max: Option<u64>,
    /// Open files, as the user is limited who started Paddock; a program may raise it for itself.
    pub open_files_soft: Option<u64>,
    /// The size of a core file, in bytes.
    pub core_bytes_max: Option<u64>,
    /// The size of one written file, in bytes.
    pub file_bytes_max: Option<u64>,
    /// Address space, in bytes.
    pub memory_bytes_max: Option<u64>,
    /// Stay in the supervisor's control group, where its limits hold, instead of one of the job's own.
    pub shared_control_group: bool,
}

impl Resources {
    /// What Paddock gives its jobs: they are ended before others, and may open as many files as their user.
    #[must_use]
    pub fn of_a_job() -> Self {
        let open_files_soft = paddock_os::open_files::of_jobs();
        Self { oom_score_adj: Some(500), open_files_soft, ..Self::default() }
    }
}

/// Values of variables that are never written to a file and never printed; they travel by inheritance.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretValues(pub BTreeMap<String, String>);

impl fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// Everything a keeper needs to run a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// Which job and attempt.
    pub key: JobKey,
    /// The job's folder.
    #[serde(with = "os_text::path")]
    pub dir: PathBuf,
    /// The working directory, which no other job may use at the same time.
    #[serde(with = "os_text::path")]
    pub worktree: PathBuf,
    /// Run in order; the first failure ends the job.
    pub stages: Vec<Stage>,
    /// The file that prompted stages read as standard input.
    #[serde(with = "os_text::optional_path")]
    pub stdin: Option<PathBuf>,
    /// Variables whose values may be written down.
    pub env_set: BTreeMap<String, String>,
    /// Names of the variables whose values travel by inheritance.
    pub env_names: Vec<String>,
    /// Values for `env_names` that Paddock's own environment lacks.
    #[serde(skip)]
    pub env_values: SecretValues,
    /// Variables removed from Paddock's own environment.
    pub env_unset: Vec<String>,
    /// When it is stopped.
    pub limits: Limits,
    /// How it is asked to stop.
    pub stop_signal: StopSignal,
    /// What it may use.
    pub resources: Resources,
}

/// The content of `session.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Submission {
    /// The format, now [`Submission::VERSION`].
    pub version: u32,
    /// The job.
    pub spec: JobSpec,
    /// The lock file of the worktree.
    #[serde(with = "os_text::path")]
    pub worktree_lock: PathBuf,
}

impl Submission {
    /// The format written by this version of Paddock.
    pub(crate) const VERSION: u32 = 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_values_are_neither_printed_nor_written() {
        let secret = SecretValues(BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]));
        assert_eq!(format!("{secret:?}"), "[\"TOKEN\"]");
    }
}
