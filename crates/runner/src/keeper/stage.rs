//! One stage: spawn, pump its output, watch its limits, stop it, and say how it ended.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::WaitStatus;

use super::job::{Job, millis, reap, wall_ms};
use crate::enter::StartError;
use crate::files;
use crate::log::Stream;
use crate::record::{PROGRESS_FILE, Progress, START_ERROR_FILE, StageEnd, StageOutcome};
use crate::spec::Stage;
use paddock_os::fail_points::fail_point;
use paddock_os::files::{Flush, own_program};
use paddock_os::processes;
use paddock_os::tree::NONCE_VARIABLE;

/// How long a descendant may hold the output after the main process has exited.
const LEAK_PATIENCE: Duration = Duration::from_millis(200);
/// How long an output is awaited that somebody outside the tree holds.
const ABANDON_PATIENCE: Duration = Duration::from_secs(1);
/// One read of output, and how many of them before everything else gets its turn.
const PUMP_BYTES: usize = 64 * 1024;
const PUMP_ROUNDS: u32 = 32;

/// How far stopping has gone.
#[derive(Clone, Copy)]
enum Ladder {
    Untouched,
    Asked(Instant),
    Killed(Instant),
}

/// A stage that was spawned.
pub(super) struct Running {
    pub(super) started: Instant,
    pub(super) counted: bool,
    main: i32,
    outputs: [Option<File>; 2],
    status: Option<(WaitStatus, Instant)>,
    leak_killed: Option<Instant>,
    ladder: Ladder,
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
        // A job within a job keeps the outer mark: the outer one's sweep must find it too.
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
        // The handle is dropped on purpose: everything below this process is reaped in one place.
        let child = command.stdout(stdout_writer).stderr(stderr_writer).spawn()?;
        let main = i32::try_from(child.id()).map_err(io::Error::other)?;
        self.activity.remember(processes::one(main).map(|one| one.identity).into_iter().collect());
        self.activity.sign(started);
        Ok(Running {
            started,
            counted: stage.counted,
            main,
            outputs: [Some(stdout), Some(stderr)],
            status: None,
            leak_killed: None,
            ladder: Ladder::Untouched,
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
        // Whoever watches may miss it: it is no part of what the job is judged by.
        let begun = Progress {
            index,
            name: end.name.clone(),
            started_at_ms: end.started_at_ms,
            stdout_from: end.stdout_from,
            stderr_from: end.stderr_from,
        };
        let _ = files::replace_json(&self.dir.join(PROGRESS_FILE), &begun, Flush::Later);
        // Left only by a command of an earlier stage, which then would have ended the job.
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

    /// The keeper's loop: one thread for signals, output and time.
    fn follow(&mut self, running: &mut Running, stage: &Stage) {
        let mut buffer = vec![0; PUMP_BYTES];
        while !running.is_done() {
            self.sleep(running, stage);
            self.signals.drain();
            // Reaped first: whatever an ended process wrote is then already in the pipe.
            let now = Instant::now();
            for (pid, status) in reap() {
                if pid == running.main {
                    running.status = Some((status, now));
                }
            }
            self.pump(running, &mut buffer, now);
            self.look_around(running, now);
            self.climb(running, stage, now);
            self.mind_leak(running, now);
        }
    }

    fn sleep(&self, running: &Running, stage: &Stage) {
        let now = Instant::now();
        let leak = running.status.map(|(_, at)| {
            running.leak_killed.map_or(at + LEAK_PATIENCE, |killed| killed + ABANDON_PATIENCE)
        });
        let rung = match running.ladder {
            Ladder::Untouched => self.deadline(running),
            Ladder::Asked(until) => Some(until),
            Ladder::Killed(at) => Some(at + Duration::from_secs(1)),
        };
        let timeout = stage_deadline(running, stage).filter(|_| matches!(running.ladder, Ladder::Untouched));
        let moments = [leak, rung, timeout, Some(self.control_due()), Some(self.activity.next_sample())];
        let wake = moments.into_iter().flatten().min().unwrap_or(now);
        // A little late rather than a spin just before the moment.
        let wait = wake.saturating_duration_since(now) + Duration::from_millis(1);
        let Ok(timeout) = Timespec::try_from(wait) else { return };
        let wake_fd = self.signals.wake();
        let mut fds = vec![PollFd::from_borrowed_fd(wake_fd, PollFlags::IN)];
        let outputs = running.outputs.iter().flatten();
        fds.extend(outputs.map(|file| PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN)));
        // Interrupted by a signal is as good as woken.
        let _ = poll(&mut fds, Some(&timeout));
    }

    fn pump(&mut self, running: &mut Running, buffer: &mut [u8], now: Instant) {
        for stream in Stream::ALL {
            let slot = &mut running.outputs[stream as usize];
            for _ in 0..PUMP_ROUNDS {
                let Some(file) = slot else { break };
                match file.read(buffer) {
                    Ok(0) => *slot = None,
                    Ok(read) => {
                        self.logs.write(stream, &buffer[..read]);
                        self.activity.sign(now);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(_) => *slot = None,
                }
            }
        }
    }

    /// One step up the ladder of stopping, if it is time: ask, and after the grace kill.
    fn climb(&mut self, running: &mut Running, stage: &Stage, now: Instant) {
        if running.has_ended() {
            return;
        }
        let over = stage_deadline(running, stage).is_some_and(|at| now >= at);
        running.timed_out |= over && self.stop.is_none();
        running.stopped |= self.stop.is_some();
        if !running.stopped && !running.timed_out {
            return;
        }
        let hurry = self.stop.is_some_and(|stop| stop.now);
        let grace = Duration::from_millis(self.spec.limits.grace_ms);
        match running.ladder {
            Ladder::Untouched if !hurry => {
                self.tree.signal(self.gentle_signal());
                running.ladder = Ladder::Asked(now + grace);
            }
            Ladder::Asked(until) if now < until && !hurry => {}
            Ladder::Killed(at) if now < at + Duration::from_secs(1) => {}
            _ => self.kill(running, now),
        }
    }

    fn kill(&mut self, running: &mut Running, now: Instant) {
        self.killed_hard = true;
        let main = running.main;
        let mut status = None;
        let patience = Duration::from_secs(1);
        self.tree.kill(patience, |_| {
            status = reap().into_iter().find(|(pid, _)| *pid == main).map(|(_, status)| status).or(status);
        });
        running.status = status.map(|status| (status, now));
        running.ladder = Ladder::Killed(Instant::now());
    }

    /// After the main process: what holds its output is killed, and what even then holds it is left alone.
    fn mind_leak(&mut self, running: &mut Running, now: Instant) {
        let Some((_, ended)) = running.status.filter(|_| !running.is_done()) else { return };
        match running.leak_killed {
            None if now >= ended + LEAK_PATIENCE => {
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
