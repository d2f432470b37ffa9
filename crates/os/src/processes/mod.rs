//! The processes of this machine, by identity: process id and start time.
//!
//! A process id alone never identifies a process: the system gives the ids of ended processes to new ones.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;

use std::collections::{BTreeMap, BTreeSet};

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use portable as system;

/// The identity of a process. Within one boot no other process has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Process id.
    pub pid: i32,
    /// Start time, in a unit of the system's own: only equality has a meaning.
    pub start: u64,
}

/// Whether a process could run at the moment of the look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// It runs, or sleeps until something happens.
    Able,
    /// It waits in the kernel for something that no signal interrupts, such as a disk that does not answer.
    Uninterruptible,
    /// A signal (SIGSTOP, SIGTSTP) stopped it; SIGCONT lets it go on.
    Stopped,
    /// A debugger holds it; SIGCONT does not let it go on. Systems other than Linux show it as stopped.
    Traced,
}

/// One process as the system shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proc {
    /// Identity of the process.
    pub identity: Identity,
    /// Process id of its parent.
    pub parent: i32,
    /// Id of its process group.
    pub group: i32,
    /// Id of its session; that of its group where the system does not show sessions.
    pub session: i32,
    /// Whether it has ended and only waits to be reaped.
    pub zombie: bool,
    /// Whether it could run, as far as the system tells.
    pub activity: Activity,
    /// CPU time of the process and its reaped children, in milliseconds.
    pub cpu_ms: u64,
    /// CPU time of the process without its children, in milliseconds; `cpu_ms` where the system does not show
    /// them apart.
    pub own_cpu_ms: u64,
}

/// Returns all processes of the machine.
#[must_use]
pub(crate) fn table() -> Vec<Proc> {
    system::table()
}

/// Returns a process by its id, if it exists.
#[must_use]
pub fn one(pid: i32) -> Option<Proc> {
    system::one(pid)
}

/// Returns the identity of this process.
#[must_use]
pub fn me() -> Option<Identity> {
    one(own_pid()).map(|found| found.identity)
}

/// Returns the id of this process.
#[must_use]
pub fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// Returns whether this process, and so every process that it starts, may set the system's clock. Change
/// times of files then prove nothing.
#[must_use]
pub fn may_set_clock() -> bool {
    system::may_set_clock()
}

/// Returns the id of this boot of the machine. Identities are valid within one boot. Empty if the system has
/// no such id.
#[must_use]
pub fn boot_id() -> String {
    system::boot_id()
}

/// Returns the awake clock, which stops while the machine sleeps, in milliseconds since some moment of this
/// boot. `None` where the system has no such clock that several processes can compare.
#[must_use]
pub fn awake_clock_ms() -> Option<u64> {
    system::awake_clock_ms()
}

/// Returns whether the text occurs in the environment that the process was started with. `false` if that
/// environment cannot be read.
#[must_use]
pub(crate) fn environment_has(pid: i32, text: &str) -> bool {
    system::environment_has(pid, text)
}

/// Returns the process and its ancestors, the nearest first, as far as they can be seen. Linux only: elsewhere
/// each step would start a program, and the result is empty.
#[must_use]
pub fn ancestors(pid: i32) -> Vec<i32> {
    /// Most steps. Real chains are short; a longer one changed while it was read.
    const STEPS_MAX: usize = 256;
    if !cfg!(target_os = "linux") {
        return Vec::new();
    }
    let next = |pid: &i32| one(*pid).map(|found| found.parent).filter(|parent| *parent > 0);
    std::iter::successors(Some(pid), next).take(STEPS_MAX).collect()
}

/// Returns the second word of a process's command line. Linux only.
#[must_use]
pub fn first_argument(pid: i32) -> Option<Vec<u8>> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    bytes.split(|byte| *byte == 0).nth(1).map(<[u8]>::to_vec)
}

