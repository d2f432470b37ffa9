//! Pipes to a helper, with a deadline for every read and every write.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// How long a pipe may stay silent, and when everything must be over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) silence: Duration,
    pub(crate) end: Instant,
}

impl Patience {
    pub(crate) fn new(silence: Duration, whole: Duration) -> Self {
        let now = Instant::now();
        // A wait without an end in sight is as good as one of a day.
        let end = now.checked_add(whole).unwrap_or(now + Duration::from_secs(86_400));
        Self { silence, end }
    }

    /// Waits until the pipe is ready, or the other end of `stopped` is closed.
    fn wait(&self, pipe: BorrowedFd<'_>, flags: PollFlags, stopped: Option<&PipeReader>) -> io::Result<()> {
        let begun = Instant::now();
        loop {
            let left = self.end.min(begun + self.silence).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
            let mut watched = vec![PollFd::from_borrowed_fd(pipe, flags)];
            watched.extend(stopped.map(|end| PollFd::from_borrowed_fd(end.as_fd(), PollFlags::IN)));
            match poll(&mut watched, Some(&timeout)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) if watched.get(1).is_some_and(|end| !end.revents().is_empty()) => {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn make_nonblocking(pipe: &impl AsFd) -> io::Result<()> {
    let flags = fcntl_getfl(pipe)?;
    Ok(fcntl_setfl(pipe, flags | OFlags::NONBLOCK)?)
}

/// Answers of the helper.
#[derive(Debug)]
pub(crate) struct FromHelper {
    pipe: ChildStdout,
    pub(crate) patience: Patience,
    /// Closed at its other end by the side that no longer waits for an answer.
    stopped: Option<PipeReader>,
}

impl FromHelper {
    pub(crate) fn new(pipe: ChildStdout, patience: Patience) -> io::Result<Self> {
        make_nonblocking(&pipe)?;
        Ok(Self { pipe, patience, stopped: None })
    }

    /// Makes every wait end once the returned end is dropped.
    pub(crate) fn stopper(&mut self) -> io::Result<PipeWriter> {
        let (ours, theirs) = io::pipe()?;
        self.stopped = Some(ours);
        Ok(theirs)
    }
}

impl Read for FromHelper {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            self.patience.wait(self.pipe.as_fd(), PollFlags::IN, self.stopped.as_ref())?;
            match self.pipe.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }
}

/// Requests to the helper.
#[derive(Debug)]
pub(crate) struct ToHelper {
    pipe: ChildStdin,
    pub(crate) patience: Patience,
}

impl ToHelper {
    pub(crate) fn new(pipe: ChildStdin, patience: Patience) -> io::Result<Self> {
        make_nonblocking(&pipe)?;
        Ok(Self { pipe, patience })
    }
}

impl Write for ToHelper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            self.patience.wait(self.pipe.as_fd(), PollFlags::OUT, None)?;
            match self.pipe.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
