//! Splits a stream of bytes into lines. Does not trust the other end to ever send a newline.

use super::LINE_MAX_BYTES;

/// A line exceeds [`LINE_MAX_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

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
        self.bytes.extend_from_slice(bytes);
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
