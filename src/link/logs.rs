//! Logs by byte offset.

use std::sync::Arc;
use std::time::Duration;

use super::connection::Out;
use super::{LogBytes, LogName, LogPart, LogRequest, ReplyBody};

/// How much of a log is read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// How often the end of a followed log is looked at: soon enough for an eye, and only while followed.
const FOLLOW_PAUSE: Duration = Duration::from_millis(100);

/// What was found at an offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChunk {
    /// The offset of the first byte: the one asked for, or a later one when what lies between is gone.
    pub offset: u64,
    /// The bytes; empty when nothing is there (yet).
    pub bytes: Vec<u8>,
    /// Whether the log ends after these bytes for good.
    pub ended: bool,
}

/// Reads logs from wherever they are.
pub trait LogSource: Send + Sync + 'static {
    /// Reads up to `max` bytes at `offset`. May block; is called on a thread where that is fine.
    ///
    /// # Errors
    /// For people: why the log cannot be read.
    fn read_at(&self, log: &LogName, offset: u64, max: usize) -> Result<LogChunk, String>;
}

/// Sends a log piece by piece until its end, an error, or the client's going.
pub(super) async fn send_log<A: serde::Serialize>(
    source: Arc<dyn LogSource>,
    request: LogRequest,
    id: u64,
    out: Out,
) {
    let mut offset = request.offset;
    loop {
        let source = Arc::clone(&source);
        let read = move || source.read_at(&request.log, offset, CHUNK_BYTES);
        let chunk = match tokio::task::spawn_blocking(read).await {
            Ok(Ok(chunk)) => chunk,
            Ok(Err(text)) => return out.refuse(id, text).await,
            Err(error) => return out.refuse(id, format!("reading the log failed: {error}")).await,
        };
        let is_empty = chunk.bytes.is_empty();
        let end = chunk.ended || (is_empty && !request.follow);
        let gap = chunk.offset.saturating_sub(offset);
        offset = chunk.offset.saturating_add(chunk.bytes.len() as u64);
        if !is_empty || gap > 0 || end {
            let bytes = LogBytes::new(chunk.bytes);
            let part = LogPart { offset: chunk.offset, bytes, gap, end };
            if !out.send::<A>(id, ReplyBody::Log(part)).await || end {
                return;
            }
        }
        if is_empty {
            tokio::select! {
                () = tokio::time::sleep(FOLLOW_PAUSE) => {}
                () = out.closed() => return,
            }
        }
    }
}
