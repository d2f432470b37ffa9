//! Passes commands from the socket to the kernel.

use tokio::sync::oneshot;

use super::message::{Inbox, Message};
use paddock_ipc::{BoxFuture, Service};
use paddock_model::command::{Command, Refusal, Reply};

/// The kernel's inbox as a [`Service`] of the socket.
pub(super) struct KernelService {
    pub(super) inbox: Inbox,
}

impl Service for KernelService {
    fn command(&self, command: Command) -> BoxFuture<Reply> {
        let (sender, receiver) = oneshot::channel();
        // Sending fails if the client is gone. The command is done all the same.
        let reply_to = Box::new(move |reply: Reply| drop(sender.send(reply)));
        let sent = self.inbox.send(Message::Command(Box::new(command), reply_to));
        Box::pin(async move {
            match sent {
                // A dropped sender means that the kernel ended before it handled the command, so nothing was
                // done.
                Ok(()) => receiver.await.unwrap_or_else(|_| Err(Refusal::ending())),
                Err(_) => Err(Refusal::ending()),
            }
        })
    }
}
