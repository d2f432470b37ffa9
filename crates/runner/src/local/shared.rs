//! The state that the threads of a runner share.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::guard::GuardTimes;
use super::recover::Conclusion;
use crate::files;
use crate::record::CLAIM_FILE;
use crate::slots::{Hold, Places, SlotPlaces, discard};
use crate::{Claim, JobKey, JobKind, JobReport, JobSpec, StopReason};
use paddock_os::processes::Identity;

/// What a runner remembers of a job for its end. The files in the job's folder may say something else by
/// then: the job can write to them.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// The claim as it was when the job began, or was found.
    pub(super) claim: Option<Claim>,
    /// Why the job had to stop when the runner killed its keeper.
    pub(super) stop: Option<StopReason>,
}

/// A job that was submitted to this runner or adopted by it.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) key: JobKey,
    pub(super) dir: PathBuf,
    pub(super) worktree: Option<PathBuf>,
    pub(super) over: bool,
    /// The keeper; `None` for one of another supervisor, whose claim names it.
    pub(super) keeper: Option<Identity>,
    /// The request to stop, and until when the keeper has to follow it.
    pub(super) stop: Option<(StopReason, Instant)>,
    pub(super) memory: Memory,
    /// The slot, which this runner holds together with the keeper.
    pub(super) slot: Option<Arc<Hold>>,
    /// Time of the stages that do not count towards the job's limit; `None` without a limit.
    uncounted: Option<Duration>,
    /// Limit on the time of the other stages; `None` without a limit.
    counted: Option<Duration>,
    grace: Duration,
    stages: u32,
}

impl Known {
    /// Returns what is known about a job that begins, or is found. `spec` is the job if it can be read.
    pub(super) fn new(key: JobKey, dir: &Path, spec: Option<&JobSpec>) -> Self {
        let stages = spec.map(|spec| spec.stages.as_slice()).unwrap_or_default();
        // `None` as soon as one stage has no limit of its own.
        let sum = |counted: bool| -> Option<Duration> {
            let of = stages.iter().filter(|stage| stage.counted == counted);
            of.map(|stage| stage.timeout_ms.map(Duration::from_millis)).sum()
        };
        let limit = spec.and_then(|spec| spec.limits.max_awake_ms).map(Duration::from_millis);
        Self {
            key,
            dir: dir.to_owned(),
            worktree: spec.map(|spec| spec.worktree.clone()),
            over: false,
            keeper: None,
            stop: None,
            memory: Memory::default(),
            slot: None,
            uncounted: spec.and_then(|_| sum(false)),
            counted: spec.and_then(|_| limit.or_else(|| sum(true))),
            grace: spec.map(|spec| Duration::from_millis(spec.limits.grace_ms)).unwrap_or_default(),
            stages: u32::try_from(stages.len()).unwrap_or(u32::MAX),
        }
    }

    pub(super) fn set_limit(&mut self, max_awake_ms: Option<u64>) {
        self.counted = max_awake_ms.map(Duration::from_millis);
    }

    pub(super) fn ask_to_stop(&mut self, reason: StopReason, now: bool) {
        let until = Instant::now() + if now { Duration::ZERO } else { self.grace };
        // The first reason is kept, as in the keeper; a later request can only shorten the time.
        self.stop = Some(match self.stop {
            Some((first, before)) => (first, before.min(until)),
            None => (reason, until),
        });
    }

    /// Returns the limit on the time of all stages; `None` without one.
    pub(super) fn limit(&self) -> Option<Duration> {
        Some(self.uncounted?.saturating_add(self.counted?))
    }

    /// Returns the longest time that the job can take under a keeper that works; `None` without a limit.
    pub(super) fn longest(&self) -> Option<Duration> {
        Some(self.limit()?.saturating_add(self.grace.saturating_mul(self.stages)))
    }
}

