//! The bytes of a log, by range, with what was read last kept.

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;

use super::index::{Block, split};
use crate::runner::log::LogReader;
pub use crate::runner::log::Stream;

/// Blocks kept per stream: some screens around the place that is looked at.
const KEPT: usize = 24;

/// Gives bytes by range.
pub trait Bytes: fmt::Debug + Send {
    /// The bytes from `offset` up to `end`; fewer when they are (no longer) there.
    fn read(&self, offset: u64, end: u64) -> Vec<u8>;
}

impl Bytes for LogReader {
    fn read(&self, offset: u64, end: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let at = offset + bytes.len() as u64;
            let room = usize::try_from(end.saturating_sub(at)).unwrap_or(0);
            match self.read_at(at, room) {
                Ok(chunk) if room > 0 && chunk.gap_bytes == 0 && !chunk.bytes.is_empty() => {
                    bytes.extend(chunk.bytes);
                }
                // Rolled away since it was indexed, or unreadable: what is missing shows as such.
                _ => return bytes,
            }
        }
    }
}

/// The files of a stream of the job in this folder.
#[must_use]
pub fn files(folder: &Path, stream: Stream) -> Box<dyn Bytes> {
    Box::new(LogReader::open(folder, stream))
}

/// The lines of one block.
#[derive(Debug)]
struct Held {
    line: u64,
    end: u64,
    lines: Vec<Vec<u8>>,
}

/// Lines that were looked at lately.
#[derive(Debug)]
pub struct Cache {
    bytes: Box<dyn Bytes>,
    held: VecDeque<Held>,
}

impl Cache {
    /// Keeps what comes from there.
    #[must_use]
    pub fn new(bytes: Box<dyn Bytes>) -> Self {
        Self { bytes, held: VecDeque::new() }
    }

    /// A line of a block, its line end included; empty when it is no longer there.
    pub fn line(&mut self, block: &Block, line: u64) -> Vec<u8> {
        // The last block of a log grows: its end tells one state of it from another.
        let at = self.held.iter().position(|held| held.line == block.line && held.end == block.end);
        let held = match at.and_then(|at| self.held.remove(at)) {
            Some(held) => held,
            None => {
                let bytes = self.bytes.read(block.offset, block.end);
                let lines = split(&bytes).into_iter().map(<[u8]>::to_vec).collect();
                self.held.retain(|held| held.line != block.line);
                Held { line: block.line, end: block.end, lines }
            }
        };
        let place = usize::try_from(line - block.line).unwrap_or(usize::MAX);
        let found = held.lines.get(place).cloned().unwrap_or_default();
        self.held.push_front(held);
        self.held.truncate(KEPT);
        found
    }
}
