//! Linux: reads `/proc`, and sends signals through pidfds.

use std::fs;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::{Activity, Identity, Proc};

/// Milliseconds of a clock tick in `/proc`, on every architecture that Rust's std supports.
const TICK_MS: u64 = 10;

/// Returns the fields of `/proc/PID/stat` after the process's name. The name may hold spaces and parentheses,
/// so the fields begin after the last one.
fn stat_fields(text: &str) -> Option<Vec<&str>> {
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_ascii_whitespace().collect())
}

/// Parses a line of `/proc/PID/stat`.
fn parse(pid: i32, text: &str) -> Option<Proc> {
    let fields = stat_fields(text)?;
    let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    let id = |index: usize| fields.get(index).and_then(|field| field.parse::<i32>().ok());
    // utime, stime, and those of reaped children (cutime, cstime).
    let ticks = |fields: std::ops::RangeInclusive<usize>| fields.filter_map(number).sum::<u64>();
    Some(Proc {
        identity: Identity { pid, start: number(19)? },
        parent: id(1)?,
        group: id(2)?,
        session: id(3)?,
        zombie: matches!(fields.first(), Some(&"Z" | &"X")),
        activity: match fields.first() {
            Some(&"T") => Activity::Stopped,
            Some(&"t") => Activity::Traced,
            Some(&"D") => Activity::Uninterruptible,
            _ => Activity::Able,
        },
        cpu_ms: ticks(11..=14) * TICK_MS,
        own_cpu_ms: ticks(11..=12) * TICK_MS,
    })
}

pub(super) fn one(pid: i32) -> Option<Proc> {
    // A process can give itself a name that is no UTF-8.
    let bytes = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse(pid, &String::from_utf8_lossy(&bytes))
}

pub(super) fn session_of(pid: i32) -> Option<i32> {
    // `getsid` is no way: it answers 0 for a leader in another pid namespace, and rustix takes no 0 for an id.
    one(pid).map(|found| found.session)
}

pub(super) fn table() -> Vec<Proc> {
    // A process that ends during the reading is left out. One that starts meanwhile may be missed; callers
    // look again.
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(one).collect()
}

fn children(pid: i32) -> Option<Vec<i32>> {
    let mut found = Vec::new();
    // Each thread has a list of the children that it started.
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let text = fs::read_to_string(task.ok()?.path().join("children")).ok()?;
        found.extend(text.split_ascii_whitespace().filter_map(|word| word.parse::<i32>().ok()));
    }
    Some(found)
}

/// Returns the living descendants; `None` if the kernel has no lists of children (it is an option of its
/// build).
pub(super) fn descendants(root: i32) -> Option<Vec<Proc>> {
    let mut open = children(root)?;
    let mut found = Vec::new();
    while let Some(pid) = open.pop() {
        open.extend(children(pid).unwrap_or_default());
        found.extend(one(pid).filter(|one| !one.zombie));
    }
    Some(found)
}

pub(super) fn boot_id() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim().to_owned()
}

/// Bit of CAP_SYS_TIME in the kernel's sets of capabilities.
const CAP_SYS_TIME: u64 = 1 << 25;

pub(super) fn may_set_clock() -> bool {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| u64::from_str_radix(rest.trim(), 16).ok())
    };
    // A status that cannot be read says nothing, and the careful answer is that the clock may be set.
    set("CapEff:").is_none_or(|effective| effective & CAP_SYS_TIME != 0)
}

pub(super) fn awake_clock_ms() -> Option<u64> {
    // CLOCK_MONOTONIC stops while the machine sleeps, and all processes of one boot share it.
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).ok()?;
    Some(seconds * 1_000 + u64::try_from(now.tv_nsec).ok()? / 1_000_000)
}

pub(super) fn environment_has(pid: i32, text: &str) -> bool {
    // Another user's environment cannot be read; such a process is none of ours.
    let bytes = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    // `windows` panics on a size of 0.
    bytes.windows(text.len().max(1)).any(|window| window == text.as_bytes())
}

pub(super) fn name(pid: i32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

pub(super) fn peak_rss_bytes(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

pub(super) fn reaped_cpu_ms() -> Option<(u64, u64)> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let fields = stat_fields(&text)?;
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    Some((ticks(13)? * TICK_MS, ticks(14)? * TICK_MS))
}

pub(super) fn signal(identity: Identity, signal: Signal) -> bool {
    let Some(pid) = Pid::from_raw(identity.pid) else { return false };
    // The descriptor first, then the start time. From the moment at which the descriptor is open it refers to
    // one process for good, even if the id is given to another one. In the other order the id could change
    // hands in between.
    let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else { return false };
    one(identity.pid).is_some_and(|found| found.identity == identity)
        && pidfd_send_signal(&descriptor, signal).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = "42 (a) b (c)) S 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 1 1";
        let found = parse(42, line).unwrap();
        assert_eq!((found.parent, found.group, found.session), (7, 8, 9));
        assert_eq!(found.identity.start, 12_345);
        assert_eq!(found.cpu_ms, 260);
    }
}
