//! The thread that reads the terminal, and the one that hears signals.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, poll};
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
    pub(crate) fn start(messages: Sender<Msg>) -> io::Result<Self> {
        let (reader, orders) = io::pipe()?;
        let (stop, stopped) = channel();
        thread::Builder::new().name("input".into()).spawn(move || {
            if read(&messages, reader, &stop).is_err() {
                let _ = messages.send(Msg::TerminalLost);
            }
        })?;
        Ok(Self { orders, stopped })
    }

    /// Stops reading; returns once nothing is read any more.
    pub(crate) fn pause(&mut self) {
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

fn read(messages: &Sender<Msg>, mut orders: PipeReader, stopped: &Sender<()>) -> io::Result<()> {
    let stdin = io::stdin();
    loop {
        let mut fds = [PollFd::new(&stdin, PollFlags::IN), PollFd::new(&orders, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let (keys, order) = (fds[0].revents(), fds[1].revents());
        if !order.is_empty() {
            let mut byte = [0];
            orders.read_exact(&mut byte)?;
            if byte == *b"p" {
                let _ = stopped.send(());
                orders.read_exact(&mut byte)?;
            }
            continue;
        }
        if keys.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        while event::poll(Duration::ZERO)? {
            if messages.send(message(&event::read()?)).is_err() {
                return Ok(());
            }
        }
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
pub(crate) fn hear(messages: Sender<Msg>) -> io::Result<()> {
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
