//! The keeper's signals: three wake it, the rest only must not end it.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1};

/// Signals that belong to a terminal or a login and mean nothing to a keeper. They get a handler that does
/// nothing rather than being ignored: an ignored signal would stay ignored in the agent, a handler does not.
const SHRUGGED_OFF: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU];

/// Handlers, and the pipe that wakes the loop.
pub(super) struct Signals {
    wake: UnixStream,
    /// The machine, or somebody, wants the keeper to end.
    terminated: Arc<AtomicBool>,
    /// `control.json` was changed.
    prodded: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn install() -> io::Result<Self> {
        let (wake, write) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        let signals = Self { wake, terminated: Arc::default(), prodded: Arc::default() };
        signal_hook::flag::register(SIGTERM, Arc::clone(&signals.terminated))?;
        signal_hook::flag::register(SIGUSR1, Arc::clone(&signals.prodded))?;
        for signal in [SIGCHLD, SIGTERM, SIGUSR1] {
            signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
        }
        for signal in SHRUGGED_OFF {
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

    pub(super) fn take_prodded(&self) -> bool {
        self.prodded.swap(false, Ordering::Relaxed)
    }
}
