//! The offsets of a log's lines, without their text.
//!
//! A mark is kept for every 256th line; the block of text between two marks is read when one of its lines is
//! shown. The index of a million lines takes some hundred kilobytes.
//!
//! Text is read from the segment files, not from the supervisor: the user of the console owns the files, the
//! follower has just read them (so they are in the page cache), any place is one `pread` away, and no
//! supervisor need run. Over the socket, each byte would be read, written as JSON, and parsed again.

use super::cut::line_length;

/// Lines between two marks, at most.
const MARK_LINES: u64 = 256;
/// Bytes between two marks, up to the end of a line: bounds what is read to show one line.
const MARK_BYTES: u64 = 64 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    line: u64,
    offset: u64,
    /// Number of bytes that were dropped here; `None` for a mark of text.
    gap_bytes: Option<u64>,
}

/// Consecutive lines of a stream, and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Number of the first line.
    pub line: u64,
    /// Number of lines.
    pub lines: u64,
    /// Offset of the first byte.
    pub offset: u64,
    /// Offset after the last byte.
    pub end: u64,
    /// Number of dropped bytes that the block represents as one line without text; `None` for a block of
    /// text.
    pub gap_bytes: Option<u64>,
}

/// The lines of one stream, as far as it has been read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LineIndex {
    marks: Vec<Mark>,
    /// Number of complete lines; each gap counts as one.
    complete: u64,
    /// Offset of the open line: the last line, whose end has not arrived.
    open_at: u64,
    /// Offset after the last byte.
    end: u64,
}

impl LineIndex {
    /// Returns the number of lines, including the open line.
    #[must_use]
    pub(crate) fn lines(&self) -> u64 {
        self.complete + u64::from(self.end > self.open_at)
    }

    /// Returns the number of complete lines.
    #[must_use]
    pub(crate) fn complete(&self) -> u64 {
        self.complete
    }

    /// Returns the offset of the next byte.
    #[must_use]
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Appends the next bytes. They begin at `offset`; the `gap_bytes` bytes right before it were dropped.
    pub(crate) fn push(&mut self, offset: u64, gap_bytes: u64, bytes: &[u8]) {
        if gap_bytes > 0 {
            self.close_for_gap(offset, gap_bytes);
        }
        let mut rest = bytes;
        // Line by line, since a mark needs the offset at which its line begins.
        while let Some(length) = line_length(rest, narrow(self.end - self.open_at)) {
            self.mark();
            self.complete += 1;
            self.end += length as u64;
            self.open_at = self.end;
            rest = &rest[length..];
        }
        if !rest.is_empty() {
            self.mark();
            self.end += rest.len() as u64;
        }
    }

    /// Ends the open line, and adds a line for the gap. Marks on both sides of the gap keep blocks from
    /// spanning it: a block's bytes must be contiguous.
    fn close_for_gap(&mut self, offset: u64, gap_bytes: u64) {
        self.complete = self.lines();
        self.marks.push(Mark { line: self.complete, offset: self.end, gap_bytes: Some(gap_bytes) });
        self.complete += 1;
        self.end = offset;
        self.open_at = offset;
        // A block must not begin in the gap: the text after it needs a mark of its own.
        self.marks.push(Mark { line: self.complete, offset, gap_bytes: None });
    }

    /// Sets a mark at the line that begins at `end`, if one is due.
    fn mark(&mut self) {
        // Within a line: marks are set at the beginnings of lines only.
        if self.end != self.open_at {
            return;
        }
        let is_due = self.marks.last().is_none_or(|last| {
            self.complete >= last.line + MARK_LINES || self.open_at >= last.offset + MARK_BYTES
        });
        if is_due {
            self.marks.push(Mark { line: self.complete, offset: self.open_at, gap_bytes: None });
        }
    }

    /// Returns the block that holds a line, `None` beyond the last line.
    #[must_use]
    pub(crate) fn block_of(&self, line: u64) -> Option<Block> {
        if line >= self.lines() {
            return None;
        }
        let at = self.marks.partition_point(|mark| mark.line <= line).checked_sub(1)?;
        let (mark, next) = (self.marks[at], self.marks.get(at + 1));
        let (until, end) = next.map_or((self.lines(), self.end), |next| (next.line, next.offset));
        // The block of a gap is empty: the next mark is after the dropped bytes.
        let end = if mark.gap_bytes.is_some() { mark.offset } else { end };
        let lines = until - mark.line;
        Some(Block { line: mark.line, lines, offset: mark.offset, end, gap_bytes: mark.gap_bytes })
    }

    /// Returns the memory that the marks take, in bytes.
    #[cfg(test)]
    pub(crate) fn weight(&self) -> usize {
        self.marks.capacity() * size_of::<Mark>()
    }
}

fn narrow(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Splits the bytes of a block into lines, line ends included, by the same rule as the index.
#[must_use]
pub(crate) fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    while let Some(length) = line_length(bytes, 0) {
        let (line, rest) = bytes.split_at(length);
        lines.push(line);
        bytes = rest;
    }
    if !bytes.is_empty() {
        lines.push(bytes);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_lines(index: &LineIndex, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        while let Some(block) = index.block_of(lines.len() as u64) {
            assert_eq!(block.line, lines.len() as u64);
            let text = &bytes[usize::try_from(block.offset).unwrap()..usize::try_from(block.end).unwrap()];
            let found = split(text);
            assert_eq!(found.len() as u64, block.lines);
            lines.extend(found.into_iter().map(<[u8]>::to_vec));
        }
        lines
    }

    #[test]
    fn every_line_is_found_again_whatever_pieces_the_bytes_arrive_in() {
        let mut text: Vec<u8> = Vec::new();
        for n in 0..3_000_u32 {
            text.extend(format!("line {n} {}\n", "é".repeat((n % 90) as usize)).bytes());
        }
        text.extend(vec![b'x'; 100_000]);
        text.extend(b"\nno end");
        let mut whole = LineIndex::default();
        whole.push(0, 0, &text);
        let lines = all_lines(&whole, &text);
        assert_eq!(lines.len() as u64, whole.lines());
        assert_eq!(lines.concat(), text);
        assert!(lines[2_999].starts_with(b"line 2999 "));
        assert_eq!(lines.last().unwrap(), b"no end");
        for size in [1, 13, 5_000] {
            let mut index = LineIndex::default();
            for piece in text.chunks(size) {
                let at = index.end();
                index.push(at, 0, piece);
            }
            assert_eq!(index, whole, "pieces of {size}");
        }
    }

    #[test]
    fn a_gap_is_a_line_of_its_own() {
        let mut index = LineIndex::default();
        index.push(0, 0, b"one\ntw");
        index.push(1_006, 1_000, b"o\nthree\n");
        assert_eq!(index.lines(), 5);
        assert_eq!(index.block_of(2).unwrap().gap_bytes, Some(1_000));
        let after = index.block_of(3).unwrap();
        assert_eq!((after.line, after.lines, after.offset, after.end), (3, 2, 1_006, 1_014));
        assert_eq!(index.block_of(0).unwrap().lines, 2);
    }

    #[test]
    fn a_million_lines_take_little_memory() {
        let mut index = LineIndex::default();
        let piece = "a line of a log like many others\n".repeat(1_000);
        for _ in 0..1_000 {
            let at = index.end();
            index.push(at, 0, piece.as_bytes());
        }
        assert_eq!(index.lines(), 1_000_000);
        assert!(index.weight() < 1 << 20, "{}", index.weight());
    }
}
