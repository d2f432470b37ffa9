//! Waiting for a git program, with a time limit: any of them may meet a remote, a passphrase, a disk or a named pipe
//! that never answers.

use std::io::{Read, Write};
use std::process::{Child, ExitStatus, Output};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// Between two looks at whether it has ended, while a helper that it started still holds its output open. Without one
/// the end of its output tells at once.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);
/// Between asking a program that took too long to stop, so that it can remove its lock files, and killing it.
const GRACE: Duration = Duration::from_secs(5);
/// After its end, how long what it printed is waited for: a helper that stays (an agent for keys, a shared
/// connection) may hold the pipe open for hours.
const REST: Duration = Duration::from_secs(1);
/// What programs that talk to somebody outside print beyond this is of no use, and is read so that nothing blocks.
pub(super) const TALK_BYTES: usize = 1 << 20;

/// What a stream has brought so far, and whether that is all.
struct Heard {
    bytes: Arc<Mutex<Vec<u8>>>,
    over: Receiver<()>,
}

impl Heard {
    /// Hears a stream, and keeps its first bytes, at most so many.
    fn of(stream: Option<impl Read + Send + 'static>, kept_bytes: usize) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (tell, over) = channel();
        let shared = Arc::clone(&bytes);
        thread::spawn(move || {
            let mut chunk = [0; 8_192];
            let mut stream = stream;
            while let Some(count) = stream.as_mut().and_then(|stream| stream.read(&mut chunk).ok()) {
                if count == 0 {
                    break;
                }
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let room = kept_bytes.saturating_sub(kept.len()).min(count);
                kept.extend_from_slice(&chunk[..room]);
            }
            let _ = tell.send(());
        });
        Self { bytes, over }
    }

    /// Whether it is over; waits for that, but not longer than `pause`.
    fn is_over(&self, pause: Duration) -> bool {
        !matches!(self.over.recv_timeout(pause), Err(RecvTimeoutError::Timeout))
    }

    fn rest(self) -> Vec<u8> {
        let _ = self.over.recv_timeout(REST);
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Waits for a child that leads a process group of its own, with this on its standard input. Of each output the first
/// `kept_bytes` are kept. Returns none if it took longer than `limit`: then it was ended with its group.
pub(super) fn finish(mut child: Child, input: Vec<u8>, limit: Duration, kept_bytes: usize) -> Option<Output> {
    if let Some(mut stdin) = child.stdin.take() {
        // A call that ends early closes the pipe: its status and its words say why.
        thread::spawn(move || stdin.write_all(&input));
    }
    let stdout = Heard::of(child.stdout.take(), kept_bytes);
    let stderr = Heard::of(child.stderr.take(), kept_bytes);
    let Some(status) = wait(&mut child, &stdout, limit) else {
        // One that hangs in the kernel, on a dead network disk, does not even die: nobody else waits for it.
        thread::spawn(move || child.wait());
        return None;
    };
    Some(Output { status, stdout: stdout.rest(), stderr: stderr.rest() })
}

fn wait(child: &mut Child, stdout: &Heard, limit: Duration) -> Option<ExitStatus> {
    let status = wait_until(child, stdout, Instant::now() + limit);
    if status.is_some() {
        return status;
    }
    signal(child, Signal::TERM);
    wait_until(child, stdout, Instant::now() + GRACE);
    // Also where the program itself has ended: what it started may live on.
    signal(child, Signal::KILL);
    None
}

/// How the child ended, if it did so in time.
fn wait_until(child: &mut Child, stdout: &Heard, deadline: Instant) -> Option<ExitStatus> {
    loop {
        let is_silent = stdout.is_over(LOOK_INTERVAL);
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => {}
            Ok(None) | Err(_) => return None,
        }
        if is_silent {
            // It closes its output in the moment in which it ends, or lives on without one.
            thread::sleep(LOOK_INTERVAL / 10);
        }
    }
}

fn signal(child: &Child, signal: Signal) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::*;

    fn run(script: &str, limit: Duration) -> Option<Output> {
        let mut command = Command::new("sh");
        command.args(["-c", script]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(command.spawn().unwrap(), b"in\n".to_vec(), limit, TALK_BYTES)
    }

    #[test]
    fn who_never_answers_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", mark.display());
        assert!(run(&script, Duration::from_millis(500)).is_none());
        let helper: Option<i32> =
            std::fs::read_to_string(mark).ok().and_then(|text| text.trim().parse().ok());
        let begun = Instant::now();
        // On a machine with much to do it may not have come so far: then there is nothing to look for.
        while let Some(pid) = helper.and_then(Pid::from_raw) {
            if rustix::process::test_kill_process(pid).is_err() {
                break;
            }
            let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
            if state.is_ok_and(|state| state.contains(") Z ")) {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "what it started lives on");
            thread::sleep(LOOK_INTERVAL);
        }
    }

    #[test]
    fn what_is_said_is_heard_though_a_helper_keeps_the_pipe() {
        let output = run("cat; echo no >&2; sleep 5 & exit 3", Duration::from_secs(60)).unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"in\n"[..], &b"no\n"[..]));
    }
}
