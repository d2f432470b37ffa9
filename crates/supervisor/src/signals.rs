//! Signals: the first one stops the supervisor gracefully, the second one kills the sessions.

use std::sync::mpsc::Sender;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::error::SupervisorError;
use super::message::Message;
use super::panics;
use paddock_model::command::StopMode;

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
            let mode = if count == 1 { StopMode::Graceful } else { StopMode::Now };
            if inbox.send(Message::Stop(mode, signal == SIGINT)).is_err() {
                return;
            }
        }
    };
    let spawned = panics::spawn("signals", ends, listen);
    spawned.map(drop).map_err(SupervisorError::system("start the thread for signals"))
}
