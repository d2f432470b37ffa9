//! Is anything going on? Output, CPU of the tree and files are looked at; memory is noted on the way.
//!
//! Output, CPU and a few cheap places are looked at all the time. Only when all of them have shown nothing for as
//! long as a stall takes, every file of the worktree is looked at, once: what changed last says how long nothing
//! has been done.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::walk::{Step, Walk};
use crate::files;
use crate::record::MEMBERS_FILE;
use paddock_os::files::Flush;
use paddock_os::processes::{self, Identity};

/// Between two looks at the tree; rarer where a look costs a process.
const SAMPLE: Duration = Duration::from_secs(if cfg!(target_os = "linux") { 1 } else { 5 });

/// The last signs of life of a job.
pub(super) struct Activity {
    dir: PathBuf,
    worktree: PathBuf,
    /// A search for changed files that has begun.
    search: Option<Walk>,
    watched: Vec<PathBuf>,
    members: Vec<Identity>,
    cpu_ms: u64,
    touched: Option<SystemTime>,
    last_sign: Instant,
    sampled: Instant,
    interval: Duration,
    pub(super) peak_rss_bytes: Option<u64>,
}

/// Cheap places where work in a worktree shows: its top folder, and git's index and HEAD.
fn watched(worktree: &Path) -> Vec<PathBuf> {
    let mut found = vec![worktree.to_owned()];
    let pointer = fs::read_to_string(worktree.join(".git")).ok();
    let git = pointer.and_then(|text| text.trim().strip_prefix("gitdir: ").map(|dir| worktree.join(dir)));
    let git = git.unwrap_or_else(|| worktree.join(".git"));
    found.extend(["index", "HEAD", "logs/HEAD"].iter().map(|name| git.join(name)));
    found
}

impl Activity {
    pub(super) fn new(dir: &Path, worktree: &Path, stall: Option<Duration>) -> Self {
        let interval = stall.map_or(SAMPLE, |stall| SAMPLE.min(stall / 4));
        Self {
            dir: dir.to_owned(),
            worktree: worktree.to_owned(),
            search: None,
            watched: watched(worktree),
            members: Vec::new(),
            cpu_ms: 0,
            touched: None,
            last_sign: Instant::now(),
            sampled: Instant::now(),
            interval,
            peak_rss_bytes: None,
        }
    }

    pub(super) fn sign(&mut self, now: Instant) {
        self.last_sign = now;
    }

    pub(super) fn quiet_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_sign)
    }

    pub(super) fn next_sample(&self) -> Instant {
        match self.search {
            // A search goes on at once.
            Some(_) => self.sampled,
            None => self.sampled + self.interval,
        }
    }

    /// Whether nothing was done for so long: every file is looked at before it is said, in several calls.
    pub(super) fn has_stalled(&mut self, stall: Duration, now: Instant) -> bool {
        if self.quiet_for(now) < stall {
            self.search = None;
            return false;
        }
        let wall = SystemTime::now();
        let since = wall.checked_sub(stall).unwrap_or(SystemTime::UNIX_EPOCH);
        let walk = self.search.get_or_insert_with(|| Walk::new(&self.worktree, since));
        match walk.step(wall) {
            Step::More => return false,
            Step::Nothing => return true,
            Step::Changed(at) => {
                let ago = wall.duration_since(at).unwrap_or_default();
                self.last_sign = now.checked_sub(ago).unwrap_or(now).max(self.last_sign);
            }
        }
        self.search = None;
        false
    }

    /// Looks at the tree if it is time to.
    pub(super) fn sample(&mut self, now: Instant) {
        if now < self.sampled + self.interval {
            return;
        }
        let elapsed = now.saturating_duration_since(self.sampled);
        self.sampled = now;
        let family = processes::descendants(processes::own_pid());
        let reaped = processes::reaped_cpu_ms().map_or(0, |(user, system)| user + system);
        let cpu_ms = reaped + family.iter().map(|one| one.cpu_ms).sum::<u64>();
        // Timers of an idle program use some CPU too: below a hundredth of one processor nothing goes on.
        let gained = cpu_ms.saturating_sub(self.cpu_ms);
        if u128::from(gained) * 100 > elapsed.as_millis() {
            self.last_sign = now;
        }
        self.cpu_ms = cpu_ms;
        let touched = self.watched.iter().filter_map(|path| fs::metadata(path).ok()?.modified().ok()).max();
        if touched > self.touched {
            self.touched = touched;
            self.last_sign = now;
        }
        let rss = family.iter().filter_map(|one| processes::peak_rss_bytes(one.identity.pid)).max();
        self.peak_rss_bytes = self.peak_rss_bytes.max(rss);
        self.remember(family.iter().map(|one| one.identity).collect());
    }

    /// Notes who belongs to the tree, for whoever must clean up if the keeper itself is killed.
    pub(super) fn remember(&mut self, mut members: Vec<Identity>) {
        members.sort_unstable();
        if members != self.members {
            self.members = members;
            // A missing note only makes that clean-up rely on the other traces.
            let _ = files::replace_json(&self.dir.join(MEMBERS_FILE), &self.members, Flush::Later);
        }
    }
}
