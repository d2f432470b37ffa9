//! Waiting for a git process with a time limit. Any git process may meet a remote, a passphrase prompt, a
//! disk or a named pipe that never answers.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Output};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use paddock_os::{hangs, processes};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// Poll interval for the exit of the process while a helper that it started still holds its output open.
/// Without such a helper, the end of the output wakes the waiting thread at once.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// Time between SIGTERM and SIGKILL for a process that exceeded its limit: git uses it to remove its lock
/// files.
const GRACE: Duration = Duration::from_secs(5);
/// Time after which a process that is not over is looked at: does it wait for a named pipe?
const PIPE_PATIENCE: Duration = Duration::from_secs(2);
/// Time between two such looks.
const PIPE_INTERVAL: Duration = Duration::from_secs(1);

/// git, or a program that it started, waited for a named pipe that stands in the place of a file.
#[derive(Debug, thiserror::Error)]
#[error("git waited for the named pipe {}, and was stopped; remove the pipe, or put the file back", .0.display())]
struct WaitsForPipe(PathBuf);

/// How the wait for a process ended.
enum Wait {
    Over(ExitStatus),
    /// It exceeded its time.
    TooLong,
    /// It waited for this named pipe.
    ForPipe(PathBuf),
}

/// How much of a process's output the caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutputMode {
    /// The whole output: a part of it would be misread as the whole.
    Whole,
    /// Whatever has arrived: text for people, from a process that talks to somebody outside.
    Excerpt,
}

impl OutputMode {
    /// Maximum number of bytes to keep. The rest is read and dropped, so that the process never blocks on a
    /// full pipe.
    fn bytes(self) -> usize {
        match self {
            Self::Whole => usize::MAX,
            Self::Excerpt => 1 << 20,
        }
    }

    /// How long to wait for the end of the output after the process itself has ended. A helper that stays (a
    /// key agent, a shared ssh connection) may hold the pipe open for hours; without a helper, only a busy
    /// machine takes time.
    fn patience(self) -> Duration {
        match self {
            Self::Whole => Duration::from_secs(60),
            Self::Excerpt => Duration::from_secs(1),
        }
    }
}

/// A thread's record of one output stream: the bytes so far, and whether the stream has ended.
struct StreamReader {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Receives `true` at the end of the stream, `false` after a read error.
    done: Receiver<bool>,
    /// Last value received from `done`.
    end: Cell<Option<bool>>,
}

impl StreamReader {
    /// Starts a thread that reads a stream to its end and keeps its first `kept_bytes` bytes.
    fn spawn(stream: Option<impl Read + Send + 'static>, kept_bytes: usize) -> io::Result<Self> {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        // Unbounded, but at most one value is ever sent.
        let (report, done) = channel();
        let shared = Arc::clone(&bytes);
        let read = move || {
            let is_whole = stream.is_none_or(|stream| copy(stream, &shared, kept_bytes).is_ok());
            // Fails once the call has timed out and dropped its receiver.
            let _ = report.send(is_whole);
        };
        thread::Builder::new().name("git output".into()).spawn(read)?;
        Ok(Self { bytes, done, end: Cell::new(None) })
    }

    /// Returns whether the stream has ended; waits up to `pause` for the end.
    fn is_done(&self, pause: Duration) -> bool {
        if self.end.get().is_none() {
            self.end.set(match self.done.recv_timeout(pause) {
                Ok(is_whole) => Some(is_whole),
                Err(RecvTimeoutError::Timeout) => None,
                // The thread panicked before it sent anything: the output may be cut.
                Err(RecvTimeoutError::Disconnected) => Some(false),
            });
        }
        self.end.get().is_some()
    }

    /// Returns the bytes read so far, or `None` if `mode` asks for the whole output and its end does not
    /// come.
    fn take(&self, mode: OutputMode) -> Option<Vec<u8>> {
        self.is_done(mode.patience());
        // Waiting can end in a timeout, so the state is read again.
        let is_whole = self.end.get() == Some(true);
        let bytes = std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner));
        (is_whole || mode == OutputMode::Excerpt).then_some(bytes)
    }
}

/// Reads a stream to its end and appends the first `kept_bytes` bytes to `kept`.
fn copy(mut stream: impl Read, kept: &Mutex<Vec<u8>>, kept_bytes: usize) -> io::Result<()> {
    let mut chunk = [0; 8_192];
    loop {
        let count = match stream.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        // The lock is held per chunk, so that a caller that gives up on the end can take the bytes so far.
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let free = kept_bytes.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&chunk[..free]);
    }
}

/// Waits for a child that leads a process group of its own, with `input` on its standard input. Returns
/// `None` if the child exceeded `limit` and was killed with its group, or if `mode` asks for the whole output
/// and a process that the child left behind holds the output open.
///
/// # Errors
/// Fails if no thread can be started; the child is killed.
pub(super) fn finish(
    mut child: Child,
    input: Vec<u8>,
    limit: Duration,
    mode: OutputMode,
) -> io::Result<Option<Output>> {
    let readers = start_io(&mut child, input, mode);
    let ended = match &readers {
        Ok((stdout, _)) => wait(&mut child, stdout, limit),
        Err(_) => {
            signal(&child, Signal::KILL);
            Wait::TooLong
        }
    };
    if !matches!(ended, Wait::Over(_)) {
        reap(child);
    }
    let (stdout, stderr) = readers?;
    let status = match ended {
        Wait::Over(status) => status,
        Wait::TooLong => return Ok(None),
        Wait::ForPipe(path) => return Err(io::Error::other(WaitsForPipe(path))),
    };
    let output = stdout.take(mode).zip(stderr.take(mode));
    Ok(output.map(|(stdout, stderr)| Output { status, stdout, stderr }))
}

