//! What reaches the kernel.

use std::sync::mpsc::Sender;

use paddock_engine::input::Input;
use paddock_model::command::{Command, Reply, StopMode};
use paddock_model::ids::{ProjectSlug, SessionId};
use paddock_runner::JobReport;
use paddock_store::{Room, StoreError};

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
    /// Refs of a repository changed; `true` when others than Paddock's work branches did.
    RefsChanged(ProjectSlug, bool),
    /// Something in the folder of project files changed.
    ProjectFilesChanged,
    /// A signal, or the end of the duration; `true` when it came from the terminal.
    Stop(StopMode, bool),
    /// An effect or an append is over; whether anything is left is to be looked at.
    Wake,
    /// The disk is full, or there is room again.
    Room(Room),
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
