//! Guards the keepers: finds those that do not do their work, and lets them go on or ends their jobs.
//!
//! A job runs with the rights of its user, so whatever it runs may stop its keeper or kill it. The thread
//! that waits for a keeper would then wait for ever: a stopped process keeps its lock, and the job can take
//! over the lock of a killed one.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::recover::{self, Conclusion};
use super::shared::{Known, Shared};
use crate::beat;
use crate::{JobKey, JobKind, JobReport, LostJob, StopReason};
use paddock_model::keeper::{KeeperFault, KeeperRemedy, KeeperTrouble};
use paddock_os::panics::caught;
use paddock_os::processes::{self, Activity, Identity};

/// Stack of the guard's thread, which reads a few small files.
const STACK_BYTES: usize = 256 * 1024;
/// Number of stops within [`GuardTimes::stops`] after which a keeper is killed: somebody keeps stopping it.
const STOPS_MAX: usize = 3;

/// When the runner acts on keepers that do not work. A clock counts these times that stops while the machine
/// sleeps.
#[derive(Debug, Clone, Copy)]
pub struct GuardTimes {
    /// Interval between two looks at all keepers.
    pub look: Duration,
    /// Time within which the third stop of a keeper ends its job.
    pub stops: Duration,
    /// Time after which a keeper that a debugger holds is killed.
    pub traced: Duration,
    /// Time without a sign of life after which a keeper is killed.
    pub silent: Duration,
    /// Time that a keeper has beyond the longest time that its job can take.
    pub overdue: Duration,
    /// Time after a keeper's death in which its lock has to become free.
    pub dead: Duration,
}

impl Default for GuardTimes {
    fn default() -> Self {
        Self {
            // A look starts a process (`ps`) for each keeper outside Linux.
            look: if cfg!(target_os = "linux") { Duration::from_millis(500) } else { Duration::from_secs(5) },
            stops: Duration::from_secs(60),
            traced: Duration::from_secs(10),
            // A keeper gives a sign every second. A machine that swaps may take very long for that.
            silent: Duration::from_secs(60),
            // A keeper tries for a minute to write its record.
            overdue: Duration::from_secs(90),
            dead: Duration::from_secs(2),
        }
    }
}

/// What the guard remembers about a keeper between two looks.
struct Case {
    keeper: Option<Identity>,
    began: Instant,
    /// The stops that still count.
    stops: Vec<Instant>,
    stops_seen: u32,
    traced_since: Option<Instant>,
    /// The last sign of life, and when it was seen to change; `None` for a keeper that gives none.
    alive: Option<((i64, i64), Instant)>,
    is_hung: bool,
    dead_since: Option<Instant>,
    is_killed: bool,
    is_cleaned: bool,
}

impl Case {
    fn new() -> Self {
        Self {
            keeper: None,
            began: Instant::now(),
            stops: Vec::new(),
            stops_seen: 0,
            traced_since: None,
            alive: None,
            is_hung: false,
            dead_since: None,
            is_killed: false,
            is_cleaned: false,
        }
    }

    /// Notes a sign of life, and returns how long there has been none; `None` for a keeper that gives none.
    fn silent_for(&mut self, job: &Known, now: Instant) -> Option<Duration> {
        let last = beat::last(&job.dir);
        self.alive = match (self.alive, last) {
            (None, None) => None,
            (Some((known, at)), None) => Some((known, at)),
            (Some((known, at)), Some(last)) if known == last => Some((known, at)),
            (_, Some(last)) => Some((last, now)),
        };
        self.alive.map(|(_, at)| now.saturating_duration_since(at))
    }
}

/// Starts the guard's thread, once for each runner. It ends when the runner is dropped.
pub(super) fn begin(shared: &Arc<Shared>) -> std::io::Result<()> {
    let mut is_guarded = shared.is_guarded.lock().unwrap_or_else(PoisonError::into_inner);
    if *is_guarded {
        return Ok(());
    }
    let weak = Arc::downgrade(shared);
    thread::Builder::new().name("keepers".to_owned()).stack_size(STACK_BYTES).spawn(move || guard(&weak))?;
    *is_guarded = true;
    Ok(())
}

fn guard(weak: &Weak<Shared>) {
    // By the whole key: a new attempt begins a new case.
    let mut cases: HashMap<JobKey, Case> = HashMap::new();
    loop {
        let Some(shared) = weak.upgrade() else { return };
        let times = *shared.guard_times.lock().unwrap_or_else(PoisonError::into_inner);
        let jobs: Vec<Known> = shared.jobs().values().filter(|known| !known.over).cloned().collect();
        cases.retain(|key, _| jobs.iter().any(|job| job.key == *key));
        for job in &jobs {
            let case = cases.entry(job.key).or_insert_with(Case::new);
            if let Err(panic) = caught(|| Look { shared: &shared, job, times }.look(case)) {
                // As for a thread that waits: without the guard a job could count as running for ever.
                shared.report(JobReport::Unwatched { key: job.key, problem: panic.to_string() });
                return;
            }
        }
        drop(shared);
        thread::sleep(times.look);
    }
}

/// One look at one keeper.
struct Look<'a> {
    shared: &'a Shared,
    job: &'a Known,
    times: GuardTimes,
}

