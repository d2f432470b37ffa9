//! The keeper's signals: three wake its loop, and the others must merely not end it.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1};

/// Signals of terminals and logins, which mean nothing to a keeper. They get a handler that does nothing
/// instead of being ignored: `exec` keeps ignored signals ignored, so the agent would not react to them
/// either, but it resets handlers.
const WITHOUT_EFFECT: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU];

/// The signal handlers, and the socket through which they wake the loop.
pub(super) struct Signals {
    wake: UnixStream,
    /// SIGTERM came: the machine shuts down, or somebody ends the keeper.
    terminated: Arc<AtomicBool>,
    /// SIGUSR1 came: the supervisor changed `control.json`.
    control_changed: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn install() -> io::Result<Self> {
        let (wake, write) = UnixStream::pair()?;
        // The handler writes to the socket, and must not block when nobody has drained it.
        wake.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        let signals = Self { wake, terminated: Arc::default(), control_changed: Arc::default() };
        // The flags are registered before the wake-ups, and handlers run in the order of their registration:
        // the loop, once woken, finds the flag set.
        signal_hook::flag::register(SIGTERM, Arc::clone(&signals.terminated))?;
        signal_hook::flag::register(SIGUSR1, Arc::clone(&signals.control_changed))?;
        for signal in [SIGCHLD, SIGTERM, SIGUSR1] {
            signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
        }
        for signal in WITHOUT_EFFECT {
            signal_hook::flag::register(signal, Arc::default())?;
        }
        Ok(signals)
    }

    pub(super) fn wake(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    pub(super) fn drain(&self) {
        let mut buffer = [0; 64];
        while (&self.wake).read(&mut buffer).is_ok_and(|read| read > 0) {}
    }

    pub(super) fn take_terminated(&self) -> bool {
        self.terminated.swap(false, Ordering::Relaxed)
    }

    pub(super) fn take_control_changed(&self) -> bool {
        self.control_changed.swap(false, Ordering::Relaxed)
    }
}
