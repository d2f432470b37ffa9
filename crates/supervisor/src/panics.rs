//! What the supervisor does about panics.
//!
//! A panic in an effect is recorded, and the effect runs again (`decide::panics`). A panic in a thread that
//! the supervisor depends on ends the supervisor; running sessions continue under their keepers.

use std::thread;
use std::time::Duration;

use super::message::{Inbox, Message};
use paddock_os::panics::caught;

/// Pause between a panic in an effect and the next try. Its cause may be over by then, and an effect that
/// panics every time does not keep a core busy.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Starts a thread that the supervisor depends on. A panic in it ends the supervisor with an error that names
/// the thread.
pub(super) fn spawn(
    name: &'static str,
    inbox: Inbox,
    work: impl FnOnce() + Send + 'static,
) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(move || {
        if let Err(panic) = caught(work) {
            let problem = panic.to_string();
            // An error means that the kernel has ended, and then nothing depends on this thread any more.
            drop(inbox.send(Message::Panicked { thread: name.to_owned(), problem }));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_thread_that_panics_is_reported_by_name() {
        let (inbox, reported) = mpsc::channel();
        drop(spawn("tails", inbox, || panic!("on purpose")).unwrap().join());
        let Message::Panicked { thread, problem } = reported.recv().unwrap() else {
            panic!("another message arrived")
        };
        assert_eq!(thread, "tails");
        assert!(problem.contains("on purpose"), "{problem}");
    }
}
