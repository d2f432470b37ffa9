//! What the supervisor does about a panic. One of an effect is recorded and the effect reconciled (`decide::panics`); one
//! of a thread that the supervisor cannot do without ends it, and running sessions go on under their keepers.

use std::thread;
use std::time::Duration;

use super::message::{Inbox, Message};
use paddock_os::panics::caught;

/// Between a panic of an effect and its next try: what made it panic may be over by then, and a fault that comes back at
/// once does not keep a core busy.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Starts a thread that the supervisor cannot do without: a panic in it ends the supervisor, by name.
pub(super) fn spawn(
    name: &'static str,
    inbox: Inbox,
    work: impl FnOnce() + Send + 'static,
) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(move || {
        if let Err(panic) = caught(work) {
            let problem = panic.to_string();
            // The kernel may have ended first: then nothing depends on this thread any more.
            drop(inbox.send(Message::Panicked { thread: name.to_owned(), problem }));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_thread_that_panics_tells_its_name() {
        let (inbox, reported) = mpsc::channel();
        drop(spawn("tails", inbox, || panic!("on purpose")).unwrap().join());
        let Message::Panicked { thread, problem } = reported.recv().unwrap() else {
            panic!("no message of it")
        };
        assert_eq!(thread, "tails");
        assert!(problem.contains("on purpose"), "{problem}");
    }
}
