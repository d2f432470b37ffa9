//! The description of a job, its stages and its limits, as written to `session.json`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::files::os_text;
use paddock_model::ids::ProjectSlug;
use paddock_model::settings::PortSettings;

/// The kind of a job, which decides its folder (`runtime/sessions/<n>`, `runtime/gates/<n>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// An agent or the planner.
    Session,
    /// The commands of the gate on a candidate.
    Gate,
}

/// Names one attempt at one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobKey {
    /// Whether the job is a session or a gate run.
    pub kind: JobKind,
    /// Number of the session or gate run.
    pub id: u64,
    /// Number of the attempt, from 1; reports of an older attempt are ignored.
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

/// Name of the stage that sets a worktree up.
pub const SET_UP_STAGE: &str = "worktree.setup";
/// Name of the stages that hold a gate's folder against the commit.
pub const LOOK_STAGE: &str = "paddock.look";

/// Returns whether a stage of a gate run is one of the gate's own commands.
#[must_use]
pub fn is_gate_command(stage: &str) -> bool {
    stage != SET_UP_STAGE && stage != LOOK_STAGE
}

/// One command of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Name for people: `setup`, `agent`, or the name of a gate command.
    pub name: String,
    /// Program and arguments. With `shell` the first is a script for `sh -c`, and the others are its `$0`,
    /// `$1`, ….
    #[serde(with = "os_text::list")]
    pub argv: Vec<OsString>,
    /// Whether `sh -c` runs the command.
    pub shell: bool,
    /// Limit on the stage's awake time, in milliseconds; `None` for no limit.
    pub timeout_ms: Option<u64>,
    /// Whether the stage's time counts towards the job's `max_awake_ms`; the time of a set-up does not.
    pub counted: bool,
    /// Whether the stage gets the job's prompt file as standard input; other stages get an empty one.
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

/// Limits on a job's time and on its logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Limit on the awake time of the counted stages, in milliseconds; the clock stops while the machine
    /// sleeps.
    pub max_awake_ms: Option<u64>,
    /// Time between the stop signal and the kill, in milliseconds.
    pub grace_ms: u64,
    /// Time without output, file changes and CPU use after which the job counts as stalled, in milliseconds.
    pub stall_ms: Option<u64>,
    /// Time without any activity after which a job is stopped that has reported its end
    /// ([`Runner::finished`](crate::Runner::finished)), in milliseconds; `None` for no limit.
    #[serde(default)]
    pub finish_ms: Option<u64>,
    /// Limit on the size of both logs together on disk, in bytes.
    pub log_cap_bytes: u64,
    /// Size of a log segment, in bytes.
    pub segment_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_awake_ms: None,
            grace_ms: 20_000,
            stall_ms: None,
            finish_ms: None,
            log_cap_bytes: 100_000_000,
            segment_bytes: 4_000_000,
        }
    }
}

/// System limits for the processes of a job; `None` leaves the inherited value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Linux's `oom_score_adj`, up to 1000: a process with a higher score is killed sooner when memory runs
    /// out.
    pub oom_score_adj: Option<i32>,
    /// Hard limit on open files.
    pub open_files_max: Option<u64>,
    /// Soft limit on open files, as it was for the user who started Paddock; a program may raise it for
    /// itself.
    pub open_files_soft: Option<u64>,
    /// Limit on the size of a core file, in bytes.
    pub core_bytes_max: Option<u64>,
    /// Limit on the size of one written file, in bytes.
    pub file_bytes_max: Option<u64>,
    /// Limit on the address space, in bytes.
    pub memory_bytes_max: Option<u64>,
    /// Whether the job stays in the supervisor's control group, whose limits then apply, instead of getting
    /// its own.
    pub shared_control_group: bool,
}

impl Resources {
    /// Returns the limits of Paddock's jobs: the system kills them before the supervisor when memory runs
    /// out, and they may open as many files as their user.
    #[must_use]
    pub fn for_job() -> Self {
        let open_files_soft = paddock_os::open_files::limit_for_jobs();
        Self { oom_score_adj: Some(500), open_files_soft, ..Self::default() }
    }
}

/// Values of secret variables. They are never written to a file and never printed; processes inherit them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretValues(pub BTreeMap<String, String>);

impl fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// What a job asks of its slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotOrder {
    /// The project, after which containers are named.
    pub project: String,
    /// First port of slot 0.
    pub port_base: u32,
    /// Number of ports of each slot.
    pub ports_per_slot: u32,
}

impl SlotOrder {
    /// Returns what a job of this project asks for.
    #[must_use]
    pub fn new(project: &ProjectSlug, ports: &PortSettings) -> Self {
        Self { project: project.to_string(), port_base: ports.base, ports_per_slot: ports.per_slot }
    }
}

/// A slot as `session.json` names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slot {
    /// The number.
    pub(crate) number: u32,
    /// Folder for temporary files; `None` if none could be made.
    #[serde(default)]
    pub(crate) temporary: Option<String>,
    /// File of the slot.
    #[serde(with = "os_text::path")]
    pub(crate) lock: PathBuf,
    /// Random text that the slot's record has as long as the slot is this job's.
    pub(crate) token: String,
}

/// Everything that a keeper needs to run a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// The job and the attempt.
    pub key: JobKey,
    /// Folder of the job.
    #[serde(with = "os_text::path")]
    pub dir: PathBuf,
    /// Working directory, which no other job may use at the same time.
    #[serde(with = "os_text::path")]
    pub worktree: PathBuf,
    /// Commands to run in order; the first failure ends the job.
    pub stages: Vec<Stage>,
    /// File that prompted stages read as standard input.
    #[serde(with = "os_text::optional_path")]
    pub stdin: Option<PathBuf>,
    /// Variables whose values may be written to disk.
    pub env_set: BTreeMap<String, String>,
    /// Names of variables whose values the job inherits, because they must not be written to disk.
    pub env_names: Vec<String>,
    /// Values for those `env_names` that Paddock's own environment lacks.
    #[serde(skip)]
    pub env_values: SecretValues,
    /// Variables of Paddock's own environment that the job must not get.
    pub env_unset: Vec<String>,
    /// Limits on the job's time and logs.
    pub limits: Limits,
    /// Signal that asks the job to stop.
    pub stop_signal: StopSignal,
    /// System limits for the job's processes.
    pub resources: Resources,
    /// What the job asks of its slot; `None` for a job without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<SlotOrder>,
}

/// The content of `session.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Submission {
    /// Version of the format, now [`Submission::VERSION`].
    pub version: u32,
    /// The job.
    pub spec: JobSpec,
    /// Lock file of the worktree.
    #[serde(with = "os_text::path")]
    pub worktree_lock: PathBuf,
    /// Slot of the job; `None` for a job without one, and for those of earlier builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
}

impl Submission {
    /// Version of the format that this build writes.
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
