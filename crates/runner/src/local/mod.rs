//! Jobs on this machine: a detached keeper each, and a small thread that waits for its end.
//!
//! The keeper is born holding a lock: the supervisor takes it and hands the open file over. The system lets go
//! of it however the keeper ends, so waiting for that lock is waiting for the keeper, without process ids.

mod recover;
mod shared;
mod start;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::Signal;

use super::files;
use super::record::{CLAIM_FILE, CONTROL_FILE, Claim, Control, LOCK_FILE, SESSION_FILE, Stop, VERSION};
use super::spec::Submission;
use super::{Adoption, JobKey, JobReport, JobSpec, JobState, Runner, RunnerError, StopReason};
use paddock_os::files::{Flush, own_program};
use paddock_os::locks::HeldLock;
use paddock_os::processes;
use recover::{Conclusion, record_of};
use shared::{Known, Shared};

/// Runs jobs on this machine.
pub struct LocalRunner {
    shared: Arc<Shared>,
}

impl LocalRunner {
    /// For the workspace whose `runtime` folder this is. Reports go to `reports`.
    ///
    /// # Errors
    /// When the running program cannot be found or the folder for locks cannot be made.
    pub fn new(runtime: &Path, reports: Sender<JobReport>) -> Result<Self, RunnerError> {
        let program = own_program().map_err(RunnerError::at("find the program of", runtime))?;
        Self::with_program(runtime, reports, program, BTreeMap::new())
    }

    /// With another program that has the keeper's subcommands, and with variables for every job beside
    /// Paddock's own environment (what `.env` gave); their values are never written down.
    ///
    /// # Errors
    /// When the folder for locks cannot be made.
    pub fn with_program(
        runtime: &Path,
        reports: Sender<JobReport>,
        program: PathBuf,
        environment: BTreeMap<String, String>,
    ) -> Result<Self, RunnerError> {
        let locks = runtime.join("locks");
        files::make_folder(&locks)?;
        let (jobs, submitting) = (Mutex::default(), Mutex::default());
        Ok(Self { shared: Arc::new(Shared { locks, program, environment, reports, jobs, submitting }) })
    }

    /// Takes a worktree in which no job runs: none starts there while what is handed back is held. None when a job
    /// has it.
    ///
    /// # Errors
    /// When the lock cannot be made.
    pub fn take_worktree(&self, worktree: &Path) -> Result<Option<HeldLock>, RunnerError> {
        Ok(HeldLock::take(&start::worktree_lock(&self.shared.locks, worktree))?)
    }

    /// The folder of a job still going on; `None` when it is over.
    fn going(&self, key: &JobKey) -> Result<Option<PathBuf>, RunnerError> {
        let jobs = self.shared.jobs();
        let known = jobs.get(&(key.kind, key.id)).filter(|known| known.key == *key);
        let known = known.ok_or(RunnerError::Unknown { key: *key })?;
        Ok((!known.over).then(|| known.dir.clone()))
    }

    fn steer(&self, key: &JobKey, change: impl FnOnce(&mut Control)) -> Result<(), RunnerError> {
        let Some(dir) = self.going(key)? else { return Ok(()) };
        // One change at a time: each is made from what the last one wrote.
        let _jobs = self.shared.jobs();
        let path = dir.join(CONTROL_FILE);
        let present = files::read_json::<Control>(&path)?.filter(|control| control.attempt == key.attempt);
        let mut control = match present {
            Some(control) => control,
            None => {
                let submission = files::read_json::<Submission>(&dir.join(SESSION_FILE))?;
                let max_awake_ms = submission.and_then(|submission| submission.spec.limits.max_awake_ms);
                Control { version: VERSION, attempt: key.attempt, epoch: 0, max_awake_ms, stop: None }
            }
        };
        change(&mut control);
        control.epoch += 1;
        files::replace_json(&path, &control, Flush::Later)?;
        // Without a claim there are no handlers yet: the keeper reads the file before its first stage anyway.
        let claim = files::read_json::<Claim>(&dir.join(CLAIM_FILE)).ok().flatten();
        if let Some(keeper) = claim.and_then(|claim| claim.keeper) {
            processes::signal(keeper, Signal::USR1);
        }
        Ok(())
    }
}

impl Runner for LocalRunner {
    fn submit(&self, spec: &JobSpec) -> Result<(), RunnerError> {
        let _one = self.shared.submitting.lock().unwrap_or_else(PoisonError::into_inner);
        start::submit(&self.shared, spec)
    }

    fn adopt(&self, key: &JobKey, dir: &Path) -> Result<Adoption, RunnerError> {
        let known = self.going(key).ok().flatten().is_some();
        files::make_folder(dir)?;
        let lock = if known { None } else { HeldLock::take(&dir.join(LOCK_FILE))? };
        if lock.is_none() {
            if !known {
                let spec = files::read_json::<Submission>(&dir.join(SESSION_FILE))?;
                watch::watch(&self.shared, *key, dir, spec.map(|found| found.spec.worktree), None)?;
            }
            return Ok(Adoption::Running { claim: files::read_json(&dir.join(CLAIM_FILE)).ok().flatten() });
        }
        let conclusion = recover::conclude(dir, key, String::new())?;
        let over = Known { key: *key, dir: dir.to_owned(), worktree: None, over: true };
        self.shared.jobs().insert((key.kind, key.id), over);
        Ok(match conclusion {
            Conclusion::Ended(record) => Adoption::Ended(record),
            Conclusion::Lost(job) => Adoption::Lost(job),
        })
    }

    fn poll(&self, key: &JobKey, dir: &Path) -> Result<JobState, RunnerError> {
        if let Some(record) = record_of(dir, key)? {
            return Ok(JobState::Ended(record));
        }
        if self.going(key).is_ok_and(|dir| dir.is_some()) {
            return Ok(JobState::Running);
        }
        let path = dir.join(LOCK_FILE);
        if !path.exists() {
            return Ok(JobState::Unknown);
        }
        match HeldLock::take(&path)? {
            Some(_) => Ok(JobState::Gone),
            None => Ok(JobState::Running),
        }
    }

    fn extend(&self, key: &JobKey, max_awake_ms: Option<u64>) -> Result<(), RunnerError> {
        self.steer(key, |control| control.max_awake_ms = max_awake_ms)
    }

    fn cancel(&self, key: &JobKey, reason: StopReason, now: bool) -> Result<(), RunnerError> {
        self.steer(key, |control| {
            let first = control.stop.map_or(reason, |stop| stop.reason);
            let now = now || control.stop.is_some_and(|stop| stop.now);
            control.stop = Some(Stop { reason: first, now });
        })
    }

    fn fetch(&self, key: &JobKey) -> Result<PathBuf, RunnerError> {
        let jobs = self.shared.jobs();
        let known = jobs.get(&(key.kind, key.id)).filter(|known| known.key == *key);
        known.map(|known| known.dir.clone()).ok_or(RunnerError::Unknown { key: *key })
    }
}