/// Waits for a child that was killed. One that hangs in the kernel (on a dead network disk) does not die even of
/// SIGKILL: a thread of its own waits for it, so that it leaves no zombie and blocks no caller.
pub(super) fn reap(mut child: Child) {
    if !matches!(child.try_wait(), Ok(Some(_))) {
        drop(thread::Builder::new().name("git reaper".into()).spawn(move || child.wait()));
    }
}

/// Starts the threads that read the child's output and write its input.
fn start_io(child: &mut Child, input: Vec<u8>, mode: OutputMode) -> io::Result<(StreamReader, StreamReader)> {
    if let Some(mut stdin) = child.stdin.take() {
        // A child that exits early closes the pipe. The write error is dropped: the child's status and
        // standard error say why it stopped reading.
        thread::Builder::new().name("git input".into()).spawn(move || stdin.write_all(&input))?;
    }
    let stdout = StreamReader::spawn(child.stdout.take(), mode.bytes())?;
    Ok((stdout, StreamReader::spawn(child.stderr.take(), mode.bytes())?))
}

/// Waits for the child to exit. Unless it is over by itself, its group has been killed, and the child is not
/// reaped.
fn wait(child: &mut Child, stdout: &StreamReader, limit: Duration) -> Wait {
    let end = Instant::now() + limit;
    let mut pause = PIPE_PATIENCE;
    let mut pipe = None;
    loop {
        let next = end.min(Instant::now() + pause);
        if has_ended_by(child, stdout, next) {
            return child.wait().map_or(Wait::TooLong, Wait::Over);
        }
        // A pipe that two looks in a row find. git may open one for an instant that somebody writes to.
        let awaited = pipe_awaited(child);
        if next >= end || (awaited.is_some() && awaited == pipe) {
            pipe = awaited.filter(|_| next < end);
            break;
        }
        (pipe, pause) = (awaited, PIPE_INTERVAL);
    }
    signal(child, Signal::TERM);
    has_ended_by(child, stdout, Instant::now() + GRACE);
    // Killed even if the child itself has exited, because its helpers may live on. The child is not reaped
    // before this, so the kernel cannot have given its pid, which names the group, to another process.
    signal(child, Signal::KILL);
    let Some(path) = pipe else { return Wait::TooLong };
    hangs::report(&path, "a named pipe");
    Wait::ForPipe(path)
}

/// Returns the named pipe that the child waits for, or one of the git processes that it started. What other
/// programs do, such as a filter or ssh, is their own matter.
fn pipe_awaited(child: &Child) -> Option<PathBuf> {
    // Elsewhere the system does not say, and to list the processes costs a process of its own.
    if !cfg!(target_os = "linux") {
        return None;
    }
    let pid = i32::try_from(child.id()).ok()?;
    hangs::pipe_awaited_by(pid).or_else(|| {
        let helpers = processes::descendants(pid);
        let is_git = |pid: i32| processes::name(pid).is_some_and(|name| name.starts_with("git"));
        let mut pids = helpers.iter().map(|one| one.identity.pid).filter(|pid| is_git(*pid));
        pids.find_map(hangs::pipe_awaited_by)
    })
}

/// Returns whether the child exits before `deadline`, without reaping it.
fn has_ended_by(child: &Child, stdout: &StreamReader, deadline: Instant) -> bool {
    loop {
        let is_stream_over = stdout.is_done(POLL_INTERVAL);
        if has_ended(child) {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        if is_stream_over {
            // The stream is over, so `is_done` no longer waits: without this pause the loop would spin until
            // a child that closed its output exits.
            thread::sleep(POLL_INTERVAL / 10);
        }
    }
}

fn has_ended(child: &Child) -> bool {
    let Some(pid) = pid_of(child) else { return true };
    // NOWAIT leaves the child unreaped, see `wait`.
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // An error means that no such child exists any more.
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
}

fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

pub(super) fn signal(child: &Child, signal: Signal) {
    if let Some(group) = pid_of(child) {
        // Fails if every process of the group has exited already.
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
        finish(command.spawn().unwrap(), b"in\n".to_vec(), limit, OutputMode::Excerpt).unwrap()
    }

    #[test]
    fn a_process_that_exceeds_its_limit_is_killed_with_its_helpers() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", mark.display());
        assert!(run(&script, Duration::from_millis(500)).is_none());
        let helper: Option<i32> =
            std::fs::read_to_string(mark).ok().and_then(|text| text.trim().parse().ok());
        let begun = Instant::now();
        // On a busy machine the script may not have written its pid yet: then there is no helper to look for.
        while let Some(pid) = helper.and_then(Pid::from_raw) {
            if rustix::process::test_kill_process(pid).is_err() {
                break;
            }
            let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
            if state.is_ok_and(|state| state.contains(") Z ")) {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "the helper survives");
            thread::sleep(POLL_INTERVAL);
        }
    }

    #[test]
    fn output_larger_than_a_pipe_is_returned_whole() {
        let mut command = Command::new("sh");
        command.args(["-c", "head -c 3000000 /dev/zero; echo end"]).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let output = finish(child, Vec::new(), Duration::from_secs(60), OutputMode::Whole).unwrap().unwrap();
        assert_eq!(output.stdout.len(), 3_000_004);
    }

    #[test]
    fn output_is_returned_although_a_helper_holds_the_pipe_open() {
        let output = run("cat; echo no >&2; sleep 5 & exit 3", Duration::from_secs(60)).unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"in\n"[..], &b"no\n"[..]));
    }
}
