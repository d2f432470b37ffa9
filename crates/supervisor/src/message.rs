//! The messages that the kernel receives.
//!
//! The inbox is an unbounded channel: its senders must not block, since some run on threads that the kernel
//! waits for, and some on the kernel's own thread. It still cannot grow without end, even while the kernel
//! waits for a slow or full disk (`disk_wait` then keeps the messages):
//!
//! - Repeating messages wait at most once each: changes of refs and project files and the end of jobs
//!   ([`Pending`]), and the usage of a running session ([`Latest`]).
//! - An effect answers with a few inputs when it is over. The engine orders it once for each change of its
//!   subject and each command, and again only after its answer; of each look at most one waits (`executor`).
//!   Only the kernel orders effects and looks, so none are added while it waits.
//! - A job is reported when it starts and when it ends; there are as many jobs as slots.
//! - A client waits for the answers to its commands; `ipc` bounds the clients and the requests of each.
//! - Signals come from a person. The store reports a full disk once, and a thread its panic once.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use super::stamps::Stamp;
use paddock_engine::input::Input;
use paddock_model::command::{Command, Reply, StopMode};
use paddock_model::ids::{ProjectSlug, SessionId};
use paddock_runner::JobReport;
use paddock_store::{DiskSpace, StoreError};

/// A mark that a repeating message waits in the inbox. While it is set, another message would say nothing
/// new.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending(Arc<AtomicU8>);

/// Mark of a [`Pending`]: only Paddock's own work branches changed; also the mark of messages that have one
/// kind only.
pub(super) const CHANGED: u8 = 1;
/// Mark of a [`Pending`]: other refs than Paddock's work branches changed.
pub(super) const CHANGED_BEYOND_WORK: u8 = 2;

impl Pending {
    /// Sets the mark. Returns whether the caller has to send a message: `false` while one waits.
    pub(super) fn mark(&self, mark: u8) -> bool {
        // The larger mark wins: a message about work branches must not hide one about other refs.
        self.0.fetch_max(mark, Ordering::SeqCst) == 0
    }

    /// Clears the mark and returns it. The kernel calls this before it reads what changed, so that a change
    /// during the reading sends a new message.
    pub(super) fn take(&self) -> u8 {
        self.0.swap(0, Ordering::SeqCst)
    }
}

/// A slot for inputs that supersede each other: a new input replaces one that the kernel has not handled yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Latest(Arc<Mutex<Option<Input>>>);

impl Latest {
    /// Stores the input. Returns whether the caller has to send a message: `false` while one waits.
    pub(super) fn put(&self, input: Input) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(input).is_none()
    }

    /// Takes the newest input out.
    pub(super) fn take(&self) -> Option<Input> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Sends the reply to a command. Called once the command's events are committed.
pub(super) type ReplyTo = Box<dyn FnOnce(Reply) + Send>;

/// Everything that can wake the kernel.
pub(super) enum Message {
    /// An input for the engine, mostly the answer of an effect.
    Input(Input),
    /// A command of a client.
    Command(Box<Command>, ReplyTo),
    /// A report about a keeper's job.
    Job(JobReport),
    /// A running session of an earlier supervisor was found again. The number is the awake clock's reading,
    /// in milliseconds, at the session's start. The kernel reads that clock itself when it handles the
    /// message, so that time in the inbox does not distort the difference.
    Adopted(SessionId, u64),
    /// The newest of several inputs that supersede each other.
    Latest(Latest),
    /// Refs of a repository changed; the mark says which kind.
    RefsChanged(ProjectSlug, Pending),
    /// This version of a project's file was read. Sent after what it said.
    ProjectFileRead(ProjectSlug, Stamp),
    /// A file in the folder of project files changed.
    ProjectFilesChanged(Pending),
    /// A signal asks to stop; `true` if it is an interrupt from the terminal.
    Stop(StopMode, bool),
    /// A job or an append is over, and the run may be over with it.
    Wake,
    /// The disk is full, or has free space again.
    DiskSpace(DiskSpace),
    /// A thread panicked that the supervisor depends on.
    Panicked {
        /// Name of the thread.
        thread: String,
        /// Message and place of the panic.
        problem: String,
    },
    /// The store failed; the supervisor must end.
    StoreFailed(StoreError),
}

/// The kernel's inbox.
pub(super) type Inbox = Sender<Message>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeating_message_waits_once_and_loses_nothing() {
        let pending = Pending::default();
        let sent = [CHANGED, CHANGED_BEYOND_WORK, CHANGED].map(|mark| pending.mark(mark));
        assert_eq!(sent, [true, false, false]);
        assert_eq!((pending.take(), pending.take()), (CHANGED_BEYOND_WORK, 0));
        assert!(pending.mark(CHANGED), "a change after the look is another message");

        let latest = Latest::default();
        let inputs = (1..=1_000).map(|by_ms| Input::ClockJumped { by_ms });
        assert_eq!(inputs.filter(|input| latest.put(input.clone())).count(), 1);
        assert_eq!((latest.take(), latest.take()), (Some(Input::ClockJumped { by_ms: 1_000 }), None));
    }
}
