//! What the threads of a runner share.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::recover::Conclusion;
use crate::{JobKey, JobKind, JobReport};

/// A job this runner was told of.
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
    /// One submission at a time: what is looked up in the list holds until it is written there.
    pub(super) submitting: Mutex<()>,
}

impl Shared {
    /// A panic elsewhere does not make the list of jobs wrong.
    pub(super) fn jobs(&self) -> MutexGuard<'_, HashMap<(JobKind, u64), Known>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn report(&self, report: JobReport) {
        // Nobody listens once the supervisor is leaving; the folder tells the next one.
        let _ = self.reports.send(report);
    }

    pub(super) fn conclude(&self, key: JobKey, conclusion: Conclusion) {
        if let Some(known) = self.jobs().get_mut(&(key.kind, key.id)).filter(|known| known.key == key) {
            known.over = true;
        }
        self.report(match conclusion {
            Conclusion::Ended(record) => JobReport::Ended { key, record },
            Conclusion::Lost(job) => JobReport::Lost { key, job },
        });
    }
}
