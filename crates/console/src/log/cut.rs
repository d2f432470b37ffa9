//! Finds where a line ends.

/// Bytes of a line, at most, without the few that complete a character. Longer lines are split, because a
/// line is read and wrapped as a whole, and a log without a line feed would be one line of a hundred
/// megabytes.
pub(crate) const LINE_MAX_BYTES: usize = 16 << 10;

/// Returns the length of the first line in `bytes`, line feed included; `None` if its end is not in `bytes`.
/// `before` is the number of bytes of the line that precede `bytes`.
///
/// Long lines are split before a byte that can begin a character, so that no character is split. Bytes that
/// are not UTF-8 may never have such a byte; they are split three bytes later at most.
///
/// The result does not depend on how a stream is divided into pieces: the index sees it as it arrives, and
/// [`super::index::split`] sees whole blocks, and both must find the same lines.
#[must_use]
pub(crate) fn line_length(bytes: &[u8], before: usize) -> Option<usize> {
    let left = LINE_MAX_BYTES.saturating_sub(before);
    // A cut is at most three bytes after the maximum, and a line feed may follow it.
    let near = &bytes[..bytes.len().min(left + 4)];
    let end = memchr::memchr(b'\n', near).map(|at| at + 1);
    let cut = (left..near.len()).find(|&at| is_start(near[at]) || before + at >= LINE_MAX_BYTES + 3);
    match (end, cut) {
        // A line feed right after the last byte that fits belongs to the line: otherwise the next line would
        // be empty.
        (Some(end), Some(cut)) if end <= cut + 1 => Some(end),
        (Some(end), None) => Some(end),
        (_, Some(cut)) => Some(cut),
        (None, None) => None,
    }
}

/// Returns whether a byte can begin a UTF-8 character.
fn is_start(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(mut bytes: &[u8]) -> Vec<usize> {
        let mut lengths = Vec::new();
        while let Some(length) = line_length(bytes, 0) {
            lengths.push(length);
            bytes = &bytes[length..];
        }
        lengths
    }

    #[test]
    fn lines_end_at_line_feeds() {
        assert_eq!(cut(b"ab\n\nc\nd"), [3, 1, 2]);
    }

    #[test]
    fn a_line_without_end_is_split_between_characters() {
        let text = format!("{}{}", "x".repeat(LINE_MAX_BYTES - 1), "登".repeat(LINE_MAX_BYTES));
        let first = line_length(text.as_bytes(), 0).unwrap();
        assert_eq!(first, LINE_MAX_BYTES + 2);
        assert!(std::str::from_utf8(&text.as_bytes()[..first]).is_ok());
        let mut bytes = text.as_bytes();
        while let Some(length) = line_length(bytes, 0) {
            assert!(std::str::from_utf8(&bytes[..length]).is_ok());
            bytes = &bytes[length..];
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_split_too() {
        let lengths = cut(&vec![0x80; 5 * LINE_MAX_BYTES]);
        assert_eq!(lengths[0], LINE_MAX_BYTES + 3);
        assert_eq!(lengths.len(), 4);
    }

    #[test]
    fn lines_do_not_depend_on_the_pieces_that_the_bytes_arrive_in() {
        let mut text = vec![b'y'; LINE_MAX_BYTES - 2];
        text.extend("é登\n".as_bytes());
        text.extend(vec![b'z'; LINE_MAX_BYTES]);
        text.extend(b"\nend\n");
        let whole = cut(&text);
        for size in [1, 7, 4096, LINE_MAX_BYTES + 1] {
            let (mut lengths, mut before) = (Vec::new(), 0);
            for mut piece in text.chunks(size) {
                // Splitting a line needs up to four bytes beyond its maximum; bytes that do not end a line
                // yet count as `before`, as the index does it.
                while let Some(length) = line_length(piece, before) {
                    lengths.push(before + length);
                    before = 0;
                    piece = &piece[length..];
                }
                before += piece.len();
            }
            assert_eq!(lengths.iter().sum::<usize>() + before, text.len());
            assert_eq!(lengths, whole, "pieces of {size}");
        }
    }
}
