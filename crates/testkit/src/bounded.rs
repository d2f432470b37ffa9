//! Runs commands with a time limit: if a command hangs, the test fails and names the command's threads.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Time limit of a command. No command of the tests needs a tenth of it.
const LONGEST: Duration = Duration::from_secs(120);

/// Runs a command and returns its output. Fails the test if the command does not end by itself within two
/// minutes.
pub fn output_of(command: &mut Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let (over, is_over) = mpsc::channel::<()>();
    // The output must be read while the command runs, so a second thread watches the time.
    let watch = std::thread::spawn(move || {
        let is_stuck = is_over.recv_timeout(LONGEST) == Err(RecvTimeoutError::Timeout);
        is_stuck.then(|| {
            let found = threads_of(pid);
            let named = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            let _ = kill_process(named, Signal::KILL);
            found
        })
    });
    let output = child.wait_with_output().unwrap();
    drop(over);
    let stuck = watch.join().unwrap();
    assert_eq!(stuck, None, "{command:?} had not ended after {LONGEST:?}: {output:?}");
    output
}

/// Returns the name of each thread of a process, and the kernel function in which it waits.
fn threads_of(pid: u32) -> String {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let read = |path| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let named = threads.map(|thread| {
        format!("{} in {}", read(thread.path().join("comm")), read(thread.path().join("wchan")))
    });
    named.collect::<Vec<_>>().join("; ")
}
