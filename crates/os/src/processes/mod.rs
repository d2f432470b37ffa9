//! The processes of this machine, seen by identity: a process id and the moment it was started.

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

/// A process that cannot be mistaken for a later one with the same id, within one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The process id.
    pub pid: i32,
    /// When it started, in a unit of the system's own.
    pub start: u64,
}

/// One process as the system shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proc {
    /// Which one.
    pub identity: Identity,
    /// Its parent's id.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Its session; the group again where the system does not tell.
    pub session: i32,
    /// It has ended and only waits to be reaped.
    pub zombie: bool,
    /// CPU time used by it and its reaped children, in milliseconds.
    pub cpu_ms: u64,
}

/// All processes of the machine.
#[must_use]
pub(crate) fn table() -> Vec<Proc> {
    system::table()
}

/// One process, if it exists.
#[must_use]
pub fn one(pid: i32) -> Option<Proc> {
    system::one(pid)
}

/// This process.
#[must_use]
pub fn me() -> Option<Identity> {
    one(own_pid()).map(|found| found.identity)
}

/// This process's id.
#[must_use]
pub fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// Names this boot of the machine; identities hold within one.
#[must_use]
pub fn boot_id() -> String {
    system::boot_id()
}

/// The clock that stops while the machine sleeps, in milliseconds since some moment of this boot; none where it can
/// only be compared within one process.
#[must_use]
pub fn awake_clock_ms() -> Option<u64> {
    system::awake_clock_ms()
}

/// Whether this text is in the environment the process was started with. `false` when that cannot be read.
#[must_use]
pub(crate) fn environment_has(pid: i32, text: &str) -> bool {
    system::environment_has(pid, text)
}

/// The largest resident size a living process had, in bytes.
#[must_use]
pub fn peak_rss_bytes(pid: i32) -> Option<u64> {
    system::peak_rss_bytes(pid)
}

/// CPU time of this process's reaped children: user and system, in milliseconds.
#[must_use]
pub fn reaped_cpu_ms() -> Option<(u64, u64)> {
    system::reaped_cpu_ms()
}

/// Whether this very process still exists and has not ended.
#[must_use]
pub fn is_alive(identity: Identity) -> bool {
    one(identity.pid).is_some_and(|found| found.identity == identity && !found.zombie)
}

/// Sends a signal to exactly this process; `false` when it is gone.
pub fn signal(identity: Identity, signal: Signal) -> bool {
    system::signal(identity, signal)
}

/// The living descendants of a process, without a look at the whole machine where the system allows it.
#[must_use]
pub fn descendants(root: i32) -> Vec<Proc> {
    system::descendants(root).unwrap_or_else(|| {
        let table = table();
        let mut family = closure(&table, BTreeSet::from([root]));
        family.remove(&root);
        table.into_iter().filter(|one| family.contains(&one.identity.pid) && !one.zombie).collect()
    })
}

/// The seeds and everything below them.
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
    fn this_process_is_alive_and_another_start_time_is_somebody_else() {
        let me = me().unwrap();
        assert!(is_alive(me));
        assert!(!is_alive(Identity { start: me.start + 1, ..me }));
        assert!(!boot_id().is_empty());
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
