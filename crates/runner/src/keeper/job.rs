//! Runs the stages of a job, and makes its record.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::Mode;
use rustix::process::{Signal, WaitOptions, WaitStatus, wait};

use super::activity::Activity;
use super::signals::Signals;
use super::stage::Running;
use crate::beat::beat;
use crate::files;
use crate::log::{LogSet, Stream};
use crate::record::{
    CONTROL_FILE, Claim, Control, ExitRecord, FINISHED_FILE, Finished, StageEnd, Stop, StopReason, Usage,
    VERSION,
};
use crate::spec::{JobSpec, StopSignal};
use paddock_os::disk::is_full;
use paddock_os::process_tree::{Cgroup, Swept, Traces};
use paddock_os::processes;

/// Time after which a sweep gives up; processes that are left then are counted in the record.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// Returns the wall clock in milliseconds since 1970, for people. Limits go by `Instant`, which nobody can
/// set.
pub(crate) fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The state of a running job. `Instant` stops while the machine sleeps, on Linux and on macOS, so every
/// duration here is awake time.
pub(super) struct Job<'a> {
    pub(super) dir: PathBuf,
    pub(super) spec: &'a JobSpec,
    pub(super) nonce: &'a str,
    pub(super) umask: Mode,
    /// Folder for the job's temporary files, if its slot has one.
    pub(super) temporary: Option<String>,
    pub(super) signals: Signals,
    pub(super) tree: Traces,
    pub(super) logs: LogSet,
    pub(super) activity: Activity,
    pub(super) max_awake: Option<Duration>,
    /// Awake time of the counted stages that have ended.
    pub(super) used: Duration,
    pub(super) stop: Option<Stop>,
    pub(super) leaked: bool,
    pub(super) swept: Swept,
    pub(super) killed_hard: bool,
    /// Epoch of the newest `control.json` that was applied.
    epoch: u64,
    control_read: Instant,
}

impl<'a> Job<'a> {
    pub(super) fn new(
        dir: &Path,
        spec: &'a JobSpec,
        claim: &'a Claim,
        cgroup: Option<Cgroup>,
        signals: Signals,
        umask: Mode,
    ) -> Self {
        let limits = &spec.limits;
        let stall = limits.stall_ms.map(Duration::from_millis);
        Self {
            dir: dir.to_owned(),
            spec,
            nonce: &claim.nonce,
            umask,
            temporary: None,
            signals,
            tree: Traces { mine: true, cgroup, ..Traces::default() },
            logs: LogSet::new(dir, limits.log_cap_bytes, limits.segment_bytes),
            activity: Activity::new(dir, &spec.worktree, stall),
            max_awake: limits.max_awake_ms.map(Duration::from_millis),
            used: Duration::ZERO,
            stop: None,
            leaked: false,
            swept: Swept::default(),
            killed_hard: false,
            epoch: 0,
            control_read: Instant::now(),
        }
    }

    pub(super) fn run(mut self) -> ExitRecord {
        let started_at_ms = wall_ms();
        let mut stages: Vec<StageEnd> = Vec::new();
        // A stop that was requested before the signal handlers existed is found here, before anything starts.
        self.read_control();
        for index in 0..self.spec.stages.len() {
            if self.stop.is_some() || stages.last().is_some_and(|end| !end.succeeded()) {
                break;
            }
            stages.push(self.run_stage(index));
        }
        let temporary_lacked_space = self.temporary.as_deref().is_some_and(|folder| is_full(folder.as_ref()));
        // A daemon of the last stage must not touch the worktree once the record says that the job is over.
        self.sweep();
        let (user_ms, system_ms) = processes::reaped_cpu_ms().unzip();
        ExitRecord {
            version: VERSION,
            key: self.spec.key,
            stages,
            stop: self.stop.map(|stop| stop.reason),
            awake_ms: millis(self.used),
            started_at_ms,
            ended_at_ms: wall_ms(),
            usage: Usage { user_ms, system_ms, peak_rss_bytes: self.activity.peak_rss_bytes },
            leaked: self.leaked,
            survivors_killed: self.swept.killed,
            survivors_left: self.swept.left,
            killed_hard: self.killed_hard,
            stdout: self.logs.totals(Stream::Stdout),
            stderr: self.logs.totals(Stream::Stderr),
            log_error: self.logs.error(),
            log_lacked_space: self.logs.lacked_space(),
            temporary_lacked_space,
        }
    }

