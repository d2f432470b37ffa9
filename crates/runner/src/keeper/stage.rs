//! Runs one stage: spawns the command, copies its output to the logs, enforces its limits, and records its
//! end.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Signal, WaitStatus};

use super::job::{Job, millis, reap, wall_ms};
use crate::enter::StartError;
use crate::files;
use crate::log::Stream;
use crate::record::{PROGRESS_FILE, Progress, START_ERROR_FILE, StageEnd, StageOutcome};
use crate::spec::{JobKind, Stage};
use paddock_os::fail_points::fail_point;
use paddock_os::files::{Flush, own_program};
use paddock_os::process_tree::NONCE_VARIABLE;
use paddock_os::processes::{self, Identity};

/// How long a descendant may keep the output open after the main process has exited. Short: the next stage
/// waits.
const LEAK_PATIENCE: Duration = Duration::from_millis(200);
/// How long the keeper waits for an output that is still open after the tree was killed: a process that
/// cannot be killed, or one outside the tree, holds it.
const ABANDON_PATIENCE: Duration = Duration::from_secs(1);
/// How long the main process of a session alone has the stop signal, before all others get it too. Agents that
/// lose the command that they wait for take its failure for the end of a step, and end without the report of
/// their usage that they would make otherwise.
const MAIN_FIRST: Duration = Duration::from_secs(3);
/// How long the other processes of a session may take after its main process has ended on the stop signal. The
/// main process may be a mere wrapper around the agent, which still writes its report.
const REST_PATIENCE: Duration = Duration::from_secs(3);
/// Size of one read of output: the default capacity of a pipe on Linux.
const PUMP_BYTES: usize = 64 * 1024;
/// Reads of one output before everything else gets its turn, so that a flood of output does not delay a stop.
const PUMP_ROUNDS: u32 = 32;

/// Progress of stopping a stage.
#[derive(Clone, Copy)]
enum Stopping {
    /// The stage runs freely.
    No,
    /// The main process was sent the stop signal; the others get it at the first time, and the grace period
    /// ends at the second.
    MainAsked(Instant, Instant),
    /// The stop signal was sent to all; the grace period ends at this time.
    Asked(Instant),
    /// The tree was killed, last at this time.
    Killed(Instant),
}

/// A stage that was spawned.
pub(super) struct Running {
    pub(super) started: Instant,
    pub(super) counted: bool,
    /// Process id of the main process.
    main: i32,
    /// Its identity, if the system still had it.
    identity: Option<Identity>,
    /// The read ends of standard output and standard error; `None` once closed.
    outputs: [Option<File>; 2],
    /// How and when the main process ended.
    status: Option<(WaitStatus, Instant)>,
    /// When the processes that kept the output open were killed.
    leak_killed: Option<Instant>,
    /// How long they may keep it open after the main process has ended.
    leak_patience: Duration,
    stopping: Stopping,
    timed_out: bool,
    stopped: bool,
}

impl Running {
    pub(super) fn has_ended(&self) -> bool {
        self.status.is_some()
    }

    fn is_done(&self) -> bool {
        self.has_ended() && self.outputs.iter().all(Option::is_none)
    }
}

fn output_pipe() -> io::Result<(File, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    let reader = File::from(OwnedFd::from(reader));
    fcntl_setfl(&reader, fcntl_getfl(&reader)? | OFlags::NONBLOCK)?;
    Ok((reader, writer.into()))
}