/// Returns the id of a process's session. `None` if the process or the session's leader cannot be seen: the
/// leader of a shell that `docker exec` starts in a container lies outside of it.
#[must_use]
pub fn session_of(pid: i32) -> Option<i32> {
    system::session_of(pid).filter(|session| *session > 0)
}

/// Returns the largest resident size that a living process has had, in bytes.
#[must_use]
pub fn peak_rss_bytes(pid: i32) -> Option<u64> {
    system::peak_rss_bytes(pid)
}

/// Returns the CPU time of this process's reaped children: user and system, in milliseconds.
#[must_use]
pub fn reaped_cpu_ms() -> Option<(u64, u64)> {
    system::reaped_cpu_ms()
}

/// Returns whether exactly this process exists and has not ended.
#[must_use]
pub fn is_alive(identity: Identity) -> bool {
    one(identity.pid).is_some_and(|found| found.identity == identity && !found.zombie)
}

/// Returns what exactly this process does; `None` if it has ended.
#[must_use]
pub fn activity(identity: Identity) -> Option<Activity> {
    one(identity.pid).filter(|found| found.identity == identity && !found.zombie).map(|found| found.activity)
}

/// Sends a signal to exactly this process. Returns `false` if the process is gone.
pub fn signal(identity: Identity, signal: Signal) -> bool {
    system::signal(identity, signal)
}

/// Returns the name of a process's program, which the system may cut.
#[must_use]
pub fn name(pid: i32) -> Option<String> {
    system::name(pid)
}

/// Returns the living descendants of a process.
#[must_use]
pub fn descendants(root: i32) -> Vec<Proc> {
    // A keeper calls this again and again. Reading the lists of children, where the system has them, costs
    // far less than reading all processes of a busy machine.
    system::descendants(root).unwrap_or_else(|| {
        let table = table();
        let mut family = closure(&table, BTreeSet::from([root]));
        family.remove(&root);
        table.into_iter().filter(|one| family.contains(&one.identity.pid) && !one.zombie).collect()
    })
}

/// Returns the seeds and all their descendants.
#[must_use]
pub(crate) fn closure(table: &[Proc], seeds: BTreeSet<i32>) -> BTreeSet<i32> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for one in table {
        children.entry(one.parent).or_default().push(one.identity.pid);
    }
    let mut open: Vec<i32> = seeds.iter().copied().collect();
    let mut found = seeds;
    while let Some(pid) = open.pop() {
        for child in children.get(&pid).into_iter().flatten() {
            // The table is not a snapshot of one moment, so it may even hold a cycle.
            if found.insert(*child) {
                open.push(*child);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_another_start_time_is_another_process() {
        let me = me().unwrap();
        assert!(is_alive(me));
        assert!(!is_alive(Identity { start: me.start + 1, ..me }));
        assert!(!boot_id().is_empty());
    }

    #[test]
    fn a_stopped_child_is_shown_as_stopped_until_it_is_continued() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let identity = one(i32::try_from(child.id()).unwrap()).unwrap().identity;
        let becomes = |wanted: Activity| {
            let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
            while activity(identity) != Some(wanted) && std::time::Instant::now() < until {
                std::thread::yield_now();
            }
            activity(identity)
        };
        assert!(signal(identity, Signal::STOP));
        let stopped = becomes(Activity::Stopped);
        assert!(signal(identity, Signal::CONT));
        let continued = becomes(Activity::Able);
        child.kill().and_then(|()| child.wait()).unwrap();
        assert_eq!((stopped, continued), (Some(Activity::Stopped), Some(Activity::Able)));
        assert_eq!(activity(identity), None);
    }

    #[test]
    fn a_child_is_found_below_its_parent_and_only_its_own_identity_is_signalled() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let identity = one(pid).unwrap().identity;
        assert!(descendants(own_pid()).iter().any(|found| found.identity == identity));
        assert!(!signal(Identity { start: identity.start + 1, ..identity }, Signal::KILL));
        assert!(is_alive(identity));
        assert!(signal(identity, Signal::KILL));
        child.wait().unwrap();
        assert!(!is_alive(identity));
    }
}
