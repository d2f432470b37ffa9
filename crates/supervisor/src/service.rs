//! What the supervisor serves over the socket.

use tokio::sync::oneshot;

use super::message::{Inbox, Message};
use paddock_ipc::{BoxFuture, Service};
use paddock_model::command::{Command, Refusal, Reply};

/// Hands commands to the kernel and waits for its reply.
pub(super) struct Desk {
    pub(super) inbox: Inbox,
}

impl Service for Desk {
    fn command(&self, command: Command) -> BoxFuture<Reply> {
        let (sender, receiver) = oneshot::channel();
        let reply_to = Box::new(move |reply: Reply| drop(sender.send(reply)));
        let sent = self.inbox.send(Message::Command(Box::new(command), reply_to));
        Box::pin(async move {
            match sent {
                Ok(()) => receiver.await.unwrap_or_else(|_| Err(Refusal::ending())),
                Err(_) => Err(Refusal::ending()),
            }
        })
    }
}
