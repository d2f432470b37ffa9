//! Other systems (macOS): runs `ps`, and sends signals by process id right after comparing the start time.
//!
//! Weaker than Linux: the process id could be given to another process between the comparison and the signal,
//! there is no subreaper, and environments are not searched. A daemonised process with a session of its own
//! whose parents have all ended is found only if an earlier sample saw it.

use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{Activity, Identity, Proc};

/// Runs `ps` and returns its output; empty if it fails.
fn ps(arguments: &[&str]) -> String {
    // The C locale, since the format of `lstart` depends on it.
    let output = Command::new("/bin/ps").args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// The columns of `ps`. The start time comes last, since it holds spaces.
const COLUMNS: &str = "pid=,ppid=,pgid=,stat=,time=,lstart=";

/// Parses `[[dd-]hh:]mm:ss[.cc]` to milliseconds.
fn time_ms(text: &str) -> u64 {
    let whole = text.split('.').next().unwrap_or_default();
    let seconds = whole.split([':', '-']).fold(0, |sum, part| sum * 60 + part.parse::<u64>().unwrap_or(0));
    seconds * 1000
}

/// Parses a line of `ps`.
fn parse(line: &str) -> Option<Proc> {
    let mut words = line.split_ascii_whitespace();
    let pid = words.next()?.parse().ok()?;
    let parent = words.next()?.parse().ok()?;
    let group = words.next()?.parse().ok()?;
    let state = words.next()?;
    let zombie = state.starts_with('Z');
    let activity = match state.as_bytes().first() {
        Some(b'T') => Activity::Stopped,
        // macOS says U, the BSDs say D.
        Some(b'U' | b'D') => Activity::Uninterruptible,
        _ => Activity::Able,
    };
    let cpu_ms = time_ms(words.next()?);
    // A hash (FNV-1a) of the start time's text: only equality counts.
    let started: Vec<&str> = words.collect();
    let start = started.join(" ").bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let identity = Identity { pid, start };
    Some(Proc { identity, parent, group, session: group, zombie, activity, cpu_ms, own_cpu_ms: cpu_ms })
}

pub(super) fn one(pid: i32) -> Option<Proc> {
    parse(ps(&["-o", COLUMNS, "-p", &pid.to_string()]).lines().next()?)
}

pub(super) fn session_of(pid: i32) -> Option<i32> {
    // Without pid namespaces every leader can be seen.
    let session = rustix::process::getsid(Some(Pid::from_raw(pid)?)).ok()?;
    Some(session.as_raw_nonzero().get())
}

pub(super) fn table() -> Vec<Proc> {
    ps(&["-axo", COLUMNS]).lines().filter_map(parse).collect()
}

pub(super) fn descendants(_root: i32) -> Option<Vec<Proc>> {
    None
}

pub(super) fn name(pid: i32) -> Option<String> {
    let path = ps(&["-o", "comm=", "-p", &pid.to_string()]);
    path.trim().rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned)
}

pub(super) fn boot_id() -> String {
    let output = Command::new("/usr/sbin/sysctl").args(["-n", "kern.bootsessionuuid"]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

pub(super) fn awake_clock_ms() -> Option<u64> {
    None
}

pub(super) fn may_set_clock() -> bool {
    rustix::process::geteuid().is_root()
}

pub(super) fn environment_has(_pid: i32, _text: &str) -> bool {
    false
}

pub(super) fn peak_rss_bytes(pid: i32) -> Option<u64> {
    let kib: u64 = ps(&["-o", "rss=", "-p", &pid.to_string()]).trim().parse().ok()?;
    Some(kib * 1024)
}

pub(super) fn reaped_cpu_ms() -> Option<(u64, u64)> {
    None
}

pub(super) fn signal(identity: Identity, signal: Signal) -> bool {
    let Some(pid) = Pid::from_raw(identity.pid) else { return false };
    one(identity.pid).is_some_and(|found| found.identity == identity) && kill_process(pid, signal).is_ok()
}