    /// Kills and counts the processes that outlived their main process.
    pub(super) fn sweep(&mut self) {
        // Dead children are reaped between the rounds, since zombies would be found as survivors.
        let swept = self.tree.kill(KILL_PATIENCE, |_| drop(reap()));
        // Kills add up over the stages. Survivors do not: each sweep finds earlier survivors again.
        self.swept.killed = self.swept.killed.saturating_add(swept.killed);
        self.swept.left = swept.left;
    }

    /// Applies `control.json`, unless it addresses another attempt or was applied already.
    pub(super) fn read_control(&mut self) {
        self.control_read = Instant::now();
        beat(&self.dir);
        // An unreadable file changes nothing: the job keeps the limits that it has.
        let Ok(Some(control)) = files::read_json::<Control>(&self.dir.join(CONTROL_FILE)) else { return };
        if control.attempt != self.spec.key.attempt || control.epoch <= self.epoch {
            return;
        }
        self.epoch = control.epoch;
        self.max_awake = control.max_awake_ms.map(Duration::from_millis);
        if let Some(stop) = control.stop {
            self.request_stop(stop);
        }
    }

    /// Requests that the job stops. The first reason is kept; a later request can only make the stop
    /// immediate.
    pub(super) fn request_stop(&mut self, request: Stop) {
        let reason = self.stop.map_or(request.reason, |stop| stop.reason);
        let now = request.now || self.stop.is_some_and(|stop| stop.now);
        self.stop = Some(Stop { reason, now });
    }

    /// Requests a stop if the supervisor wants one, a signal asks for one, or a limit is reached.
    pub(super) fn check_limits(&mut self, running: &Running, now: Instant) {
        if self.signals.take_control_changed() || now >= self.control_due() {
            self.read_control();
        }
        if self.signals.take_terminated() {
            self.request_stop(Stop { reason: StopReason::Shutdown, now: false });
        }
        self.activity.sample(now);
        // A main process that has ended by itself must not be recorded as stopped by a limit that passes just
        // now.
        if running.has_ended() || self.stop.is_some() {
            return;
        }
        if self.deadline(running).is_some_and(|deadline| now >= deadline) {
            self.request_stop(Stop { reason: StopReason::Deadline, now: false });
        }
        let stall = self.spec.limits.stall_ms.map(Duration::from_millis);
        if stall.is_some_and(|stall| self.activity.has_stalled(stall, now)) {
            self.request_stop(Stop { reason: StopReason::Stalled, now: false });
        }
        let finish = self.spec.limits.finish_ms.map(Duration::from_millis);
        let is_quiet = finish.is_some_and(|finish| self.activity.quiet_for(now) >= finish);
        if is_quiet && self.stop.is_none() && self.has_reported_its_end() {
            self.request_stop(Stop { reason: StopReason::Finished, now: false });
        }
    }

    /// Returns whether the program has reported its end and written nothing since.
    fn has_reported_its_end(&self) -> bool {
        let note = files::read_json::<Finished>(&self.dir.join(FINISHED_FILE)).ok().flatten();
        note.is_some_and(|note| {
            note.attempt == self.spec.key.attempt
                && note.stdout_bytes == self.logs.totals(Stream::Stdout).written_bytes
        })
    }

    /// Returns when `control.json` is read without a signal, once a second: the supervisor sends no signal if
    /// it cannot read the claim.
    pub(super) fn control_due(&self) -> Instant {
        self.control_read + Duration::from_secs(1)
    }

    /// Returns when the job's time is used up; `None` without a limit, and in a stage whose time does not
    /// count.
    pub(super) fn deadline(&self, running: &Running) -> Option<Instant> {
        let max = self.max_awake.filter(|_| running.counted)?;
        running.started.checked_add(max.saturating_sub(self.used))
    }

    pub(super) fn stop_signal(&self) -> Signal {
        match self.spec.stop_signal {
            StopSignal::Term => Signal::TERM,
            StopSignal::Int => Signal::INT,
            StopSignal::Hup => Signal::HUP,
            StopSignal::Quit => Signal::QUIT,
            StopSignal::Usr1 => Signal::USR1,
            StopSignal::Usr2 => Signal::USR2,
        }
    }
}

/// Reaps and returns every ended child. As a subreaper the keeper also gets orphans that it did not start, so
/// it waits for any child rather than for its main process.
pub(super) fn reap() -> Vec<(i32, WaitStatus)> {
    let mut ended = Vec::new();
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        ended.push((pid.as_raw_nonzero().get(), status));
    }
    ended
}
