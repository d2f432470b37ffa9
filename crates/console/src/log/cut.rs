//! Where a line ends.

/// A line that is longer goes on in a next one. One screen of it is drawn at a time, and a log without a line
/// end must not be one line of a hundred megabytes.
pub(crate) const PIECE_BYTES: usize = 16 << 10;

/// The length of the first line in `bytes`, its line end included; none when it is not complete. `before` is
/// how many bytes of the line have already gone by.
///
/// Long lines are cut before a byte that can begin a character, so that no character is torn; bytes that are
/// no text are cut three bytes later at most.
#[must_use]
pub(crate) fn line_length(bytes: &[u8], before: usize) -> Option<usize> {
    let room = PIECE_BYTES.saturating_sub(before);
    let near = &bytes[..bytes.len().min(room + 4)];
    let end = memchr::memchr(b'\n', near).map(|at| at + 1);
    let cut = (room..near.len()).find(|&at| is_start(near[at]) || before + at >= PIECE_BYTES + 3);
    match (end, cut) {
        // A line end right after the last byte that fits still belongs to it.
        (Some(end), Some(cut)) if end <= cut + 1 => Some(end),
        (Some(end), None) => Some(end),
        (_, Some(cut)) => Some(cut),
        (None, None) => None,
    }
}

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
    fn lines_end_at_line_ends() {
        assert_eq!(cut(b"ab\n\nc\nd"), [3, 1, 2]);
    }

    #[test]
    fn a_line_without_end_is_cut_between_characters() {
        let text = format!("{}{}", "x".repeat(PIECE_BYTES - 1), "登".repeat(PIECE_BYTES));
        let first = line_length(text.as_bytes(), 0).unwrap();
        assert_eq!(first, PIECE_BYTES + 2);
        assert!(std::str::from_utf8(&text.as_bytes()[..first]).is_ok());
        let mut bytes = text.as_bytes();
        while let Some(length) = line_length(bytes, 0) {
            assert!(std::str::from_utf8(&bytes[..length]).is_ok());
            bytes = &bytes[length..];
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_cut_too() {
        let lengths = cut(&vec![0x80; 5 * PIECE_BYTES]);
        assert_eq!(lengths[0], PIECE_BYTES + 3);
        assert_eq!(lengths.len(), 4);
    }

    #[test]
    fn it_makes_no_difference_in_which_pieces_the_bytes_come() {
        let mut text = vec![b'y'; PIECE_BYTES - 2];
        text.extend("é登\n".as_bytes());
        text.extend(vec![b'z'; PIECE_BYTES]);
        text.extend(b"\nend\n");
        let whole = cut(&text);
        for size in [1, 7, 4096, PIECE_BYTES + 1] {
            let (mut lengths, mut before) = (Vec::new(), 0);
            for mut piece in text.chunks(size) {
                // A cut needs up to four bytes of sight; what is not decided waits, as the index does it.
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