impl Job<'_> {
    fn command(&self, index: usize, stage: &Stage) -> io::Result<Command> {
        // The umask travels as an argument: the keeper's own mask is stricter than the user's.
        let mut command = Command::new(own_program()?);
        command
            .arg0("paddock")
            .arg("__enter")
            .arg(&self.dir)
            .arg(index.to_string())
            .arg(self.umask.as_raw_mode().to_string());
        for name in &self.spec.env_unset {
            command.env_remove(name);
        }
        command.envs(&self.spec.env_set);
        // A job inside a job (an agent that runs Paddock) keeps the outer nonce too, so that the sweep of the
        // outer job also finds its processes.
        let outer = std::env::var(NONCE_VARIABLE).ok().filter(|outer| !outer.is_empty());
        let mark = outer.map_or_else(|| self.nonce.to_owned(), |outer| format!("{outer},{}", self.nonce));
        command.env(NONCE_VARIABLE, mark);
        let input = self.spec.stdin.as_ref().filter(|_| stage.prompted);
        command.stdin(input.map_or(Ok(Stdio::null()), |path| File::open(path).map(Stdio::from))?);
        Ok(command)
    }

    fn spawn(&mut self, index: usize, stage: &Stage) -> io::Result<Running> {
        let mut command = self.command(index, stage)?;
        let (stdout, stdout_writer) = output_pipe()?;
        let (stderr, stderr_writer) = output_pipe()?;
        let started = Instant::now();
        // The handle is dropped: `reap` waits for all children in one place, and would compete with a second
        // waiter.
        let child = command.stdout(stdout_writer).stderr(stderr_writer).spawn()?;
        let main = i32::try_from(child.id()).map_err(io::Error::other)?;
        let identity = processes::one(main).map(|one| one.identity);
        self.activity.remember(identity.into_iter().collect());
        self.activity.begin_stage(main, started);
        Ok(Running {
            started,
            counted: stage.counted,
            main,
            identity,
            outputs: [Some(stdout), Some(stderr)],
            status: None,
            leak_killed: None,
            leak_patience: LEAK_PATIENCE,
            stopping: Stopping::No,
            timed_out: false,
            stopped: false,
        })
    }

    pub(super) fn run_stage(&mut self, index: usize) -> StageEnd {
        let stage = &self.spec.stages[index];
        let mut end = StageEnd {
            name: stage.name.clone(),
            outcome: StageOutcome::Stopped,
            late_code: None,
            started_at_ms: wall_ms(),
            ended_at_ms: 0,
            awake_ms: 0,
            stdout_from: self.logs.totals(Stream::Stdout).written_bytes,
            stderr_from: self.logs.totals(Stream::Stderr).written_bytes,
        };
        let begun = Progress {
            index,
            name: end.name.clone(),
            started_at_ms: end.started_at_ms,
            stdout_from: end.stdout_from,
            stderr_from: end.stderr_from,
        };
        // A failure is ignored: the file serves displays alone, and a job must not fail because of it.
        let _ = files::replace_json(&self.dir.join(PROGRESS_FILE), &begun, Flush::Later);
        // The exit code 127 of this stage must not meet the error file of an earlier one. None should be
        // left, since a stage that could not start ends the job.
        let _ = fs::remove_file(self.dir.join(START_ERROR_FILE));
        match self.spawn(index, stage) {
            Ok(mut running) => {
                fail_point!("keeper.after_spawn");
                self.follow(&mut running, stage);
                let awake = running.status.map_or(running.started, |(_, at)| at) - running.started;
                end.awake_ms = millis(awake);
                self.used += if stage.counted { awake } else { Duration::ZERO };
                self.judge(&running, &mut end);
            }
            Err(error) => {
                let StartError { errno, text } = StartError::new("could not start", &error);
                end.outcome = StageOutcome::NotStarted { errno, text };
            }
        }
        end.ended_at_ms = wall_ms();
        end
    }

    fn judge(&self, running: &Running, end: &mut StageEnd) {
        let Some((status, _)) = running.status else { return };
        let start_error = files::read_json::<StartError>(&self.dir.join(START_ERROR_FILE)).ok().flatten();
        // Paddock's own reasons come first: a process that it stopped may exit with any code or signal.
        end.outcome = match (status.exit_status(), status.terminating_signal()) {
            _ if running.timed_out => StageOutcome::TimedOut,
            _ if running.stopped => StageOutcome::Stopped,
            (Some(127), _) if start_error.is_some() => {
                start_error.map_or(StageOutcome::Stopped, |StartError { errno, text }| {
                    StageOutcome::NotStarted { errno, text }
                })
            }
            (Some(code), _) => StageOutcome::Exited { code },
            (None, signal) => StageOutcome::Signaled { signal: signal.unwrap_or(0) },
        };
        if running.timed_out || running.stopped {
            end.late_code = status.exit_status();
        }
    }

    /// Runs the keeper's loop until the main process has ended and its outputs are closed. One thread handles
    /// signals, output and time.
    fn follow(&mut self, running: &mut Running, stage: &Stage) {
        let mut buffer = vec![0; PUMP_BYTES];
        while !running.is_done() {
            self.sleep(running, stage);
            // Drained before the flags are read: a signal that comes in between leaves a byte and wakes the
            // next sleep.
            self.signals.drain();
            // Reaping comes before reading: everything that an ended process wrote is in the pipe by then.
            let now = Instant::now();
            for (pid, status) in reap() {
                if pid == running.main {
                    running.status = Some((status, now));
                }
            }
            self.pump(running, &mut buffer, now);
            self.check_limits(running, now);
            self.enforce_stop(running, stage, now);
            self.end_leak(running, now);
        }
    }

    /// Sleeps until output, a signal or the next point in time at which something is due.
    fn sleep(&self, running: &Running, stage: &Stage) {
        let now = Instant::now();
        let leak = running.status.map(|(_, at)| {
            running.leak_killed.map_or(at + running.leak_patience, |killed| killed + ABANDON_PATIENCE)
        });
        let next_step = match running.stopping {
            Stopping::No => self.deadline(running),
            Stopping::MainAsked(until, _) | Stopping::Asked(until) => Some(until),
            Stopping::Killed(at) => Some(at + Duration::from_secs(1)),
        };
        let timeout = stage_deadline(running, stage).filter(|_| matches!(running.stopping, Stopping::No));
        let due = [leak, next_step, timeout, Some(self.control_due()), Some(self.activity.next_sample())];
        let wake = due.into_iter().flatten().min().unwrap_or(now);
        // One millisecond late is better than a spin just before the time has come.
        let wait = wake.saturating_duration_since(now) + Duration::from_millis(1);
        let Ok(timeout) = Timespec::try_from(wait) else { return };
        let wake_fd = self.signals.wake();
        let mut fds = vec![PollFd::from_borrowed_fd(wake_fd, PollFlags::IN)];
        let outputs = running.outputs.iter().flatten();
        fds.extend(outputs.map(|file| PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN)));
        // An error is a wake-up, too: `poll` fails with EINTR when a signal comes.
        let _ = poll(&mut fds, Some(&timeout));
    }

    fn pump(&mut self, running: &mut Running, buffer: &mut [u8], now: Instant) {
        for stream in Stream::ALL {
            let slot = &mut running.outputs[stream as usize];
            for _ in 0..PUMP_ROUNDS {
                let Some(file) = slot else { break };
                match file.read(buffer) {
                    // All processes that had the write end have closed it.
                    Ok(0) => *slot = None,
                    Ok(read) => {
                        self.logs.write(stream, &buffer[..read]);
                        self.activity.note_activity(now);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(_) => *slot = None,
                }
            }
        }
    }

    /// Stops the stage if a stop was requested or its own time is up: first with the stop signal, for an agent
    /// to its main process alone, and then, after the grace period, with a kill of the whole tree.
    fn enforce_stop(&mut self, running: &mut Running, stage: &Stage, now: Instant) {
        if running.has_ended() {
            return self.ask_rest(running, now);
        }
        let over = stage_deadline(running, stage).is_some_and(|at| now >= at);
        // A stage that is being stopped already does not time out as well: the record names the first reason.
        running.timed_out |= over && self.stop.is_none();
        running.stopped |= self.stop.is_some();
        if !running.stopped && !running.timed_out {
            return;
        }
        let hurry = self.stop.is_some_and(|stop| stop.now);
        let grace = Duration::from_millis(self.spec.limits.grace_ms);
        match running.stopping {
            Stopping::No if !hurry => {
                let main = running.identity.filter(|_| self.is_agent(stage));
                running.stopping = match main.is_some_and(|main| self.ask(main)) {
                    true => Stopping::MainAsked(now + MAIN_FIRST.min(grace / 2), now + grace),
                    false => {
                        self.tree.signal(self.stop_signal());
                        Stopping::Asked(now + grace)
                    }
                };
            }
            Stopping::MainAsked(rest, _) if now < rest && !hurry => {}
            Stopping::MainAsked(_, until) if !hurry => {
                self.tree.signal(self.stop_signal());
                running.stopping = Stopping::Asked(until);
            }
            Stopping::Asked(until) if now < until && !hurry => {}
            // A kill is repeated every second until the main process is gone: it may sit in an
            // uninterruptible system call.
            Stopping::Killed(at) if now < at + Duration::from_secs(1) => {}
            _ => self.kill(running, now),
        }
    }

    /// Returns whether a stage runs an agent, which may report its usage when it is stopped.
    fn is_agent(&self, stage: &Stage) -> bool {
        self.spec.key.kind == JobKind::Session && stage.prompted
    }

    /// Sends the stop signal to one process. Returns whether it was there.
    fn ask(&self, process: Identity) -> bool {
        let is_sent = processes::signal(process, self.stop_signal());
        // A stopped process would not receive the signal otherwise.
        processes::signal(process, Signal::CONT);
        is_sent
    }

    /// Asks the others to stop if the main process has ended before they were asked, and lets them end.
    fn ask_rest(&mut self, running: &mut Running, now: Instant) {
        if let Stopping::MainAsked(_, until) = running.stopping {
            self.tree.signal(self.stop_signal());
            running.stopping = Stopping::Asked(until);
            running.leak_patience = REST_PATIENCE.min(until.saturating_duration_since(now));
        }
    }

    fn kill(&mut self, running: &mut Running, now: Instant) {
        self.killed_hard = true;
        let main = running.main;
        let mut status = None;
        // Reaping happens inside the kill, so the main process's status must be caught here; the loop would
        // not see it.
        let patience = Duration::from_secs(1);
        self.tree.kill(patience, |_| {
            status = reap().into_iter().find(|(pid, _)| *pid == main).map(|(_, status)| status).or(status);
        });
        running.status = status.map(|status| (status, now));
        running.stopping = Stopping::Killed(Instant::now());
    }

    /// Kills processes that keep the output open after the main process has ended, and closes an output that
    /// is still open after that: a background process must not keep the job from ending.
    fn end_leak(&mut self, running: &mut Running, now: Instant) {
        let Some((_, ended)) = running.status.filter(|_| !running.is_done()) else { return };
        match running.leak_killed {
            None if now >= ended + running.leak_patience => {
                self.leaked = true;
                self.sweep();
                running.leak_killed = Some(Instant::now());
            }
            Some(killed) if now >= killed + ABANDON_PATIENCE => running.outputs = [None, None],
            _ => {}
        }
    }
}

fn stage_deadline(running: &Running, stage: &Stage) -> Option<Instant> {
    running.started.checked_add(Duration::from_millis(stage.timeout_ms?))
}
