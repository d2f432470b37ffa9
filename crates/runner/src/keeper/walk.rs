//! Searches a folder for files that changed after a given time. The keeper does so only when nothing else
//! shows activity.

use std::fs::{self, DirEntry, ReadDir};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Limits on one step. Steps are short, because the keeper's only thread must read the job's output in
/// between.
const STEP_ENTRIES: usize = 2_000;
const STEP: Duration = Duration::from_millis(20);
/// Limit on the entries of a whole walk; looking at more would cost too much. What lies beyond counts as
/// unchanged.
const ENTRIES_MAX: usize = 2_000_000;

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The walk has not ended yet.
    More,
    /// A file changed at this time.
    Changed(SystemTime),
    /// No file changed.
    Nothing,
}

/// A walk over all files of a folder, in steps.
pub(super) struct Walk {
    since: SystemTime,
    folders: Vec<PathBuf>,
    open: Option<ReadDir>,
    /// Entries that the walk may still look at.
    left: usize,
}

impl Walk {
    /// Returns a walk that looks for changes after `since`.
    pub(super) fn new(root: &Path, since: SystemTime) -> Self {
        Self { since, folders: vec![root.to_owned()], open: None, left: ENTRIES_MAX }
    }

    /// Looks at the next entries.
    pub(super) fn step(&mut self, now: SystemTime) -> Step {
        let until = Instant::now() + STEP;
        for _ in 0..STEP_ENTRIES {
            if self.left == 0 || Instant::now() >= until {
                break;
            }
            let Some(entry) = self.next_entry() else { return Step::Nothing };
            self.left -= 1;
            let Some(changed) = self.look_at(&entry) else { continue };
            // After the clock was set back, files have times in the future; they would count as activity for
            // ever.
            if changed > self.since && changed <= now {
                return Step::Changed(changed);
            }
        }
        if self.left == 0 { Step::Nothing } else { Step::More }
    }

    fn next_entry(&mut self) -> Option<DirEntry> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(entry) = open.by_ref().flatten().next() {
                    return Some(entry);
                }
                self.open = None;
            }
            // A folder that cannot be read shows no activity.
            let folder = self.folders.pop()?;
            self.open = fs::read_dir(folder).ok();
        }
    }

    /// Returns when the entry last changed, by the kernel's own change time: programs can set the
    /// modification time (an unpacked archive brings old ones), but not this one. Links are not followed.
    fn look_at(&mut self, entry: &DirEntry) -> Option<SystemTime> {
        let facts = entry.metadata().ok()?;
        if facts.is_dir() {
            self.folders.push(entry.path());
        }
        let seconds = u64::try_from(facts.ctime()).ok()?;
        let nanos = u32::try_from(facts.ctime_nsec()).unwrap_or(0);
        Some(UNIX_EPOCH + Duration::new(seconds, nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(walk: &mut Walk) -> Step {
        loop {
            match walk.step(SystemTime::now() + Duration::from_secs(1)) {
                Step::More => {}
                step => return step,
            }
        }
    }

    #[test]
    fn a_change_deep_below_is_found_and_an_old_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        fs::create_dir_all(&deep).unwrap();
        for n in 0..(STEP_ENTRIES * 2) {
            fs::write(deep.join(n.to_string()), "").unwrap();
        }
        let old = SystemTime::now() - Duration::from_secs(60);
        assert!(matches!(whole(&mut Walk::new(folder.path(), old)), Step::Changed(_)));
        let later = SystemTime::now() + Duration::from_secs(1);
        assert_eq!(whole(&mut Walk::new(folder.path(), later)), Step::Nothing);
        assert_eq!(whole(&mut Walk::new(&folder.path().join("gone"), old)), Step::Nothing);
    }

    #[test]
    fn a_file_from_the_future_is_no_activity() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f"), "").unwrap();
        let past = SystemTime::now() - Duration::from_secs(3_600);
        let mut walk = Walk::new(folder.path(), past - Duration::from_secs(60));
        assert_eq!(walk.step(past), Step::Nothing);
    }
}
