//! Detects whether a job still works: by its output, by the CPU time of its process tree, and by changed
//! files. Records memory use on the way.
//!
//! Output, CPU time and a few cheap files are sampled all the time. Only after they have shown nothing for as
//! long as a stall takes does the keeper walk over every file of the worktree, once: the newest change time
//! shows how long the job has really been idle.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::walk::{Step, Walk};
use crate::files;
use crate::record::MEMBERS_FILE;
use paddock_os::files::Flush;
use paddock_os::plain;
use paddock_os::processes::{self, Identity};

/// Interval between two samples of the process tree. Longer outside Linux, where a sample starts a process
/// (`ps`).
const SAMPLE: Duration = Duration::from_secs(if cfg!(target_os = "linux") { 1 } else { 5 });

/// When a job last showed activity.
pub(super) struct Activity {
    dir: PathBuf,
    worktree: PathBuf,
    /// The walk for changed files that is in progress, if any.
    search: Option<Walk>,
    watched: Vec<PathBuf>,
    /// The members of the process tree as `members.json` has them.
    members: Vec<Identity>,
    cpu_ms: u64,
    /// Newest modification time of the watched files.
    touched: Option<SystemTime>,
    last_active: Instant,
    sampled: Instant,
    interval: Duration,
    pub(super) peak_rss_bytes: Option<u64>,
}

/// Returns the files that show most work in a worktree at little cost: its top folder, and git's index and
/// HEAD.
fn watched(worktree: &Path) -> Vec<PathBuf> {
    let mut found = vec![worktree.to_owned()];
    // In a linked worktree `.git` is a file that points at git's folder for that worktree.
    let pointer = plain::read_to_string(worktree.join(".git")).ok();
    let git = pointer.and_then(|text| text.trim().strip_prefix("gitdir: ").map(|dir| worktree.join(dir)));
    let git = git.unwrap_or_else(|| worktree.join(".git"));
    found.extend(["index", "HEAD", "logs/HEAD"].iter().map(|name| git.join(name)));
    found
}

impl Activity {
    pub(super) fn new(dir: &Path, worktree: &Path, stall: Option<Duration>) -> Self {
        // Short stall limits (tests use them) need several samples before they pass.
        let interval = stall.map_or(SAMPLE, |stall| SAMPLE.min(stall / 4));
        Self {
            dir: dir.to_owned(),
            worktree: worktree.to_owned(),
            search: None,
            watched: watched(worktree),
            members: Vec::new(),
            cpu_ms: 0,
            touched: None,
            last_active: Instant::now(),
            sampled: Instant::now(),
            interval,
            peak_rss_bytes: None,
        }
    }

    pub(super) fn note_activity(&mut self, now: Instant) {
        self.last_active = now;
    }

    pub(super) fn quiet_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_active)
    }

    pub(super) fn next_sample(&self) -> Instant {
        match self.search {
            // The next step of a search is due at once.
            Some(_) => self.sampled,
            None => self.sampled + self.interval,
        }
    }

    /// Returns whether the job has shown no activity for `stall`. Before it returns true, it looks at every
    /// file of the worktree, spread over several calls.
    pub(super) fn has_stalled(&mut self, stall: Duration, now: Instant) -> bool {
        if self.quiet_for(now) < stall {
            // New activity makes a search pointless; a later one must look at everything again.
            self.search = None;
            return false;
        }
        // Files carry wall-clock times, so the search compares against the wall clock.
        let wall = SystemTime::now();
        let since = wall.checked_sub(stall).unwrap_or(SystemTime::UNIX_EPOCH);
        let walk = self.search.get_or_insert_with(|| Walk::new(&self.worktree, since));
        match walk.step(wall) {
            Step::More => return false,
            Step::Nothing => return true,
            Step::Changed(at) => {
                let ago = wall.duration_since(at).unwrap_or_default();
                // The stall limit counts from this change, not from its discovery; otherwise each walk would
                // double it.
                self.last_active = now.checked_sub(ago).unwrap_or(now).max(self.last_active);
            }
        }
        self.search = None;
        false
    }

    /// Takes a sample of the process tree and the watched files, if one is due.
    pub(super) fn sample(&mut self, now: Instant) {
        if now < self.sampled + self.interval {
            return;
        }
        let elapsed = now.saturating_duration_since(self.sampled);
        self.sampled = now;
        let family = processes::descendants(processes::own_pid());
        // The time of reaped children is added, so that a child's end does not look like CPU time that went
        // backwards.
        let reaped = processes::reaped_cpu_ms().map_or(0, |(user, system)| user + system);
        let cpu_ms = reaped + family.iter().map(|one| one.cpu_ms).sum::<u64>();
        // The timers of an idle program use some CPU time too, so less than a hundredth of one processor is
        // no activity.
        let gained = cpu_ms.saturating_sub(self.cpu_ms);
        if u128::from(gained) * 100 > elapsed.as_millis() {
            self.last_active = now;
        }
        self.cpu_ms = cpu_ms;
        let touched = self.watched.iter().filter_map(|path| fs::metadata(path).ok()?.modified().ok()).max();
        if touched > self.touched {
            self.touched = touched;
            self.last_active = now;
        }
        let rss = family.iter().filter_map(|one| processes::peak_rss_bytes(one.identity.pid)).max();
        self.peak_rss_bytes = self.peak_rss_bytes.max(rss);
        self.remember(family.iter().map(|one| one.identity).collect());
    }

    /// Writes down the members of the process tree, for the clean-up after a keeper that was killed itself.
    pub(super) fn remember(&mut self, mut members: Vec<Identity>) {
        members.sort_unstable();
        if members != self.members {
            self.members = members;
            // Without this file the clean-up finds the members by the job's other traces.
            let _ = files::replace_json(&self.dir.join(MEMBERS_FILE), &self.members, Flush::Later);
        }
    }
}
