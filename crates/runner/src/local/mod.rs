//! Runs jobs on this machine: each job has a detached keeper, and a small thread here that waits for the
//! keeper's end.
//!
//! The supervisor takes the job's lock and hands the open file to the keeper, so a keeper holds its lock from
//! birth. The kernel releases the lock however the keeper ends. To wait for the lock is therefore to wait for
//! the keeper, without any process id.

mod family;
mod guard;
mod recover;
mod shared;
mod start;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, PoisonError};

use rustix::process::Signal;

use super::files;
use super::record::{
    CLAIM_FILE, CONTROL_FILE, Claim, Control, FINISHED_FILE, Finished, LOCK_FILE, SESSION_FILE, Stop, VERSION,
};
use super::slots::{self, Hold, Places, SlotPlaces};
use super::spec::Submission;
use super::{Adoption, JobKey, JobReport, JobSpec, JobState, Runner, RunnerError, StopReason};
pub use family::is_in_a_job;
pub use guard::GuardTimes;
use paddock_os::files::{Flush, own_program};
use paddock_os::locks::HeldLock;
use paddock_os::processes;
use recover::{Conclusion, record_of};
use shared::{Known, Memory, Shared, give_back};

/// A runner that runs jobs on this machine. Clones are the same runner.
#[derive(Clone)]
pub struct LocalRunner {
    shared: Arc<Shared>,
}

impl LocalRunner {
    /// Returns a runner for the workspace whose `runtime` folder is given. It sends its reports to `reports`.
    ///
    /// # Errors
    /// Fails if the running program cannot be found, or if the folder for locks cannot be made.
    pub fn new(runtime: &Path, reports: Sender<JobReport>) -> Result<Self, RunnerError> {
        let program = own_program().map_err(RunnerError::at("find the program of", runtime))?;
        Self::with_program(runtime, reports, program, BTreeMap::new())
    }

    /// Returns a runner that starts keepers with another program, which must have the keeper's subcommands.
    /// Every job inherits `environment` (from `.env`) in addition to Paddock's own; these values are never
    /// written to a file.
    ///
    /// # Errors
    /// Fails if the folder for locks cannot be made.
    pub fn with_program(
        runtime: &Path,
        reports: Sender<JobReport>,
        program: PathBuf,
        environment: BTreeMap<String, String>,
    ) -> Result<Self, RunnerError> {
        let locks = runtime.join("locks");
        files::make_folder(&locks)?;
        Ok(Self { shared: Arc::new(Shared::new(runtime, locks, program, environment, reports)) })
    }

    /// Sets when the runner acts on keepers that do not work.
    #[must_use]
    pub fn guarded(self, times: GuardTimes) -> Self {
        *self.shared.guard_times.lock().unwrap_or_else(PoisonError::into_inner) = times;
        self
    }

    /// Sets where the slots of jobs are, and their temporary folders. Without this, only the jobs of this
    /// runner's workspace share slots.
    #[must_use]
    pub fn with_slots(self, places: SlotPlaces) -> Self {
        let places = Places::new(&self.shared.runtime, places);
        *self.shared.slot_places.lock().unwrap_or_else(PoisonError::into_inner) = places;
        self
    }

    /// Removes the temporary folders of slots whose jobs ended while nobody watched. Takes as long as it takes.
    pub fn sweep_slots(&self) {
        slots::sweep(&self.shared.slot_places());
    }

    /// Locks a worktree. No job starts in it while the returned lock is held. Returns `None` if a job runs
    /// there.
    ///
    /// # Errors
    /// Fails if the lock file cannot be opened.
    pub fn take_worktree(&self, worktree: &Path) -> Result<Option<HeldLock>, RunnerError> {
        Ok(HeldLock::take(&start::worktree_lock(&self.shared.locks, worktree))?)
    }

    /// Returns the folder of a running job; `None` if the job is over.
    fn running_dir(&self, key: &JobKey) -> Result<Option<PathBuf>, RunnerError> {
        let jobs = self.shared.jobs();
        let known = jobs.get(&(key.kind, key.id)).filter(|known| known.key == *key);
        let known = known.ok_or(RunnerError::Unknown { key: *key })?;
        Ok((!known.over).then(|| known.dir.clone()))
    }

