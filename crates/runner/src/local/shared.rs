//! The state that the threads of a runner share.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::recover::Conclusion;
use crate::{JobKey, JobKind, JobReport};

/// A job that was submitted to this runner or adopted by it.
pub(super) struct Known {
    pub(super) key: JobKey,
    pub(super) dir: PathBuf,
    pub(super) worktree: Option<PathBuf>,
    pub(super) over: bool,
}

pub(super) struct Shared {
    pub(super) locks: PathBuf,
    pub(super) program: PathBuf,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) reports: Sender<JobReport>,
    pub(super) jobs: Mutex<HashMap<(JobKind, u64), Known>>,
    /// Held during a submission. Without it, two submissions at the same time could both find a worktree
    /// free.
    pub(super) submitting: Mutex<()>,
}

impl Shared {
    /// Locks the list of jobs. A poisoned lock is used all the same: no panic can leave the list half
    /// changed.
    pub(super) fn jobs(&self) -> MutexGuard<'_, HashMap<(JobKind, u64), Known>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn report(&self, report: JobReport) {
        // Fails when the supervisor is stopping and no longer listens; the next one reads the job's folder.
        let _ = self.reports.send(report);
    }

    /// Marks the job as over, and reports its end.
    pub(super) fn conclude(&self, key: JobKey, conclusion: Conclusion) {
        // Marked before the report: the next attempt may be submitted as soon as the report arrives.
        if let Some(known) = self.jobs().get_mut(&(key.kind, key.id)).filter(|known| known.key == key) {
            known.over = true;
        }
        self.report(match conclusion {
            Conclusion::Ended(record) => JobReport::Ended { key, record },
            Conclusion::Lost(job) => JobReport::Lost { key, job },
        });
    }
}