impl Look<'_> {
    /// Returns the job's keeper. One of another supervisor is named by its claim.
    fn keeper(&self, case: &mut Case) -> Option<Identity> {
        if case.keeper.is_none() {
            case.keeper = self.job.keeper;
        }
        if case.keeper.is_none() {
            let known = self.job.memory.claim.clone();
            let claim = known.or_else(|| self.shared.remember_claim(&self.job.key, &self.job.dir))?;
            // An identity of an earlier boot means another process.
            let claim = Some(claim).filter(|claim| claim.boot_id == processes::boot_id())?;
            let ran = claim.awake_clock_ms.zip(processes::awake_clock_ms());
            let ran = ran.map_or(0, |(began, now)| now.saturating_sub(began));
            case.began = case.began.checked_sub(Duration::from_millis(ran)).unwrap_or(case.began);
            case.keeper = claim.keeper;
        }
        // A claim can be forged. A supervisor that obeyed one that names itself would kill itself.
        case.keeper.filter(|keeper| keeper.pid != processes::own_pid())
    }

    fn look(&self, case: &mut Case) {
        let Some(keeper) = self.keeper(case) else { return };
        let now = Instant::now();
        let Some(activity) = processes::activity(keeper) else { return self.bury(case, now) };
        if case.is_killed {
            // The signal waits for a process that hangs in the kernel.
            return;
        }
        let silent = case.silent_for(self.job, now);
        if activity != Activity::Traced {
            case.traced_since = None;
        }
        match activity {
            Activity::Stopped => return self.stopped(case, keeper, now),
            Activity::Traced => {
                let since = *case.traced_since.get_or_insert(now);
                // One that a tracer lets run in between gives signs of life.
                let held = now.duration_since(since).min(silent.unwrap_or(Duration::MAX));
                if held >= self.times.traced {
                    return self.kill(case, keeper, KeeperFault::Traced, 1);
                }
            }
            Activity::Able | Activity::Uninterruptible => {}
        }
        let is_silent = silent.is_some_and(|silent| silent >= self.times.silent);
        if !is_silent {
            case.is_hung = false;
        } else if activity == Activity::Uninterruptible {
            // A signal would not reach it. People have to know, since the job waits for as long.
            if !std::mem::replace(&mut case.is_hung, true) {
                self.report(keeper, KeeperFault::Hung, KeeperRemedy::Left, 1);
            }
        } else if beat::is_writable(&self.job.dir) {
            return self.kill(case, keeper, KeeperFault::Silent, 1);
        }
        if self.is_overdue(case, now) && beat::is_writable(&self.job.dir) {
            self.kill(case, keeper, KeeperFault::Overdue, 1);
        }
    }

    /// Lets a stopped keeper go on, or kills it if it is stopped again and again.
    fn stopped(&self, case: &mut Case, keeper: Identity, now: Instant) {
        case.stops.retain(|at| now.duration_since(*at) < self.times.stops);
        case.stops.push(now);
        case.stops_seen = case.stops_seen.saturating_add(1);
        if case.stops.len() >= STOPS_MAX {
            return self.kill(case, keeper, KeeperFault::Stopped, case.stops_seen);
        }
        processes::signal(keeper, Signal::CONT);
        // The time in which it could give no sign of life is not held against it.
        case.alive = case.alive.map(|(last, _)| (last, now));
        // An agent that does this for hours, below the bound, must not fill the log.
        if case.stops_seen.is_power_of_two() {
            self.report(keeper, KeeperFault::Stopped, KeeperRemedy::Continued, case.stops_seen);
        }
    }

    /// Returns whether the job is over its limit, or should have stopped, for so long that its keeper cannot
    /// be at work.
    fn is_overdue(&self, case: &Case, now: Instant) -> bool {
        let is_late = self.job.stop.is_some_and(|(_, until)| now >= until + self.times.overdue);
        let ran = now.saturating_duration_since(case.began);
        is_late || self.job.longest().is_some_and(|longest| ran >= longest.saturating_add(self.times.overdue))
    }

    /// Kills the keeper. The thread that waits for it then cleans up and reports the end.
    fn kill(&self, case: &mut Case, keeper: Identity, fault: KeeperFault, times: u32) {
        case.is_killed = true;
        let over_limit = self.job.limit().is_some_and(|limit| case.began.elapsed() >= limit);
        let reason = self.job.stop.map(|(reason, _)| reason).or(over_limit.then_some(StopReason::Deadline));
        // A gate that has no record is run again; a stop would count as its result.
        let verdict = reason.filter(|_| self.job.key.kind == JobKind::Session);
        // Before the kill: from then on the end may be concluded at any moment.
        self.shared.change(&self.job.key, |known| known.memory.stop = verdict);
        self.report(keeper, fault, KeeperRemedy::Killed, times);
        processes::signal(keeper, Signal::KILL);
    }

    /// The keeper is dead, and its job does not count as over. Usually the thread that waits for it is just
    /// about to see it; but a process of the job may hold the keeper's lock or its output.
    fn bury(&self, case: &mut Case, now: Instant) {
        let since = *case.dead_since.get_or_insert(now);
        if now.duration_since(since) < self.times.dead {
            return;
        }
        let key = self.job.key;
        let conclusion = recover::conclude(&self.job.dir, &key, String::new(), self.shared.memory(&key));
        // The first time its processes are killed, which frees what they hold. Later the job is over, even
        // if a process outside of it holds the lock.
        if !std::mem::replace(&mut case.is_cleaned, true) {
            case.dead_since = Some(Instant::now());
            return;
        }
        let conclusion = conclusion.unwrap_or_else(|error| {
            let note = error.to_string();
            Conclusion::Lost(LostJob { survivors_killed: 0, survivors_left: 0, never_started: false, note })
        });
        self.shared.conclude(key, conclusion);
    }

    fn report(&self, keeper: Identity, fault: KeeperFault, remedy: KeeperRemedy, times: u32) {
        let trouble = KeeperTrouble { pid: keeper.pid, fault, remedy, times };
        self.shared.report(JobReport::Trouble { key: self.job.key, trouble });
    }
}
