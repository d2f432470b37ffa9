//! The thread that reads the terminal, and the one that hears signals.

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

/// Stops and goes on reading, so that a program in the foreground gets its keys.
pub(crate) struct Input {
    orders: PipeWriter,
    stopped: Receiver<()>,
}

impl Input {
    /// Starts reading.
    ///
    /// # Errors
    /// When the system gives no pipe or no thread.
    pub(crate) fn start(messages: SyncSender<Msg>) -> io::Result<Self> {
        let (reader, orders) = io::pipe()?;
        // One word for each time that reading is stopped.
        let (stop, stopped) = sync_channel(1);
        thread::Builder::new().name("input".into()).spawn(move || {
            if read(&messages, reader, &stop).is_err() {
                let _ = messages.send(Msg::TerminalLost);
            }
        })?;
        Ok(Self { orders, stopped })
    }

    /// Stops reading; returns once nothing is read any more.
    pub(crate) fn pause(&mut self) {
        // What the last time was not waited for.
        let _ = self.stopped.try_recv();
        if self.orders.write_all(b"p").is_ok() {
            // When the thread is gone nothing is read either.
            let _ = self.stopped.recv_timeout(Duration::from_secs(2));
        }
    }

    /// Goes on.
    pub(crate) fn resume(&mut self) {
        let _ = self.orders.write_all(b"r");
    }
}

/// How soon the loop is looked at again that has no room for a key.
const FULL_PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };

const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Hands a message on, or keeps it where there is no room; returns whether anybody listens.
fn hand_on(messages: &SyncSender<Msg>, kept: &mut Option<Msg>) -> bool {
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

/// Reads until nobody listens. While the loop has no room, nothing is read: keys wait in the terminal, and reading can
/// still be stopped.
fn read(messages: &SyncSender<Msg>, mut orders: PipeReader, stopped: &SyncSender<()>) -> io::Result<()> {
    let stdin = io::stdin();
    let mut kept = None;
    // More may have been taken from the terminal than was handed on.
    let mut is_behind = false;
    loop {
        if !hand_on(messages, &mut kept) {
            return Ok(());
        }
        let (of_keys, wait) = match (kept.is_some(), is_behind) {
            (true, _) => (PollFlags::empty(), Some(&FULL_PAUSE)),
            (false, true) => (PollFlags::IN, Some(&AT_ONCE)),
            (false, false) => (PollFlags::IN, None),
        };
        let mut fds = [PollFd::new(&stdin, of_keys), PollFd::new(&orders, PollFlags::IN)];
        match poll(&mut fds, wait) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let (keys, order) = (fds[0].revents(), fds[1].revents());
        if !order.is_empty() {
            let mut byte = [0];
            orders.read_exact(&mut byte)?;
            if byte == *b"p" {
                let _ = stopped.try_send(());
                orders.read_exact(&mut byte)?;
            }
            continue;
        }
        if keys.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        while kept.is_none() && event::poll(Duration::ZERO)? {
            kept = Some(message(&event::read()?));
            if !hand_on(messages, &mut kept) {
                return Ok(());
            }
        }
        is_behind = kept.is_some();
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

/// Hears the signals that concern the console.
///
/// # Errors
/// When the system refuses.
pub(crate) fn hear(messages: SyncSender<Msg>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGWINCH])?;
    let hear = move || {
        for signal in signals.forever() {
            let msg = match signal {
                // A program that has the terminal is meant by its keys; the console only stops with it.
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
    thread::Builder::new().name("signals".into()).spawn(hear).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_for_which_there_is_no_room_is_kept_and_none_is_lost() {
        let (messages, incoming) = sync_channel(1);
        let (mut first, mut second) = (Some(Msg::Focused(true)), Some(Msg::Focused(false)));
        assert!(hand_on(&messages, &mut first) && first.is_none());
        assert!(hand_on(&messages, &mut second) && second.is_some(), "no room");
        assert!(matches!(incoming.recv(), Ok(Msg::Focused(true))));
        assert!(hand_on(&messages, &mut second) && second.is_none());
        assert!(matches!(incoming.recv(), Ok(Msg::Focused(false))));
        drop(incoming);
        assert!(!hand_on(&messages, &mut Some(Msg::Tick)), "nobody listens");
    }
}
