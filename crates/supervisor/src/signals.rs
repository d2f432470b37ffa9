//! Signals: the first asks to stop in order, the second kills. A hang-up changes nothing: losing the terminal
//! never stops supervision.

use std::sync::mpsc::Sender;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::error::SupervisorError;
use super::message::Message;
use super::panics;
use paddock_model::command::StopMode;

pub(super) fn listen(inbox: Sender<Message>) -> Result<(), SupervisorError> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(SupervisorError::system("listen for signals"))?;
    let ends = inbox.clone();
    let listen = move || {
        let mut count = 0;
        for signal in signals.forever() {
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
