//! What the supervisor serves over the socket.

use tokio::sync::oneshot;

use super::message::{Inbox, Message};
use paddock_ipc::{BoxFuture, Service};
use paddock_model::command::{Command, Refusal, Reply};

/// What a command is told that came too late to be carried out: nothing was changed.
pub(super) const ENDING: &str = "the supervisor is ending; try again when it is gone";

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
            let gone = || Refusal::new(ENDING);
            match sent {
                Ok(()) => receiver.await.unwrap_or_else(|_| Err(gone())),
                Err(_) => Err(gone()),
            }
        })
    }
}
