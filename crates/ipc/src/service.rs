//! What a server serves.

use std::pin::Pin;
use std::sync::Arc;

use super::{Feed, Gauges};
use paddock_model::command::{Command, Reply};

/// A future that owns what it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// Runs commands. It is called in the order of a client's requests and returns at once; the answers are awaited side by
/// side, and to their end even when the client goes.
pub trait Service: Send + Sync + 'static {
    /// Runs a command; the answer comes once it is recorded.
    fn command(&self, command: Command) -> BoxFuture<Reply>;
}

/// Everything that a server serves.
pub struct Backend<S> {
    /// Commands.
    pub service: Arc<S>,
    /// Committed events.
    pub feed: Arc<Feed>,
    /// Latest values.
    pub gauges: Arc<Gauges>,
    /// The workspace, as clients are to see it.
    pub workspace: String,
}
