//! Waiting for a git program, with a time limit: any of them may meet a remote, a passphrase, a disk or a named pipe
//! that never answers.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::process::{Child, ExitStatus, Output};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// Between two looks at whether it has ended, while a helper that it started still holds its output open. Without one
/// the end of its output tells at once.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);
/// Between asking a program that took too long to stop, so that it can remove its lock files, and killing it.
const GRACE: Duration = Duration::from_secs(5);
/// What is wanted of a program's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it: a part is as good as nothing.
    All,
    /// What people may want to read: of a program that talks to somebody outside.
    Words,
}

impl Wanted {
    /// So many bytes are kept; what comes after them is read, so that nothing blocks.
    fn bytes(self) -> usize {
        match self {
            Self::All => usize::MAX,
            Self::Words => 1 << 20,
        }
    }

    /// How long the end of its output is waited for once it has ended itself. A helper that stays (an agent for keys, a
    /// shared connection) may hold the pipe open for hours; where there is none, only a busy machine takes time.
    fn patience(self) -> Duration {
        match self {
            Self::All => Duration::from_secs(60),
            Self::Words => Duration::from_secs(1),
        }
    }
}

/// What a stream has brought so far, and whether that is all.
struct Heard {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Told `true` at its end, `false` where it could not be read on.
    over: Receiver<bool>,
    end: Cell<Option<bool>>,
}

impl Heard {
    /// Hears a stream, and keeps its first bytes, at most so many.
    fn spawn(stream: Option<impl Read + Send + 'static>, kept_bytes: usize) -> io::Result<Self> {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        // One word is sent.
        let (report, over) = channel();
        let shared = Arc::clone(&bytes);
        let hear = move || {
            let is_whole = stream.is_none_or(|stream| copy(stream, &shared, kept_bytes).is_ok());
            // Nobody listens any more once the call took too long.
            let _ = report.send(is_whole);
        };
        thread::Builder::new().name("git output".into()).spawn(hear)?;
        Ok(Self { bytes, over, end: Cell::new(None) })
    }

    /// Whether it is over; waits for that, but not longer than `pause`.
    fn is_over(&self, pause: Duration) -> bool {
        if self.end.get().is_none() {
            self.end.set(match self.over.recv_timeout(pause) {
                Ok(is_whole) => Some(is_whole),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(false),
            });
        }
        self.end.get().is_some()
    }

    /// What it has brought; none if all is wanted and its end does not come.
    fn rest(&self, wanted: Wanted) -> Option<Vec<u8>> {
        self.is_over(wanted.patience());
        let is_whole = self.end.get() == Some(true);
        let bytes = std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner));
        (is_whole || wanted == Wanted::Words).then_some(bytes)
    }
}

/// Reads a stream to its end; the first `kept_bytes` go into `kept`.
fn copy(mut stream: impl Read, kept: &Mutex<Vec<u8>>, kept_bytes: usize) -> io::Result<()> {
    let mut chunk = [0; 8_192];
    loop {
        let count = match stream.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = kept_bytes.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&chunk[..room]);
    }
}

/// Waits for a child that leads a process group of its own, with this on its standard input. Returns none if it took
/// longer than `limit` and was ended with its group, or if all of its output is wanted and a process that it left holds
/// that open.
///
/// # Errors
/// When no thread can be started; the child is ended.
pub(super) fn finish(
    mut child: Child,
    input: Vec<u8>,
    limit: Duration,
    wanted: Wanted,
) -> io::Result<Option<Output>> {
    let heard = begin(&mut child, input, wanted);
    let status = match &heard {
        Ok((stdout, _)) => wait(&mut child, stdout, limit),
        Err(_) => {
            signal(&child, Signal::KILL);
            None
        }
    };
    if status.is_none() {
        // One that hangs in the kernel, on a dead network disk, does not even die: nobody else waits for it.
        let reap = move || child.wait();
        drop(thread::Builder::new().name("git reaper".into()).spawn(reap));
    }
    let (stdout, stderr) = heard?;
    let Some(status) = status else { return Ok(None) };
    let output = stdout.rest(wanted).zip(stderr.rest(wanted));
    Ok(output.map(|(stdout, stderr)| Output { status, stdout, stderr }))
}

/// Starts to hear what the child prints, and to give it what it reads.
fn begin(child: &mut Child, input: Vec<u8>, wanted: Wanted) -> io::Result<(Heard, Heard)> {
    if let Some(mut stdin) = child.stdin.take() {
        // A call that ends early closes the pipe: its status and its words say why.
        thread::Builder::new().name("git input".into()).spawn(move || stdin.write_all(&input))?;
    }
    let stdout = Heard::spawn(child.stdout.take(), wanted.bytes())?;
    Ok((stdout, Heard::spawn(child.stderr.take(), wanted.bytes())?))
}

/// How the child ended. None: it took too long, and was ended with its group, but not reaped.
fn wait(child: &mut Child, stdout: &Heard, limit: Duration) -> Option<ExitStatus> {
    if has_ended_by(child, stdout, Instant::now() + limit) {
        return child.wait().ok();
    }
    signal(child, Signal::TERM);
    has_ended_by(child, stdout, Instant::now() + GRACE);
    // Also where the program itself has ended: what it started may live on. It is not reaped yet, so that its number is
    // nobody else's.
    signal(child, Signal::KILL);
    None
}

/// Whether the child ends in time. It is not reaped.
fn has_ended_by(child: &Child, stdout: &Heard, deadline: Instant) -> bool {
    loop {
        let is_silent = stdout.is_over(LOOK_INTERVAL);
        if has_ended(child) {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        if is_silent {
            // It closes its output in the moment in which it ends, or lives on without one.
            thread::sleep(LOOK_INTERVAL / 10);
        }
    }
}

fn has_ended(child: &Child) -> bool {
    let Some(pid) = pid_of(child) else { return true };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // An error says that there is no such child any more.
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
}

fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn signal(child: &Child, signal: Signal) {
    if let Some(group) = pid_of(child) {
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
        finish(command.spawn().unwrap(), b"in\n".to_vec(), limit, Wanted::Words).unwrap()
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
    fn all_that_is_printed_is_there_however_much_it_is() {
        let mut command = Command::new("sh");
        command.args(["-c", "head -c 3000000 /dev/zero; echo end"]).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let output = finish(child, Vec::new(), Duration::from_secs(60), Wanted::All).unwrap().unwrap();
        assert_eq!(output.stdout.len(), 3_000_004);
    }

    #[test]
    fn what_is_said_is_heard_though_a_helper_keeps_the_pipe() {
        let output = run("cat; echo no >&2; sleep 5 & exit 3", Duration::from_secs(60)).unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"in\n"[..], &b"no\n"[..]));
    }
}
