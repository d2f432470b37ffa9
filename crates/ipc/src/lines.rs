//! Splits a stream of bytes into lines. Does not trust the other end to ever send a newline.

use super::LINE_MAX_BYTES;

/// A line exceeds [`LINE_MAX_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// Capacity that an empty buffer keeps, in bytes. A long line's is given back at once: most lines are short.
const KEPT_BYTES: usize = 64 << 10;

/// Bytes that were read and not returned as lines yet. They survive a wait that times out in the middle of a
/// line.
#[derive(Debug, Default)]
pub struct LineBuffer {
    bytes: Vec<u8>,
    /// Number of bytes that were returned as lines.
    used: usize,
    /// Number of bytes that were searched for a newline. Without it, a long line that arrives in small pieces
    /// would be searched from its beginning for each piece.
    searched: usize,
}

impl LineBuffer {
    /// Adds bytes that were read.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.used > 0 {
            self.bytes.drain(..self.used);
            self.searched -= self.used;
            self.used = 0;
        }
        let lacking = (self.bytes.len() + bytes.len()).saturating_sub(self.bytes.capacity());
        if lacking > 0 {
            // By a quarter and not to twice the size, which a long line would hold for nothing.
            self.bytes.reserve_exact(bytes.len().max(self.bytes.len() / 4));
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the bytes of memory that the buffer holds.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Returns whether a line has begun and not ended.
    #[must_use]
    pub fn has_part(&self) -> bool {
        self.bytes.len() > self.used
    }

    /// Forgets what was returned as lines, and gives the memory of a long line back.
    fn tidy(&mut self) {
        if self.used == self.bytes.len() {
            (self.used, self.searched) = (0, 0);
            self.bytes.clear();
            if self.bytes.capacity() > KEPT_BYTES {
                self.bytes = Vec::new();
            }
        }
    }

    /// Returns the next complete line without its newline; `None` if there is none yet.
    ///
    /// # Errors
    /// [`TooLong`] if the line exceeds [`LINE_MAX_BYTES`]. The stream cannot be used any further.
    pub fn next_line(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        let found = self.bytes[self.searched..].iter().position(|&byte| byte == b'\n');
        let Some(length) = found else {
            self.searched = self.bytes.len();
            // An unfinished line over the limit is refused before its newline comes: it may never come.
            return if self.searched - self.used > LINE_MAX_BYTES { Err(TooLong) } else { Ok(None) };
        };
        let end = self.searched + length;
        let line = self.bytes[self.used..end].to_vec();
        self.used = end + 1;
        self.searched = self.used;
        self.tidy();
        if line.len() > LINE_MAX_BYTES { Err(TooLong) } else { Ok(Some(line)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_whole_however_they_went_in() {
        let text = b"one\n\ntwo three\nfour";
        for size in 1..=text.len() {
            let mut buffer = LineBuffer::default();
            let mut lines = Vec::new();
            for piece in text.chunks(size) {
                buffer.push(piece);
                while let Some(line) = buffer.next_line().unwrap() {
                    lines.push(String::from_utf8(line).unwrap());
                }
            }
            assert_eq!(lines, ["one", "", "two three"]);
        }
    }

    #[test]
    fn the_memory_of_a_long_line_is_given_back() {
        let mut buffer = LineBuffer::default();
        (0..9 << 4).for_each(|_| buffer.push(&[b'x'; 1 << 16]));
        assert!(buffer.has_part() && buffer.held_bytes() < (9 << 20) * 4 / 3);
        buffer.push(b"\n");
        assert_eq!(buffer.next_line().unwrap().unwrap().len(), 9 << 20);
        assert!(!buffer.has_part() && buffer.held_bytes() <= KEPT_BYTES);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut buffer = LineBuffer::default();
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..16 {
            buffer.push(&piece);
            assert_eq!(buffer.next_line(), Ok(None));
        }
        buffer.push(b"x");
        assert_eq!(buffer.next_line(), Err(TooLong));
    }
}
