//! Where the lines of a log are, without keeping any of them.
//!
//! Only every so manieth line's offset is kept; the text between two marks is read when it is looked at. A
//! million lines cost some hundred kilobytes. Text is always fetched from the segment files: whoever runs the
//! console owns them, the follower has just read them (they are in the page cache), any place of a log is one
//! `pread` away, and it works the same whether a supervisor runs or not. Over the socket each byte would be
//! read, put into JSON, and parsed again.

use super::cut::line_length;

/// A mark is set after so many lines …
const MARK_LINES: u64 = 256;
/// … or so many bytes, whichever comes first: what is read for one line is bounded.
const MARK_BYTES: u64 = 64 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    line: u64,
    offset: u64,
    /// Not text but a place where so many bytes are missing.
    gap_bytes: Option<u64>,
}

/// Some lines in a row, and where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// The first line.
    pub line: u64,
    /// How many lines.
    pub lines: u64,
    /// The first byte.
    pub offset: u64,
    /// The byte after the last.
    pub end: u64,
    /// It stands for bytes that are gone: one line, no text.
    pub gap_bytes: Option<u64>,
}

/// The lines of one stream, as far as it has been read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LineIndex {
    marks: Vec<Mark>,
    /// Complete lines, gaps among them.
    complete: u64,
    /// Where the line begins that is not complete.
    open_at: u64,
    /// Where the next byte stands.
    end: u64,
}

impl LineIndex {
    /// How many lines there are, the last one counted even when its end has not come.
    #[must_use]
    pub(crate) fn lines(&self) -> u64 {
        self.complete + u64::from(self.end > self.open_at)
    }

    /// How many lines have their end.
    #[must_use]
    pub(crate) fn complete(&self) -> u64 {
        self.complete
    }

    /// Where the next byte stands.
    #[must_use]
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Takes the next bytes; they begin at `offset`, and `gap_bytes` right before them are gone.
    pub(crate) fn push(&mut self, offset: u64, gap_bytes: u64, bytes: &[u8]) {
        if gap_bytes > 0 {
            self.close_for_gap(offset, gap_bytes);
        }
        let mut rest = bytes;
        while let Some(length) = line_length(rest, before(self.end - self.open_at)) {
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

    fn close_for_gap(&mut self, offset: u64, gap_bytes: u64) {
        self.complete = self.lines();
        self.marks.push(Mark { line: self.complete, offset: self.end, gap_bytes: Some(gap_bytes) });
        self.complete += 1;
        self.end = offset;
        self.open_at = offset;
        self.marks.push(Mark { line: self.complete, offset, gap_bytes: None });
    }

    /// Sets a mark at the line that begins here, if one is due.
    fn mark(&mut self) {
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

    /// The block that a line is in.
    #[must_use]
    pub(crate) fn block_of(&self, line: u64) -> Option<Block> {
        if line >= self.lines() {
            return None;
        }
        let at = self.marks.partition_point(|mark| mark.line <= line).checked_sub(1)?;
        let (mark, next) = (self.marks[at], self.marks.get(at + 1));
        let (until, end) = next.map_or((self.lines(), self.end), |next| (next.line, next.offset));
        let end = if mark.gap_bytes.is_some() { mark.offset } else { end };
        let lines = until - mark.line;
        Some(Block { line: mark.line, lines, offset: mark.offset, end, gap_bytes: mark.gap_bytes })
    }

    /// How much memory it takes, in bytes.
    #[cfg(test)]
    pub(crate) fn weight(&self) -> usize {
        self.marks.capacity() * size_of::<Mark>()
    }
}

fn before(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The lines in the bytes of a block, line ends included.
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
    fn every_line_is_found_again_however_the_bytes_came() {
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
