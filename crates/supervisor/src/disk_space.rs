//! Whether the disks that Paddock works on are full, and waiting until they are not.
//!
//! A waiting effect costs no retry and asks nobody. Its project is held (`disk_low`) with the name of the disk, so
//! that nothing new starts there, and goes on by itself.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::error::EffectError;
use super::world::{Site, World};
use paddock_engine::input::Input;
use paddock_git::{GitError, is_out_of_space, says_disk_full};
use paddock_model::ids::ProjectSlug;
use paddock_model::reason::ReasonCode;
use paddock_os::disk::Free;
pub(super) use paddock_os::disk::is_full as is_disk_full;

/// Interval of the check for free space.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Longest pause between two tries while no space is seen to become free. A quota, for example, does not show
/// as free space.
const TRY_INTERVAL: Duration = Duration::from_secs(30);

/// An error that a full disk may cause.
pub(super) trait SpaceError: std::fmt::Display {
    /// Returns whether the cause is a full disk or a spent quota.
    fn is_disk_full(&self) -> bool;
}

impl SpaceError for GitError {
    fn is_disk_full(&self) -> bool {
        Self::is_disk_full(self)
    }
}

impl SpaceError for EffectError {
    fn is_disk_full(&self) -> bool {
        let mut cause: Option<&dyn Error> = match self {
            // A transparent error has the cause of its inner error as its own, so the inner error would be
            // skipped.
            Self::System(error) => Some(error),
            Self::Git(error) => return error.is_disk_full(),
            other => Some(other),
        };
        while let Some(error) = cause {
            if error.downcast_ref::<io::Error>().is_some_and(is_out_of_space) {
                return true;
            }
            cause = error.source();
        }
        // Where a program passes on the system's message, but not its error code.
        says_disk_full(&self.to_string())
    }
}

/// What waits for disk space: the sentence that says so, by project and a number of its own.
#[derive(Debug, Default)]
pub(super) struct DiskWaits(Mutex<Waits>);

#[derive(Debug, Default)]
struct Waits {
    last_number: u64,
    texts: BTreeMap<(ProjectSlug, u64), String>,
}

impl DiskWaits {
    fn add(&self, project: &ProjectSlug, text: String) -> u64 {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waits.last_number += 1;
        let number = waits.last_number;
        waits.texts.insert((project.clone(), number), text);
        number
    }

    fn remove(&self, project: &ProjectSlug, number: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).texts.remove(&(project.clone(), number));
    }

    /// Returns what a project waits for the longest.
    fn longest(&self, project: &ProjectSlug) -> Option<String> {
        let waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waits.texts.iter().find(|((of, _), _)| of == project).map(|(_, text)| text.clone())
    }
}

impl World {
    /// Waits while a disk is full, unless the supervisor is ending.
    pub(super) fn wait_until_disk_has_space(&self) {
        while self.is_full() && !self.is_ending.load(Ordering::SeqCst) {
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Returns whether the disk of the workspace or of a repository is full.
    pub(super) fn is_full(&self) -> bool {
        is_disk_full(self.workspace.root()) || self.repository_roots().iter().any(|root| is_disk_full(root))
    }

    /// Runs `act`, and again whenever it failed for want of space, once there is some. The project is held
    /// meanwhile. `doing` completes "the disk is full while".
    pub(super) fn with_disk_space<T, E: SpaceError>(
        &self,
        site: &Site,
        doing: &str,
        mut act: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let mut wait = None;
        let outcome = loop {
            let outcome = act();
            let Err(error) = &outcome else { break outcome };
            // Any error on a full disk is put down to the disk: programs fail in many ways there and seldom
            // say why.
            let is_full = error.is_disk_full() || self.is_full() || is_disk_full(&site.worktrees_root);
            if !is_full || self.is_ending.load(Ordering::SeqCst) {
                break outcome;
            }
            if wait.is_none() {
                tracing::warn!(project = %site.slug, doing, %error, "the disk is full: an effect waits for free space");
                let text = format!("the disk is full while {doing}, which waits for free space: {error}");
                wait = Some(self.disk_waits.add(&site.slug, text));
                self.report_disk(site);
            }
            self.wait_for_more(site);
        };
        if let Some(number) = wait {
            self.disk_waits.remove(&site.slug, number);
            tracing::info!(project = %site.slug, doing, "an effect goes on: the disk has space");
            self.report_disk(site);
        }
        outcome
    }

    /// Returns how many bytes the disk of a project's worktrees has beyond those that the project wants free.
    /// A disk that gives no answer counts as empty.
    pub(super) fn spare_bytes(&self, site: &Site) -> u64 {
        let wanted = (site.min_free_gb * 1e9) as u64;
        match Free::at(&site.worktrees_root) {
            Some(free) if free.is_full() => 0,
            Some(free) => free.bytes.saturating_sub(wanted),
            None => u64::MAX,
        }
    }

    /// Puts the project on hold if its disks have less space than it wants, or if an effect waits for space;
    /// else ends that hold.
    pub(super) fn report_disk(&self, site: &Site) {
        let places = [self.workspace.root(), &site.repo_root, &site.worktrees_root];
        let Some(free) = places.into_iter().filter_map(Free::at).map(|free| free.bytes).min() else { return };
        let free = free as f64 / 1e9;
        let low = (free < site.min_free_gb).then(|| {
            let text = format!(
                "only {free:.1} GB of disk are free; nothing new starts below {} GB",
                site.min_free_gb
            );
            (text, "free some disk space, or lower `disk.min_free_gb`")
        });
        let waits = || {
            let text = self.disk_waits.longest(&site.slug)?;
            Some((text, "free some disk space; it then goes on by itself"))
        };
        let (text, clears) = low.or_else(waits).unzip();
        let (project, clears) = (site.slug.clone(), clears.unwrap_or_default().to_owned());
        self.report(Input::HoldSeen { project, code: ReasonCode::DiskLow, text, clears });
    }

    /// Waits until one of the disks of a site has more space than now, or for [`TRY_INTERVAL`].
    fn wait_for_more(&self, site: &Site) {
        let places = [self.workspace.root(), &site.repo_root, &site.worktrees_root];
        let free = || places.map(Free::at);
        let (before, begun) = (free(), Instant::now());
        loop {
            thread::sleep(LOOK_INTERVAL);
            let mut pairs = free().into_iter().zip(before);
            let has_more =
                pairs.any(|pair| matches!(pair, (Some(now), Some(then)) if now.is_more_than(then)));
            if has_more || begun.elapsed() >= TRY_INTERVAL || self.is_ending.load(Ordering::SeqCst) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::path::Path;

    use super::*;

    #[test]
    fn an_error_knows_whether_space_was_missing_wherever_it_came_from() {
        let full = || io::Error::from(ErrorKind::StorageFull);
        let at = Path::new("/x");
        let of_git = |source| GitError::Io { path: at.to_owned(), source };
        let is_full = |error: EffectError| error.is_disk_full();
        assert!(is_full(full().into()) && is_full(EffectError::at(at)(full())));
        assert!(is_full(of_git(io::Error::from(ErrorKind::QuotaExceeded)).into()));
        assert!(!is_full(EffectError::Busy));
        assert!(!is_full(of_git(io::Error::from(ErrorKind::NotFound)).into()));
    }
}
