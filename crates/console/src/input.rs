//! The thread that reads the terminal, and the thread that waits for signals.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;

use super::msg::{Msg, Signal};
use super::terminal;

/// Pauses and resumes the input thread, so that a program in the foreground receives its keys.
pub(crate) struct Input {
    /// Sends one byte per order: `p` to pause, `r` to resume. A pipe, since the thread waits in `poll`.
    orders: PipeWriter,
    /// Receives the confirmation of each pause.
    paused: Receiver<()>,
}

impl Input {
    /// Starts the input thread.
    ///
    /// # Errors
    /// Fails if the pipe or the thread cannot be created.
    pub(crate) fn start(messages: SyncSender<Msg>) -> io::Result<Self> {
        let (reader, orders) = io::pipe()?;
        // At most one confirmation is outstanding: `pause` takes it before it returns.
        let (confirm_pause, paused) = sync_channel(1);
        thread::Builder::new().name("input".into()).spawn(move || {
            if read(&messages, reader, &confirm_pause).is_err() {
                let _ = messages.send(Msg::TerminalLost);
            }
        })?;
        Ok(Self { orders, paused })
    }

    /// Pauses the thread. Returns once it reads nothing from the terminal any more.
    pub(crate) fn pause(&mut self) {
        // A confirmation that came after the last timeout must not be mistaken for that of this pause.
        let _ = self.paused.try_recv();
        if self.orders.write_all(b"p").is_ok() {
            // The timeout covers a thread that has ended, which reads nothing either.
            let _ = self.paused.recv_timeout(Duration::from_secs(2));
        }
    }

    /// Resumes the thread.
    pub(crate) fn resume(&mut self) {
        let _ = self.orders.write_all(b"r");
    }
}

/// How long to wait before a message is offered again to a channel that was full.
const RETRY_PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };

const NO_WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Sends the kept message, or keeps it if the channel is full. Returns false once the loop has ended.
fn forward(messages: &SyncSender<Msg>, kept: &mut Option<Msg>) -> bool {
    let Some(message) = kept.take() else { return true };
    match messages.try_send(message) {
        Ok(()) => true,
        Err(TrySendError::Full(message)) => {
            *kept = Some(message);
            true
        }
        Err(TrySendError::Disconnected(_)) => false,
    }
}

/// Reads events and forwards them until the loop has ended. While the channel is full it reads nothing: keys
/// wait in the terminal's buffer, and orders to pause are still obeyed.
fn read(
    messages: &SyncSender<Msg>,
    mut orders: PipeReader,
    confirm_pause: &SyncSender<()>,
) -> io::Result<()> {
    let stdin = io::stdin();
    let mut kept = None;
    // crossterm reads several events at once and buffers them. After a full channel some may be left in that
    // buffer, which `poll` on the terminal does not know of.
    let mut has_buffered = false;
    loop {
        if !forward(messages, &mut kept) {
            return Ok(());
        }
        let (stdin_flags, wait) = match (kept.is_some(), has_buffered) {
            (true, _) => (PollFlags::empty(), Some(&RETRY_PAUSE)),
            (false, true) => (PollFlags::IN, Some(&NO_WAIT)),
            (false, false) => (PollFlags::IN, None),
        };
        let mut fds = [PollFd::new(&stdin, stdin_flags), PollFd::new(&orders, PollFlags::IN)];
        match poll(&mut fds, wait) {
            // A signal interrupts the wait; its own thread handles it.
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let (keys, order) = (fds[0].revents(), fds[1].revents());
        // Orders come first: after a pause was asked for, no further key may be read.
        if !order.is_empty() {
            let mut byte = [0];
            orders.read_exact(&mut byte)?;
            if byte == *b"p" {
                let _ = confirm_pause.try_send(());
                // Blocks until the order to resume arrives.
                orders.read_exact(&mut byte)?;
            }
            continue;
        }
        // The terminal is gone. Without this check a closed terminal would keep `poll` returning at once.
        if keys.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        while kept.is_none() && event::poll(Duration::ZERO)? {
            kept = Some(message(&event::read()?));
            if !forward(messages, &mut kept) {
                return Ok(());
            }
        }
        has_buffered = kept.is_some();
    }
}

fn message(event: &Event) -> Msg {
    match event {
        Event::Key(key) => Msg::Key(*key),
        Event::Paste(text) => Msg::Paste(text.clone()),
        Event::Mouse(mouse) => Msg::Mouse(*mouse),
        Event::Resize(columns, rows) => Msg::Resized(*columns, *rows),
        Event::FocusGained => Msg::Focused(true),
        Event::FocusLost => Msg::Focused(false),
    }
}

/// Starts a thread that turns signals into messages.
///
/// # Errors
/// Fails if a signal handler cannot be installed or the thread cannot be started.
pub(crate) fn listen_for_signals(messages: SyncSender<Msg>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGWINCH])?;
    let listen = move || {
        for signal in signals.forever() {
            let msg = match signal {
                // While a program has the terminal, Ctrl-C is meant for that program; the terminal sends the
                // signal to the whole process group. Ctrl-Z stops both.
                SIGINT | SIGQUIT if !terminal::is_ours() => continue,
                SIGTSTP if !terminal::is_ours() => {
                    let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
                    continue;
                }
                SIGTERM | SIGINT | SIGQUIT => Msg::Signal(Signal::End),
                SIGHUP => Msg::Signal(Signal::HangUp),
                SIGTSTP => Msg::Signal(Signal::Suspend),
                _ => match crossterm::terminal::size() {
                    Ok((columns, rows)) => Msg::Resized(columns, rows),
                    Err(_) => continue,
                },
            };
            if messages.send(msg).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("signals".into()).spawn(listen).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_finds_the_channel_full_is_kept_and_none_is_lost() {
        let (messages, incoming) = sync_channel(1);
        let (mut first, mut second) = (Some(Msg::Focused(true)), Some(Msg::Focused(false)));
        assert!(forward(&messages, &mut first) && first.is_none());
        assert!(forward(&messages, &mut second) && second.is_some(), "the channel is full");
        assert!(matches!(incoming.recv(), Ok(Msg::Focused(true))));
        assert!(forward(&messages, &mut second) && second.is_none());
        assert!(matches!(incoming.recv(), Ok(Msg::Focused(false))));
        drop(incoming);
        assert!(!forward(&messages, &mut Some(Msg::Tick)), "the loop has ended");
    }
}
