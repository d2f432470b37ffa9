//! Terminal output as plain text: escape sequences gone, every line end the same, no half characters.

/// The readable text in some bytes.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += match byte {
            0x1b => escape_length(&bytes[at..]),
            b'\r' => {
                plain.push(b'\n');
                if bytes.get(at + 1) == Some(&b'\n') { 2 } else { 1 }
            }
            b'\n' | b'\t' => {
                plain.push(byte);
                1
            }
            0..0x20 | 0x7f => 1,
            _ => {
                plain.push(byte);
                1
            }
        };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// The longest text command to a terminal (a title, a link) that is skipped whole.
const STRING_MAX_BYTES: usize = 4096;

/// How many bytes the escape sequence at the beginning takes.
fn escape_length(bytes: &[u8]) -> usize {
    match bytes.get(1) {
        Some(b'[') => {
            let body = bytes[2..].iter().take_while(|&&byte| (0x20..0x40).contains(&byte)).count();
            let is_final = bytes.get(2 + body).is_some_and(|&byte| (0x40..0x7f).contains(&byte));
            2 + body + usize::from(is_final)
        }
        Some(b']' | b'P' | b'_' | b'^' | b'X') => {
            let near = &bytes[..bytes.len().min(STRING_MAX_BYTES)];
            let bell = near.iter().position(|&byte| byte == 0x07).map(|place| place + 1);
            let terminator = near[2..].windows(2).position(|two| two == b"\x1b\\").map(|place| place + 4);
            // Never ended: only the introducer goes, so that no text is lost.
            bell.into_iter().chain(terminator).min().unwrap_or(2)
        }
        Some(b'(' | b')' | b'#' | b'%') => 3,
        Some(0x20..0x7f) => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_go_and_text_stays() {
        assert_eq!(text_of(b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07x\x1b]8;;u\x1b\\y\x1b(Bz"), "red xyz");
        assert_eq!(text_of(b"a\r\nb\rc\x08\0d"), "a\nb\ncd");
        assert_eq!(text_of(b"\x1b]never ended"), "never ended");
        assert_eq!(text_of(b"a\x1b"), "a");
        assert_eq!(text_of(b"\x1b[12"), "");
        assert_eq!(text_of("é".as_bytes().split_at(1).1), "\u{fffd}");
    }
}
