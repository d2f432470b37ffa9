//! Lines of a log: those that were looked at lately, the end as it came, and what is wanted and not at hand.
//!
//! Nothing here reads a file: a disk may hang, and whoever draws must not. What is not at hand is noted as
//! wanted; the thread that follows logs reads it and puts it in.

use std::collections::VecDeque;
use std::path::Path;

use super::index::{Block, split};
use paddock_os::fail_points::trouble_point;
use paddock_runner::log::LogReader;
pub use paddock_runner::log::Stream;

/// What is kept of lines that were looked at, in bytes: a high screen whose every row is of another block fits
/// (100 rows of 80 kB), else that screen would be asked for again and again.
const HELD_BYTES: usize = 8 << 20;
/// What is kept of the end of a stream as it came: longer than any block, so that the end never has to be read.
const TAIL_BYTES: usize = 128 << 10;
/// Blocks that are wanted at once: more than a screen has rows; whoever looks again asks for the rest.
const WANTED_MAX: usize = 512;

/// The bytes of a stream of the job in this folder, from `offset` up to `end`; fewer when they are (no longer)
/// there. Waits for the disk.
#[must_use]
pub(crate) fn read(folder: &Path, stream: Stream, offset: u64, end: u64) -> Vec<u8> {
    trouble_point!("console.logs");
    let reader = LogReader::open(folder, stream);
    let mut bytes = Vec::new();
    loop {
        let at = offset + bytes.len() as u64;
        let room = usize::try_from(end.saturating_sub(at)).unwrap_or(0);
        match reader.read_at(at, room) {
            Ok(chunk) if room > 0 && chunk.gap_bytes == 0 && !chunk.bytes.is_empty() => {
                bytes.extend(chunk.bytes);
            }
            // Rolled away since it was indexed, or unreadable: what is missing shows as such.
            _ => return bytes,
        }
    }
}

/// The lines of one block.
#[derive(Debug)]
struct Held {
    line: u64,
    end: u64,
    bytes: usize,
    lines: Vec<Vec<u8>>,
}

impl Held {
    fn new(block: &Block, bytes: &[u8]) -> Self {
        let lines = split(bytes).into_iter().map(<[u8]>::to_vec).collect();
        Self { line: block.line, end: block.end, bytes: bytes.len(), lines }
    }
}

/// The last bytes of a stream.
#[derive(Debug, Default)]
struct Tail {
    offset: u64,
    bytes: Vec<u8>,
}

impl Tail {
    fn push(&mut self, offset: u64, bytes: &[u8]) {
        if offset != self.offset + self.bytes.len() as u64 {
            (self.offset, self.bytes) = (offset, Vec::new());
        }
        self.bytes.extend_from_slice(bytes);
        // Twice as much before anything is moved: each byte is moved once at most.
        if self.bytes.len() > 2 * TAIL_BYTES {
            let over = self.bytes.len() - TAIL_BYTES;
            self.bytes.drain(..over);
            self.offset += over as u64;
        }
    }

    fn bytes_of(&self, block: &Block) -> Option<&[u8]> {
        let from = usize::try_from(block.offset.checked_sub(self.offset)?).ok()?;
        let until = usize::try_from(block.end.checked_sub(self.offset)?).ok()?;
        self.bytes.get(from..until)
    }
}

/// The lines of a stream that are at hand.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    held: VecDeque<Held>,
    held_bytes: usize,
    tail: Tail,
    wanted: Vec<Block>,
}

impl Cache {
    /// Takes the next bytes of the stream.
    pub(crate) fn push(&mut self, offset: u64, bytes: &[u8]) {
        self.tail.push(offset, bytes);
    }

    /// A line of a block, its line end included; empty when it is no longer there, none when its block is not at
    /// hand: it is wanted then.
    pub(crate) fn line(&mut self, block: &Block, line: u64) -> Option<Vec<u8>> {
        // The last block of a log grows: its end tells one state of it from another.
        let at = self.held.iter().position(|held| held.line == block.line && held.end == block.end);
        match at.and_then(|at| self.held.remove(at)) {
            Some(held) => self.held.push_front(held),
            None => match self.tail.bytes_of(block).map(|bytes| Held::new(block, bytes)) {
                Some(held) => self.hold(held),
                None => {
                    if !self.wanted.contains(block) && self.wanted.len() < WANTED_MAX {
                        self.wanted.push(*block);
                    }
                    return None;
                }
            },
        }
        let place = usize::try_from(line - block.line).unwrap_or(usize::MAX);
        Some(self.held.front().and_then(|held| held.lines.get(place)).cloned().unwrap_or_default())
    }

    /// What is wanted, each time anew.
    pub(crate) fn take_wanted(&mut self) -> Vec<Block> {
        std::mem::take(&mut self.wanted)
    }

    /// Whether anything is.
    #[must_use]
    pub(crate) fn wants(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// Puts in what was wanted, or as much of it as there is.
    pub(crate) fn fill(&mut self, block: &Block, bytes: &[u8]) {
        self.hold(Held::new(block, bytes));
    }

    fn hold(&mut self, held: Held) {
        self.held.retain(|old| old.line != held.line);
        self.held.push_front(held);
        self.held_bytes = self.held.iter().map(|held| held.bytes).sum();
        while self.held_bytes > HELD_BYTES && self.held.len() > 1 {
            self.held_bytes -= self.held.pop_back().map_or(0, |oldest| oldest.bytes);
        }
    }
}
