//! What reaches the kernel.
//!
//! The inbox has no bound of its own: its senders must not wait, since some run on threads that the kernel waits for, and
//! some on the kernel's own. It cannot grow without end all the same, also while the kernel waits for a slow disk or for
//! room on it (`room` keeps then what comes in):
//!
//! - What repeats itself waits once: that refs or project files changed and that work is over ([`Pending`]), and what a
//!   running session has used ([`Latest`]).
//! - An effect answers with a few inputs when it is over. The engine orders it once for each change of its subject and
//!   each command, and again only after its answer; a look waits once in its lane (`executor`). Both are ordered by the
//!   kernel alone, so none are added while it waits.
//! - A job is reported when it starts and when it ends; there are as many jobs as slots.
//! - A client waits for the answers to its commands; `ipc` bounds clients and the requests of each.
//! - Signals come from a person; what the store says of the disk, and what a panic says, comes once.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use paddock_engine::input::Input;
use paddock_model::command::{Command, Reply, StopMode};
use paddock_model::ids::{ProjectSlug, SessionId};
use paddock_runner::JobReport;
use paddock_store::{DiskSpace, StoreError};

/// Something happened that the kernel has not heard of yet: another message would say nothing new.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending(Arc<AtomicU8>);

/// Of [`Pending`]: work branches of Paddock's changed, or something of which there is but one kind.
pub(super) const CHANGED: u8 = 1;
/// Of [`Pending`]: refs changed that are none of Paddock's work branches.
pub(super) const CHANGED_BEYOND_WORK: u8 = 2;

impl Pending {
    /// Marks that it happened. Returns whether a message is to be sent; `false` while one waits.
    pub(super) fn mark(&self, what: u8) -> bool {
        self.0.fetch_max(what, Ordering::SeqCst) == 0
    }

    /// What was marked, the most of it; to be asked before it is acted on.
    pub(super) fn take(&self) -> u8 {
        self.0.swap(0, Ordering::SeqCst)
    }
}

/// An input that takes the place of the one before it, if the kernel has not heard that one.
#[derive(Debug, Clone, Default)]
pub(super) struct Latest(Arc<Mutex<Option<Input>>>);

impl Latest {
    /// Puts the input in place. Returns whether a message is to be sent; `false` while one waits.
    pub(super) fn put(&self, input: Input) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(input).is_none()
    }

    pub(super) fn take(&self) -> Option<Input> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Where the reply to a command goes.
pub(super) type ReplyTo = Box<dyn FnOnce(Reply) + Send>;

/// Everything that can wake the kernel.
pub(super) enum Message {
    /// Something happened outside.
    Input(Input),
    /// A person asks; the reply goes out once it is recorded.
    Command(Box<Command>, ReplyTo),
    /// A job's keeper reports.
    Job(JobReport),
    /// A session that runs was found again; what the clock that stops while the machine sleeps showed when it began.
    /// What it shows now is looked at when this is heard.
    Adopted(SessionId, u64),
    /// The newest of inputs of which each takes the place of the one before it.
    Latest(Latest),
    /// Refs of a repository changed: which ones says the mark.
    RefsChanged(ProjectSlug, Pending),
    /// Something in the folder of project files changed.
    ProjectFilesChanged(Pending),
    /// A signal, or the end of the duration; `true` when it came from the terminal.
    Stop(StopMode, bool),
    /// An effect or an append is over; whether anything is left is to be looked at.
    Wake,
    /// The disk is full, or there is room again.
    DiskSpace(DiskSpace),
    /// A thread that the supervisor cannot do without panicked.
    Panicked {
        /// Its name.
        thread: String,
        /// What the panic said, and where.
        problem: String,
    },
    /// The store failed.
    StoreFailed(StoreError),
}

/// The kernel's inbox.
pub(super) type Inbox = Sender<Message>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_itself_waits_once_and_loses_nothing() {
        let pending = Pending::default();
        let sent = [CHANGED, CHANGED_BEYOND_WORK, CHANGED].map(|what| pending.mark(what));
        assert_eq!(sent, [true, false, false]);
        assert_eq!((pending.take(), pending.take()), (CHANGED_BEYOND_WORK, 0));
        assert!(pending.mark(CHANGED), "what happens after the look is another message");

        let latest = Latest::default();
        let inputs = (1..=1_000).map(|by_ms| Input::ClockJumped { by_ms });
        assert_eq!(inputs.filter(|input| latest.put(input.clone())).count(), 1);
        assert_eq!((latest.take(), latest.take()), (Some(Input::ClockJumped { by_ms: 1_000 }), None));
    }
}
