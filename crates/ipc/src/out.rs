//! The queue of lines that wait to be sent to one client.

use tokio::sync::mpsc;

use super::protocol::encode_line;
use super::{LINE_MAX_BYTES, Reply, ReplyBody};

/// Most lines that wait for a slow client. A task with more to send waits for space in the queue.
const OUT_LINES: usize = 32;

/// The sending end of a connection's queue.
#[derive(Clone)]
pub(super) struct Out(mpsc::Sender<Vec<u8>>);

impl Out {
    /// Makes a queue. Returns its sending end, and the receiving end whose lines are written to the client.
    pub(super) fn new() -> (Self, mpsc::Receiver<Vec<u8>>) {
        let (sender, lines) = mpsc::channel(OUT_LINES);
        (Self(sender), lines)
    }

    /// Queues a reply, waiting while the queue is full. Returns `false` if the client is gone.
    pub(crate) async fn send(&self, id: u64, body: ReplyBody) -> bool {
        match encode_line(&Reply { id, body }) {
            Some(line) => self.0.send(line).await.is_ok(),
            // The client refuses a line over the limit, so it gets an error instead.
            None => {
                let text = format!("the answer is over {} MiB; ask for less", LINE_MAX_BYTES >> 20);
                let refusal = Reply { id, body: ReplyBody::error(text) };
                self.0.send(encode_line(&refusal).unwrap_or_default()).await.is_ok()
            }
        }
    }

    /// Queues an error as the reply to a request.
    pub(crate) async fn refuse(&self, id: u64, text: String) {
        self.send(id, ReplyBody::error(text)).await;
    }

    /// Queues a last reply if there is space for it, without waiting.
    pub(crate) fn try_send(&self, id: u64, body: ReplyBody) {
        // A client that does not read misses only the reason of the end.
        let _ = self.0.try_send(encode_line(&Reply { id, body }).unwrap_or_default());
    }

    /// Waits until the client is gone.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }
}
