//! Detects whether a job still works: by its output, by the CPU time of its process tree, and by changed
//! files. Records memory use on the way.
//!
//! Output, CPU time and a few cheap files are sampled all the time. Only after they have shown nothing for as
//! long as a stall takes does the keeper walk over every file of the worktree, once: the newest change time
//! shows how long the job has really been idle.
//!
//! A program that only waits still uses CPU time: its timers, its garbage collection, its connections. In some
//! seconds that is a lot, so the time is summed up since the last activity, and compared with a share of the
//! time that has passed. The share is larger for the agent's own processes, which hold the connection to the
//! model, than for the commands that they start: a command that computes is work.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::walk::{Step, Walk};
use crate::files;
use crate::record::MEMBERS_FILE;
use paddock_os::files::Flush;
use paddock_os::plain;
use paddock_os::processes::{self, Identity, Proc};

/// Interval between two samples of the process tree. Longer outside Linux, where a sample starts a process
/// (`ps`).
const SAMPLE: Duration = Duration::from_secs(if cfg!(target_os = "linux") { 1 } else { 5 });

/// CPU time that processes used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cpu {
    /// Of the agent's own processes: those in the session of the main process.
    own_ms: u64,
    /// Of everything that they start.
    started_ms: u64,
}

/// CPU time, in percent of the time that has passed, up to which the agent's own processes count as idle. Agents
/// that wait for an answer in vain use up to two and a half percent, in bursts.
const OWN_IDLE_PERCENT: u128 = 6;
/// The same of the commands that they start.
const STARTED_IDLE_PERCENT: u128 = 1;
/// CPU time that counts as idle in addition, as a part of the stall limit, and at most: right after an output a
/// program prepares its next request.
const IDLE_PART: u32 = 100;
const IDLE_MAX: Duration = Duration::from_secs(1);

impl Cpu {
    /// Returns whether this much CPU time within `span` shows work.
    fn is_work(self, span: Duration, spare: Duration) -> bool {
        let exceeds = |used_ms: u64, percent: u128| {
            u128::from(used_ms) * 100 > span.as_millis() * percent + spare.as_millis() * 100
        };
        exceeds(self.own_ms, OWN_IDLE_PERCENT) || exceeds(self.started_ms, STARTED_IDLE_PERCENT)
    }

    fn since(self, before: Self) -> Self {
        Self {
            own_ms: self.own_ms.saturating_sub(before.own_ms),
            started_ms: self.started_ms.saturating_sub(before.started_ms),
        }
    }
}

/// When a job last showed activity.
pub(super) struct Activity {
    dir: PathBuf,
    worktree: PathBuf,
    /// The walk for changed files that is in progress, if any.
    search: Option<Walk>,
    watched: Vec<PathBuf>,
    /// The members of the process tree as `members.json` has them.
    members: Vec<Identity>,
    /// Process id of the stage's main process.
    main: i32,
    /// CPU time of the job at the first sample after `last_active`, and when that was taken.
    quiet_from: Option<(Cpu, Instant)>,
    spare: Duration,
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
            main: 0,
            quiet_from: None,
            spare: stall.map_or(IDLE_MAX, |stall| IDLE_MAX.min(stall / IDLE_PART)),
            touched: None,
            last_active: Instant::now(),
            sampled: Instant::now(),
            interval,
            peak_rss_bytes: None,
        }
    }

    /// Notes that a stage began, with this main process.
    pub(super) fn begin_stage(&mut self, main: i32, now: Instant) {
        self.main = main;
        self.note_activity(now);
    }

    pub(super) fn note_activity(&mut self, now: Instant) {
        self.last_active = now;
        // What was used until now belongs to this activity.
        self.quiet_from = None;
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
        self.sampled = now;
        let family = processes::descendants(processes::own_pid());
        self.judge_cpu(cpu_of(&family, self.main), now);
        let touched = self.watched.iter().filter_map(|path| fs::metadata(path).ok()?.modified().ok()).max();
        if touched > self.touched {
            self.touched = touched;
            self.note_activity(now);
        }
        let rss = family.iter().filter_map(|one| processes::peak_rss_bytes(one.identity.pid)).max();
        self.peak_rss_bytes = self.peak_rss_bytes.max(rss);
        self.remember(family.iter().map(|one| one.identity).collect());
    }

    fn judge_cpu(&mut self, cpu: Cpu, now: Instant) {
        let (before, since) = *self.quiet_from.get_or_insert((cpu, now));
        let used = cpu.since(before);
        if used.is_work(now.saturating_duration_since(since), self.spare) {
            self.note_activity(now);
            self.quiet_from = Some((cpu, now));
        }
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

/// Returns the CPU time of a job so far. `main` is the main process, which leads a session of its own.
fn cpu_of(family: &[Proc], main: i32) -> Cpu {
    // The time of reaped children is added, so that a child's end does not look like CPU time that went
    // backwards.
    let reaped = processes::reaped_cpu_ms().map_or(0, |(user, system)| user + system);
    let all_ms = reaped + family.iter().map(|one| one.cpu_ms).sum::<u64>();
    let own_ms = family.iter().filter(|one| one.session == main).map(|one| one.own_cpu_ms).sum();
    Cpu { own_ms, started_ms: all_ms.saturating_sub(own_ms) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns when the job was last active, in seconds, if its samples have these CPU times, one a second.
    fn last_active(samples: impl Iterator<Item = Cpu>) -> u64 {
        let begin = Instant::now();
        let folder = Path::new("/nonexistent");
        let mut activity = Activity::new(folder, folder, Some(Duration::from_secs(60)));
        activity.begin_stage(1, begin);
        for (second, cpu) in (1..).zip(samples) {
            activity.judge_cpu(cpu, begin + Duration::from_secs(second));
        }
        activity.last_active.saturating_duration_since(begin).as_secs()
    }

    #[test]
    fn an_agent_that_waits_in_bursts_is_idle_and_one_that_computes_is_not() {
        let own = |own_ms: u64| Cpu { own_ms, started_ms: 0 };
        // 27 of 60 seconds with twenty to forty milliseconds each, as a hanging Codex has them.
        let hanging = (0..60).map(|second| own(second / 2 * 30));
        assert_eq!(last_active(hanging), 0);
        let computing = (0..60).map(|second| own(second * 200));
        assert!(last_active(computing) > 50);
    }

    #[test]
    fn a_command_that_computes_is_work_and_one_that_sleeps_is_none() {
        let started = |started_ms: u64| Cpu { own_ms: 0, started_ms };
        assert!(last_active((0..60).map(|second| started(second * 50))) > 30);
        assert_eq!(last_active((0..60).map(|second| started(second / 5 * 10))), 0);
        // One short burst counts once, at its time, and not for the rest of the span.
        let burst = (0..60).map(|second| started(if second < 20 { 0 } else { 5_000 }));
        assert_eq!(last_active(burst), 21);
    }
}