    /// Changes the job's `control.json` and signals its keeper. Does nothing if the job is over.
    fn change_control(&self, key: &JobKey, change: impl FnOnce(&mut Control)) -> Result<(), RunnerError> {
        let Some(dir) = self.running_dir(key)? else { return Ok(()) };
        // The lock on the jobs is held while the file is read, changed and replaced: of two changes at the
        // same time one would get lost.
        let _jobs = self.shared.jobs();
        let path = dir.join(CONTROL_FILE);
        let present = files::read_json::<Control>(&path)?.filter(|control| control.attempt == key.attempt);
        let mut control = match present {
            Some(control) => control,
            // The first change of this attempt starts from the submitted limit, so that a stop does not lift
            // it.
            None => {
                let submission = files::read_json::<Submission>(&dir.join(SESSION_FILE))?;
                let max_awake_ms = submission.and_then(|submission| submission.spec.limits.max_awake_ms);
                Control { version: VERSION, attempt: key.attempt, epoch: 0, max_awake_ms, stop: None }
            }
        };
        change(&mut control);
        control.epoch += 1;
        files::replace_json(&path, &control, Flush::Later)?;
        // A keeper that has not written its claim may have no signal handlers yet, and SIGUSR1 would kill it.
        // The keeper needs no signal: it reads the file after its claim and before its first stage.
        let claim = files::read_json::<Claim>(&dir.join(CLAIM_FILE)).ok().flatten();
        if let Some(keeper) = claim.and_then(|claim| claim.keeper) {
            processes::signal(keeper, Signal::USR1);
            // One that is stopped would act on the change only once the guard has looked at it.
            processes::signal(keeper, Signal::CONT);
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
        let known = self.running_dir(key).ok().flatten().is_some();
        files::make_folder(dir)?;
        // A job that this runner already watches is not locked here: if its keeper has just died, this call
        // would clean up in competition with the watching thread.
        let lock = if known { None } else { HeldLock::take(&dir.join(LOCK_FILE))? };
        if lock.is_none() {
            if !known {
                let found = files::read_json::<Submission>(&dir.join(SESSION_FILE))?;
                watch::watch(&self.shared, *key, dir, found.as_ref().map(|found| &found.spec), None, None)?;
            }
            return Ok(Adoption::Running { claim: files::read_json(&dir.join(CLAIM_FILE)).ok().flatten() });
        }
        // The lock was free, so no keeper lives; it stays held, so that none starts during the clean-up.
        let conclusion = recover::conclude(dir, key, String::new(), Memory::default())?;
        if let Some(slot) = Hold::of_job(dir) {
            give_back(&slot, &conclusion);
        }
        let mut over = Known::new(*key, dir, None);
        over.over = true;
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
        if self.running_dir(key).is_ok_and(|dir| dir.is_some()) {
            return Ok(JobState::Running);
        }
        let path = dir.join(LOCK_FILE);
        // Taking the lock would create its file; a question must not leave traces in a folder without a job.
        if !path.exists() {
            return Ok(JobState::Unknown);
        }
        match HeldLock::take(&path)? {
            Some(_) => Ok(JobState::Gone),
            None => Ok(JobState::Running),
        }
    }

    fn extend(&self, key: &JobKey, max_awake_ms: Option<u64>) -> Result<(), RunnerError> {
        self.shared.change(key, |known| known.set_limit(max_awake_ms));
        self.change_control(key, |control| control.max_awake_ms = max_awake_ms)
    }

    fn cancel(&self, key: &JobKey, reason: StopReason, now: bool) -> Result<(), RunnerError> {
        self.shared.change(key, |known| known.ask_to_stop(reason, now));
        self.change_control(key, |control| {
            // The first reason is kept, as in the keeper; a later request can only make the stop immediate.
            let first = control.stop.map_or(reason, |stop| stop.reason);
            let now = now || control.stop.is_some_and(|stop| stop.now);
            control.stop = Some(Stop { reason: first, now });
        })
    }

    fn finished(&self, key: &JobKey, stdout_bytes: u64) -> Result<(), RunnerError> {
        let Some(dir) = self.running_dir(key)? else { return Ok(()) };
        let note = Finished { attempt: key.attempt, stdout_bytes };
        files::replace_json(&dir.join(FINISHED_FILE), &note, Flush::Later)
    }

    fn fetch(&self, key: &JobKey) -> Result<PathBuf, RunnerError> {
        let jobs = self.shared.jobs();
        let known = jobs.get(&(key.kind, key.id)).filter(|known| known.key == *key);
        known.map(|known| known.dir.clone()).ok_or(RunnerError::Unknown { key: *key })
    }
}
