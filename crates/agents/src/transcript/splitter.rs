//! Bytes in any pieces to lines, in bounded memory.

/// Gathers bytes until a line is whole.
#[derive(Debug)]
pub(super) struct Splitter {
    line: Vec<u8>,
    max_bytes: usize,
    /// Bytes of the present line that were too many.
    excess: usize,
}

impl Splitter {
    /// Of a longer line only the first `max_bytes` are kept.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { line: Vec::new(), max_bytes, excess: 0 }
    }

    /// Takes the next bytes; hands out each line that is whole without its end, and how many bytes of it are
    /// missing.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8], usize)) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.gather(&bytes[..end]);
            self.give(&mut each);
            bytes = &bytes[end + 1..];
        }
        self.gather(bytes);
    }

    /// Hands out what stands there without a line's end.
    pub(super) fn finish(&mut self, mut each: impl FnMut(&[u8], usize)) {
        if !self.line.is_empty() {
            self.give(&mut each);
        }
    }

    fn gather(&mut self, bytes: &[u8]) {
        let room = self.max_bytes - self.line.len();
        let taken = &bytes[..bytes.len().min(room)];
        self.line.extend_from_slice(taken);
        self.excess = self.excess.saturating_add(bytes.len() - taken.len());
    }

    fn give(&mut self, each: &mut impl FnMut(&[u8], usize)) {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        each(line, self.excess);
        self.line.clear();
        // One huge line must not keep its memory for the rest of the session.
        self.line.shrink_to(64 << 10);
        self.excess = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_the_bytes_come_and_a_long_one_is_cut() {
        for size in 1..9 {
            let mut splitter = Splitter::new(5);
            let mut lines = Vec::new();
            let mut keep = |line: &[u8], excess| lines.push((line.to_vec(), excess));
            for piece in b"ab\r\n\n1234567\nend".chunks(size) {
                splitter.push(piece, &mut keep);
            }
            splitter.finish(&mut keep);
            let expected = [("ab", 0), ("", 0), ("12345", 2), ("end", 0)];
            assert_eq!(lines, expected.map(|(line, excess)| (line.as_bytes().to_vec(), excess)));
        }
    }
}
