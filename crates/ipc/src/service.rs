//! What a server needs from the supervisor.

use std::pin::Pin;
use std::sync::Arc;

use super::{Feed, Gauges};
use paddock_model::command::{Command, Reply};

/// A future that owns what it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// Runs the commands of clients.
pub trait Service: Send + Sync + 'static {
    /// Starts a command and returns at once; the future yields the answer once the command is recorded.
    ///
    /// The server calls this in the order of a client's requests. It awaits the answers in parallel, and to
    /// their end even if the client goes.
    fn command(&self, command: Command) -> BoxFuture<Reply>;
}

/// Everything that a server serves.
pub struct Backend<S> {
    /// Runs commands.
    pub service: Arc<S>,
    /// Committed events, for subscribers.
    pub feed: Arc<Feed>,
    /// Gauges, for subscribers.
    pub gauges: Arc<Gauges>,
    /// Folder of the workspace, for the hello.
    pub workspace: String,
    /// Whether a process is part of a job: an agent or a gate, or anything that one of them started. Jobs
    /// have a part of the connections; the rest is for people.
    pub is_job: fn(i32) -> bool,
}
