//! What waits to be sent to one client.

use tokio::sync::mpsc;

use super::protocol::encode_line;
use super::{LINE_MAX_BYTES, Reply, ReplyBody};

/// How many lines wait for a client that reads slowly; whoever has more to say waits with it.
const OUT_LINES: usize = 32;
/// Where the replies of a connection go.
#[derive(Clone)]
pub(super) struct Out(mpsc::Sender<Vec<u8>>);

impl Out {
    /// A queue of lines, and its end that is written to the client.
    pub(super) fn new() -> (Self, mpsc::Receiver<Vec<u8>>) {
        let (sender, lines) = mpsc::channel(OUT_LINES);
        (Self(sender), lines)
    }

    /// Queues a reply, waiting while the client reads slowly. False when the client is gone.
    pub(crate) async fn send(&self, id: u64, body: ReplyBody) -> bool {
        match encode_line(&Reply { id, body }) {
            Some(line) => self.0.send(line).await.is_ok(),
            None => {
                let text = format!("the answer is over {} MiB; ask for less", LINE_MAX_BYTES >> 20);
                let refusal = Reply { id, body: ReplyBody::error(text) };
                self.0.send(encode_line(&refusal).unwrap_or_default()).await.is_ok()
            }
        }
    }

    pub(crate) async fn refuse(&self, id: u64, text: String) {
        self.send(id, ReplyBody::error(text)).await;
    }

    /// Waits until the client is gone.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }
}
