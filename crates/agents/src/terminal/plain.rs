//! Terminal output as plain text: without escape sequences, with uniform line ends, and without half
//! characters.

use super::{Decoder, ESCAPE, Sink};

/// Returns the readable text in some bytes. Only tabs and line feeds are left of control characters; a
/// carriage return becomes a line feed. If a text command has no end in its line, only its introducer is
/// dropped, so that no text is lost.
#[must_use]
pub fn plain(bytes: &[u8]) -> String {
    let mut out = Plain { text: String::with_capacity(bytes.len()), after_return: false };
    let mut decoder = Decoder::default();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (body, has_end) = line.strip_suffix(b"\n").map_or((line, false), |body| (body, true));
        decoder.advance(body, &mut out);
        // An escape character ends any command that is open, so the last one in the line began this command.
        if let (true, Some(at)) = (decoder.end_line(&mut out), memchr::memrchr(ESCAPE, body)) {
            decoder.advance(body.get(at + 2..).unwrap_or_default(), &mut out);
            decoder.end_line(&mut out);
        }
        if has_end {
            out.control('\n');
        }
    }
    out.text
}

struct Plain {
    text: String,
    after_return: bool,
}

impl Sink for Plain {
    fn text(&mut self, character: char) {
        self.after_return = false;
        self.text.push(character);
    }

    fn control(&mut self, control: char) {
        let is_same_end = control == '\n' && self.after_return;
        match control {
            '\r' => self.text.push('\n'),
            '\n' if is_same_end => {}
            '\n' | '\t' => self.text.push(control),
            _ => {}
        }
        self.after_return = control == '\r';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    include!("sequences.rs");

    #[test]
    fn escape_sequences_are_dropped_and_text_stays() {
        assert_eq!(plain(b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07x\x1b]8;;u\x1b\\y\x1b(Bz"), "red xyz");
        assert_eq!(plain(b"a\r\nb\rc\x08\0d"), "a\nb\ncd");
        assert_eq!(plain(b"\x1b]never ended"), "never ended");
        assert_eq!(plain(b"a\x1b]never\r\nended\n"), "anever\nended\n");
        assert_eq!(plain(b"a\x1b"), "a");
        assert_eq!(plain(b"\x1b[12"), "");
        assert_eq!(plain("é".as_bytes().split_at(1).1), "\u{fffd}");
    }

    #[test]
    fn no_sequence_leaks_into_plain_text() {
        for (bytes, text) in SEQUENCES {
            assert_eq!(plain(bytes), *text, "{:?}", String::from_utf8_lossy(bytes));
            for end in 0..bytes.len() {
                let is_plain = |letter: char| !letter.is_control() || matches!(letter, '\t' | '\n');
                assert!(plain(&bytes[..end]).chars().all(is_plain));
            }
        }
    }
}
