//! Splits bytes that come in any pieces into lines, in bounded memory.

/// A splitter, which holds the present line until it is complete.
#[derive(Debug)]
pub(super) struct Splitter {
    line: Vec<u8>,
    max_bytes: usize,
    /// Bytes of the present line that were dropped.
    excess: usize,
}

impl Splitter {
    /// Returns a splitter that keeps only the first `max_bytes` of each line.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { line: Vec::new(), max_bytes, excess: 0 }
    }

    /// Adds the next bytes. Passes each complete line to `each`, without its line end, with the number of its
    /// dropped bytes.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8], usize)) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.gather(&bytes[..end]);
            self.give(&mut each);
            bytes = &bytes[end + 1..];
        }
        self.gather(bytes);
    }

    /// Passes the last line to `each`, if it has no line end.
    pub(super) fn finish(&mut self, mut each: impl FnMut(&[u8], usize)) {
        if !self.line.is_empty() {
            self.give(&mut each);
        }
    }

    fn gather(&mut self, bytes: &[u8]) {
        let free = self.max_bytes - self.line.len();
        let taken = &bytes[..bytes.len().min(free)];
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