pub(super) struct Shared {
    pub(super) runtime: PathBuf,
    pub(super) locks: PathBuf,
    pub(super) slot_places: Mutex<Places>,
    pub(super) program: PathBuf,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) reports: Sender<JobReport>,
    pub(super) jobs: Mutex<HashMap<(JobKind, u64), Known>>,
    /// Held during a submission. Without it, two submissions at the same time could both find a worktree
    /// free.
    pub(super) submitting: Mutex<()>,
    pub(super) guard_times: Mutex<GuardTimes>,
    /// Whether the guard's thread was started.
    pub(super) is_guarded: Mutex<bool>,
}

impl Shared {
    pub(super) fn new(
        runtime: &Path,
        locks: PathBuf,
        program: PathBuf,
        environment: BTreeMap<String, String>,
        reports: Sender<JobReport>,
    ) -> Self {
        let slot_places = Mutex::new(Places::new(runtime, SlotPlaces::default()));
        let runtime = runtime.to_owned();
        let (jobs, submitting) = (Mutex::default(), Mutex::default());
        let (guard_times, is_guarded) = (Mutex::default(), Mutex::default());
        Self {
            runtime,
            locks,
            slot_places,
            program,
            environment,
            reports,
            jobs,
            submitting,
            guard_times,
            is_guarded,
        }
    }

    /// Returns where slots are.
    pub(super) fn slot_places(&self) -> Places {
        self.slot_places.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the numbers of the slots that jobs of this runner have.
    pub(super) fn held_slots(&self) -> Vec<u32> {
        self.jobs().values().filter_map(|known| known.slot.as_ref().map(|slot| slot.number)).collect()
    }

    /// Locks the list of jobs. A poisoned lock is used all the same: no panic can leave the list half
    /// changed.
    pub(super) fn jobs(&self) -> MutexGuard<'_, HashMap<(JobKind, u64), Known>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known about a job, if it is this attempt.
    pub(super) fn change(&self, key: &JobKey, change: impl FnOnce(&mut Known)) {
        if let Some(known) = self.jobs().get_mut(&(key.kind, key.id)).filter(|known| known.key == *key) {
            change(known);
        }
    }

    /// Remembers the claim of a job, which its keeper has written by now, and returns it.
    pub(super) fn remember_claim(&self, key: &JobKey, dir: &Path) -> Option<Claim> {
        let claim = files::read_json::<Claim>(&dir.join(CLAIM_FILE)).ok().flatten()?;
        self.change(key, |known| known.memory.claim = Some(claim.clone()));
        Some(claim)
    }

    /// Returns what is remembered of a job for its end.
    pub(super) fn memory(&self, key: &JobKey) -> Memory {
        let jobs = self.jobs();
        let known = jobs.get(&(key.kind, key.id)).filter(|known| known.key == *key);
        known.map(|known| known.memory.clone()).unwrap_or_default()
    }

    pub(super) fn report(&self, report: JobReport) {
        // Fails when the supervisor is stopping and no longer listens; the next one reads the job's folder.
        let _ = self.reports.send(report);
    }

    /// Marks the job as over, and reports its end; does nothing if that has happened.
    pub(super) fn conclude(&self, key: JobKey, conclusion: Conclusion) {
        let (mut was_over, mut slot) = (false, None);
        // Marked before the report: the next attempt may be submitted as soon as the report arrives.
        self.change(&key, |known| {
            was_over = std::mem::replace(&mut known.over, true);
            slot = known.slot.take();
        });
        if was_over {
            return;
        }
        if let Some(slot) = slot {
            give_back(&slot, &conclusion);
        }
        self.report(match conclusion {
            Conclusion::Ended(record) => JobReport::Ended { key, record },
            Conclusion::Lost(job) => JobReport::Lost { key, job },
        });
    }
}

/// Gives the slot of a job back whose end is known, unless some of its processes could not be killed: the slot
/// is free when they are gone.
pub(super) fn give_back(slot: &Hold, conclusion: &Conclusion) {
    let is_alive = match conclusion {
        Conclusion::Ended(record) => record.survivors_left > 0,
        // What is known of a lost job may be incomplete.
        Conclusion::Lost(_) => slot.is_alive(),
    };
    if !is_alive {
        discard(slot.end());
    }
}
