//! A cache of one stream's text: the blocks shown last, the end of the stream, and the list of wanted blocks.
//!
//! The cache itself reads no file, because a disk may hang and the renderer must not. A block that is missing
//! is recorded as wanted; the follower thread reads it and fills it in.

use std::collections::VecDeque;
use std::path::Path;

use super::index::{Block, split};
use paddock_os::fail_points::trouble_point;
use paddock_runner::log::LogReader;
pub use paddock_runner::log::Stream;

/// Bytes of cached blocks. One frame of a tall screen fits even if each row is in another block (100 rows of
/// 80 kB); with less, the blocks of one frame would evict each other and the frame would never be complete.
const CACHE_MAX_BYTES: usize = 8 << 20;
/// Bytes kept of the end of a stream, as they arrived. Longer than any block, so that a view that follows the
/// end never waits for the disk.
const TAIL_BYTES: usize = 128 << 10;
/// Blocks wanted at once, at most: more than a screen has rows. Blocks beyond the bound are recorded when
/// their lines are requested again.
const WANTED_MAX: usize = 512;

/// Reads the bytes from `offset` up to `end` of a stream of the job in `folder`. Returns fewer if the rest
/// was dropped or cannot be read. Waits for the disk.
#[must_use]
pub(crate) fn read(folder: &Path, stream: Stream, offset: u64, end: u64) -> Vec<u8> {
    trouble_point!("console.logs");
    // One call reads from one segment only; a block may span two.
    let reader = LogReader::open(folder, stream);
    let mut bytes = Vec::new();
    loop {
        let at = offset + bytes.len() as u64;
        let missing = usize::try_from(end.saturating_sub(at)).unwrap_or(0);
        match reader.read_at(at, missing) {
            Ok(chunk) if missing > 0 && chunk.gap_bytes == 0 && !chunk.bytes.is_empty() => {
                bytes.extend(chunk.bytes);
            }
            // Complete, dropped since it was indexed, or unreadable. Lines without text are shown as no
            // longer kept.
            _ => return bytes,
        }
    }
}

/// The lines of one block, with its number of bytes.
#[derive(Debug)]
struct CachedBlock {
    line: u64,
    end: u64,
    bytes: usize,
    lines: Vec<Vec<u8>>,
}

impl CachedBlock {
    fn new(block: &Block, bytes: &[u8]) -> Self {
        let lines = split(bytes).into_iter().map(<[u8]>::to_vec).collect();
        Self { line: block.line, end: block.end, bytes: bytes.len(), lines }
    }
}

/// The last bytes of a stream, and the offset of the first of them.
#[derive(Debug, Default)]
struct Tail {
    offset: u64,
    bytes: Vec<u8>,
}

impl Tail {
    fn push(&mut self, offset: u64, bytes: &[u8]) {
        // After a gap the bytes are not contiguous: those before it are read from disk if they are wanted.
        if offset != self.offset + self.bytes.len() as u64 {
            (self.offset, self.bytes) = (offset, Vec::new());
        }
        self.bytes.extend_from_slice(bytes);
        // Cut only at twice the size, so that each byte is moved once at most.
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

/// The cached lines of a stream.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    /// Most recently used first.
    blocks: VecDeque<CachedBlock>,
    total_bytes: usize,
    tail: Tail,
    wanted: Vec<Block>,
}

impl Cache {
    /// Appends the next bytes of the stream.
    pub(crate) fn push(&mut self, offset: u64, bytes: &[u8]) {
        self.tail.push(offset, bytes);
    }

    /// Returns a line of a block, with its line end; empty if its text is gone. Returns `None`, and records
    /// the block as wanted, if the block is not cached.
    pub(crate) fn line(&mut self, block: &Block, line: u64) -> Option<Vec<u8>> {
        // The last block of a log grows while the job writes; its `end` distinguishes old copies from the new
        // one.
        let found =
            self.blocks.iter().position(|cached| cached.line == block.line && cached.end == block.end);
        match found.and_then(|index| self.blocks.remove(index)) {
            Some(cached) => self.blocks.push_front(cached),
            None => match self.tail.bytes_of(block).map(|bytes| CachedBlock::new(block, bytes)) {
                Some(cached) => self.insert(cached),
                None => {
                    if !self.wanted.contains(block) && self.wanted.len() < WANTED_MAX {
                        self.wanted.push(*block);
                    }
                    return None;
                }
            },
        }
        let index = usize::try_from(line - block.line).unwrap_or(usize::MAX);
        Some(self.blocks.front().and_then(|cached| cached.lines.get(index)).cloned().unwrap_or_default())
    }

    /// Takes the wanted blocks and clears the list.
    pub(crate) fn take_wanted(&mut self) -> Vec<Block> {
        std::mem::take(&mut self.wanted)
    }

    /// Returns whether any block is wanted.
    #[must_use]
    pub(crate) fn wants(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// Adds a block. `bytes` may be shorter than the block if a part of it was dropped.
    pub(crate) fn fill(&mut self, block: &Block, bytes: &[u8]) {
        self.insert(CachedBlock::new(block, bytes));
    }

    /// Adds a block, and evicts the least recently used ones beyond [`CACHE_MAX_BYTES`].
    fn insert(&mut self, block: CachedBlock) {
        self.blocks.retain(|old| old.line != block.line);
        self.blocks.push_front(block);
        self.total_bytes = self.blocks.iter().map(|cached| cached.bytes).sum();
        // The block just added stays whatever its size: it is about to be shown.
        while self.total_bytes > CACHE_MAX_BYTES && self.blocks.len() > 1 {
            self.total_bytes -= self.blocks.pop_back().map_or(0, |oldest| oldest.bytes);
        }
    }
}
