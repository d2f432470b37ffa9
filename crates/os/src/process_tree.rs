//! The process tree of a job: finds all its members, even those that tried to get away, and kills them.

mod cgroup;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;

pub use cgroup::Cgroup;

use super::processes::{self, Identity, Proc};

/// Environment variable that carries a job's nonce. A nested job appends its own after a comma.
pub const NONCE_VARIABLE: &str = "PADDOCK_JOB_NONCE";

/// Number of rounds after which processes are stopped before they are killed: a tree that is still there by
/// then forks faster than a round can find it.
const ROUNDS_BEFORE_FREEZING: u32 = 3;

/// The traces by which a tree's members are found.
///
/// A process may leave one trace behind, by a new session, a double fork or an empty environment, so all of
/// them are used together. None of them can lead to a process outside the tree.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    /// Whether this process is the tree's subreaper, so that all its descendants belong to the tree.
    pub mine: bool,
    /// Control group of the job, if it has one.
    pub cgroup: Option<Cgroup>,
    /// Nonce in the members' environment.
    pub nonce: Option<String>,
    /// Members that were seen earlier.
    pub members: Vec<Identity>,
}

/// The result of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Number of living processes that were found and killed.
    pub killed: u32,
    /// Number of processes that were left at the end (uninterruptible in the kernel, or another user's).
    pub left: u32,
}

impl Traces {
    /// Returns the living members of the tree, without this process.
    #[must_use]
    pub(crate) fn find(&self) -> Vec<Proc> {
        let table = processes::table();
        let own = processes::own_pid();
        let mut seeds: BTreeSet<i32> = self.cgroup.iter().flat_map(Cgroup::pids).collect();
        let alive: BTreeSet<Identity> = table.iter().map(|one| one.identity).collect();
        let members: Vec<i32> =
            self.members.iter().filter(|member| alive.contains(member)).map(|member| member.pid).collect();
        // A session or group belongs to the tree only while its leader is alive and a known member. Without
        // the leader its id may have been given to a stranger.
        let led = |one: &Proc| members.contains(&one.session) || members.contains(&one.group);
        seeds.extend(table.iter().filter(|one| led(one)).map(|one| one.identity.pid));
        seeds.extend(&members);
        if let Some(nonce) = &self.nonce {
            let marked = |one: &&Proc| processes::environment_has(one.identity.pid, nonce);
            seeds.extend(table.iter().filter(marked).map(|one| one.identity.pid));
        }
        if self.mine {
            seeds.insert(own);
        } else {
            // A Paddock that runs inside a job carries that job's nonce itself. As a seed it would add all
            // its descendants.
            seeds.remove(&own);
        }
        let family = processes::closure(&table, seeds);
        let belongs =
            |one: &Proc| family.contains(&one.identity.pid) && one.identity.pid != own && !one.zombie;
        table.into_iter().filter(belongs).collect()
    }

    /// Returns whether any member of the tree lives.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.find().is_empty()
    }

    /// Sends a signal to every living member, and continues stopped ones, which would not receive it
    /// otherwise.
    pub fn signal(&self, signal: Signal) {
        for one in self.find() {
            processes::signal(one.identity, signal);
            processes::signal(one.identity, Signal::CONT);
        }
    }

    /// Kills the tree until no member is found, for at most `patience`. Calls `reap` after each round with
    /// the processes that were found.
    pub fn kill(&self, patience: Duration, mut reap: impl FnMut(&[Proc])) -> Swept {
        let until = Instant::now() + patience;
        let mut killed = BTreeSet::new();
        for round in 0_u32.. {
            let found = self.find();
            killed.extend(found.iter().map(|one| one.identity));
            // The group first: the kernel kills all of it at once, forks included. The rest of the round is
            // for processes that have left the group, and for systems without groups.
            self.cgroup.iter().for_each(Cgroup::kill);
            if round >= ROUNDS_BEFORE_FREEZING {
                found.iter().for_each(|one| send(one, Signal::STOP));
            }
            found.iter().for_each(|one| send(one, Signal::KILL));
            reap(&found);
            if found.is_empty() || Instant::now() >= until {
                let (total, left) = (count(killed.len()), count(found.len()));
                return Swept { killed: total - left, left };
            }
            // Killed processes need a moment to disappear. The pauses grow from 1 to 21 ms.
            std::thread::sleep(Duration::from_millis(u64::from(round.min(20)) + 1));
        }
        Swept::default()
    }
}

fn send(one: &Proc, signal: Signal) {
    // `false` means that the process has ended meanwhile, which is what the caller wants.
    let _ = processes::signal(one.identity, signal);
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Makes this process the parent of all orphans below it, so that none of them gets away to init. Returns
/// `false` where the system cannot do that.
pub fn become_subreaper() -> bool {
    #[cfg(target_os = "linux")]
    return rustix::process::set_child_subreaper(Some(rustix::process::getpid())).is_ok();
    #[cfg(not(target_os = "linux"))]
    false
}

/// How trees are killed on this machine, as `doctor` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KillMethod {
    /// The strongest means that works here.
    pub name: &'static str,
    /// What can escape that means.
    pub escapes: &'static str,
}

/// Finds out by trial how trees are killed on this machine.
#[must_use]
pub fn kill_method() -> KillMethod {
    let probe = format!("probe-{}", processes::own_pid());
    if let Some(group) = Cgroup::create(&probe) {
        group.remove();
        return KillMethod {
            name: "cgroup v2 (cgroup.kill), and subreaper scan",
            escapes: "a process that moves itself to another control group, after its keeper was killed",
        };
    }
    if cfg!(target_os = "linux") {
        return KillMethod {
            name: "subreaper scan",
            escapes: "after its keeper was killed: a daemonised process with an emptied environment that lived less than a second before",
        };
    }
    KillMethod {
        name: "process tree and group scan by ps",
        escapes: "a daemonised process with a session of its own that lived less than five seconds",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};

    #[test]
    fn the_means_of_killing_and_what_escapes_it_are_named() {
        let method = kill_method();
        assert!(!method.name.is_empty() && !method.escapes.is_empty());
        assert_eq!(kill_method(), method);
    }

    #[test]
    fn a_marked_process_is_found_by_its_nonce_and_killed_and_a_stranger_is_left() {
        let nonce = format!("test-nonce-{}-{:?}", processes::own_pid(), Instant::now());
        let spawn = |value: &str| {
            let mut sleep = Command::new("sleep");
            sleep.arg("600").env(NONCE_VARIABLE, value).stdout(Stdio::null()).stderr(Stdio::null());
            sleep.spawn().unwrap()
        };
        let (mut ours, mut stranger) = (spawn(&format!("outer,{nonce}")), spawn("outer"));
        let traces = Traces { nonce: Some(nonce), ..Traces::default() };
        let swept = traces.kill(Duration::from_secs(20), |_| {});
        let is_left = stranger.try_wait().unwrap().is_none();
        stranger.kill().and_then(|()| stranger.wait()).unwrap();
        assert_eq!((swept, is_left), (Swept { killed: 1, left: 0 }, true));
        assert_eq!(ours.wait().unwrap().signal(), Some(9));
    }
}
