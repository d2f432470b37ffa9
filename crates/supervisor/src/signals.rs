//! Signals: the first one stops the supervisor gracefully, the second one kills the sessions and ends the
//! process within [`PATIENCE`], whatever still goes on in it; a third one ends it at once.

use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::error::SupervisorError;
use super::message::Message;
use super::panics;
use paddock_model::command::StopMode;
use paddock_os::hangs;

/// How long a supervisor may take to end after the second signal. Its sessions are killed then, and their
/// keepers record that without it.
const PATIENCE: Duration = Duration::from_secs(15);
/// Exit status of an interrupted program, as shells number it.
const INTERRUPTED: i32 = 130;

/// Starts the thread that turns signals into messages.
pub(super) fn listen(inbox: Sender<Message>) -> Result<(), SupervisorError> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(SupervisorError::system("listen for signals"))?;
    let ends = inbox.clone();
    let listen = move || {
        let mut count = 0;
        for signal in signals.forever() {
            // Caught and ignored: its default action would end the supervisor when the terminal closes.
            if signal == SIGHUP {
                continue;
            }
            count += 1;
            match count {
                1 => eprintln!("paddock: stopping; a second signal kills what runs, a third ends at once"),
                2 => drop(thread::Builder::new().name("last resort".into()).spawn(|| end_after(PATIENCE))),
                _ => end_after(Duration::ZERO),
            }
            let mode = if count == 1 { StopMode::Graceful } else { StopMode::Now };
            if inbox.send(Message::Stop(mode, signal == SIGINT)).is_err() {
                return;
            }
        }
    };
    let spawned = panics::spawn("signals", ends, listen);
    spawned.map(drop).map_err(SupervisorError::system("start the thread for signals"))
}

/// Ends the process after a while, if it still exists, and names what kept it. What was decided is recorded,
/// and the next supervisor goes on from there.
fn end_after(patience: Duration) {
    thread::sleep(patience);
    let work = hangs::long_work(Duration::from_secs(1));
    let names: Vec<String> = work.iter().map(|work| work.doing.clone()).collect();
    let what = if names.is_empty() { "its end".to_owned() } else { names.join("; ") };
    tracing::error!(what, "ended by signals although something still went on");
    eprintln!("paddock: ended by signals, without waiting for: {what}");
    std::process::exit(INTERRUPTED);
}
