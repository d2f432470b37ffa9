//! The processes of a sandbox.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::Sandbox;
use crate::wait::{DEADLINE, within};

impl Sandbox {
    /// Returns the id and command line of every process whose folder, environment or arguments name this
    /// sandbox.
    pub fn processes(&self) -> Vec<(i32, String)> {
        let mark = self.path("");
        let mark = mark.as_os_str().as_bytes().strip_suffix(b"/").unwrap().to_vec();
        let holds = |bytes: &[u8]| bytes.windows(mark.len()).any(|window| window == mark);
        // Each trace can be missing: an orphan may have an empty environment, and a daemon another folder.
        let own = std::process::id();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
            let (environment, words) = (read("environ"), read("cmdline"));
            let folder = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            let is_ours = holds(&environment) || holds(&words) || holds(folder.as_os_str().as_bytes());
            let is_zombie = || String::from_utf8_lossy(&read("stat")).contains(") Z ");
            if pid != own && is_ours && !is_zombie() {
                let command = String::from_utf8_lossy(&words).replace('\0', " ");
                found.push((i32::try_from(pid).unwrap(), command));
            }
        }
        found
    }

    /// Waits until no process of this sandbox is left.
    pub fn nobody_is_left(&self) {
        if !within(DEADLINE, || self.processes().is_empty()) {
            panic!("processes are left: {:?}", self.processes());
        }
    }

    /// Returns a command that runs what is added to it in a namespace of process ids, with a `/proc` of its
    /// own. It ends with all processes in there when it is killed. `None` if the system allows no namespaces.
    pub fn pid_namespace(&self) -> Option<Command> {
        let unshare = |options: &str| {
            let mut command = self.program("unshare");
            command.args([options, "--mount-proc", "--kill-child"]);
            command
        };
        let is_allowed = |options: &&str| {
            let status = unshare(options).arg("true").stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        // As root, or in a user namespace.
        ["-pf", "-Urpf"].into_iter().find(is_allowed).map(unshare)
    }

    pub(super) fn kill_processes(&self) {
        for (pid, _) in self.processes() {
            if let Some(pid) = Pid::from_raw(pid) {
                // Fails if the process has ended in the meantime.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}
