//! What the supervisor serves over the socket.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::message::{Inbox, Message, Query};
use crate::config::Workspace;
use crate::domain::command::{Answer, Command, Refusal, Reply};
use crate::domain::ids::{GateId, SessionId};
use crate::link::{BoxFuture, LogChunk, LogKind, LogName, LogSource, LogStream, Service};
use crate::runner::log::{LogReader, Stream};

/// What a command is told that came too late to be carried out: nothing was changed.
pub(super) const ENDING: &str = "the supervisor is ending; try again when it is gone";

/// Hands commands to the kernel and waits for its reply.
pub(super) struct Desk {
    pub(super) inbox: Inbox,
}

impl Service<Command, Query, Reply> for Desk {
    fn command(&self, command: Command) -> BoxFuture<Reply> {
        let (sender, receiver) = oneshot::channel();
        let reply_to = Box::new(move |reply: Reply| drop(sender.send(reply)));
        let sent = self.inbox.send(Message::Command(Box::new(command), reply_to));
        Box::pin(async move {
            let gone = || Refusal::new(ENDING);
            match sent {
                Ok(()) => receiver.await.unwrap_or_else(|_| Err(gone())),
                Err(_) => Err(gone()),
            }
        })
    }

    fn query(&self, query: Query) -> BoxFuture<Reply> {
        match query {
            Query::Alive => Box::pin(std::future::ready(Ok(Answer::text("the supervisor works")))),
        }
    }
}

/// Reads the logs of sessions and gate runs for followers.
pub(super) struct Logs {
    pub(super) workspace: Arc<Workspace>,
}

impl LogSource for Logs {
    fn read_at(&self, log: &LogName, offset: u64, max: usize) -> Result<LogChunk, String> {
        let dir = match log.kind {
            LogKind::Session => self.workspace.session_dir(SessionId(log.id)),
            LogKind::Gate => self.workspace.gate_dir(GateId(log.id)),
        };
        let stream = match log.stream {
            LogStream::Out => Stream::Stdout,
            LogStream::Err => Stream::Stderr,
        };
        // Looked at before the read: what is written in between is read by the next one.
        let has_ended = dir.join("exit.json").exists();
        let chunk = LogReader::open(&dir, stream).read_at(offset, max).map_err(|error| error.to_string())?;
        let ended = has_ended && chunk.bytes.is_empty();
        Ok(LogChunk { offset: chunk.offset, bytes: chunk.bytes, ended })
    }
}
