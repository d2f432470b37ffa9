//! Reads the output of programs as a terminal does: text, control characters and colours. Every other escape
//! sequence is dropped. This is the only parser of escape sequences; it uses the crate `vte`.
//!
//! A line feed ends every sequence. A sequence without an end (a title that was cut off) therefore swallows
//! one line at most, and needs no more memory than `vte`'s buffer of a kilobyte.

mod plain;

use std::borrow::Cow;

use vte::{Params, Parser, Perform};

pub use plain::plain;

/// A receiver of decoded output, in order.
pub trait Sink {
    /// Receives a character that a terminal shows. Bytes that are not valid text come as a replacement
    /// character.
    fn text(&mut self, character: char);

    /// Receives a control character: a line feed, a carriage return, a tab, a backspace, a bell, DEL, or one
    /// of U+0080 to U+009F. Never the escape character.
    fn control(&mut self, control: char);

    /// Receives the numbers of a sequence that sets colours and weights (SGR), with subparameters among the
    /// others. An empty sequence comes as the number 0.
    fn style(&mut self, _numbers: &[u16]) {}
}

/// A decoder for a stream of bytes in pieces. A piece may end in the middle of a character or sequence.
#[derive(Default)]
pub struct Decoder {
    parser: Parser,
    /// Whether an escape character came since the line began. Without one no sequence can be open at the
    /// line's end, and the parser need not be made anew.
    has_escape: bool,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("has_escape", &self.has_escape).finish_non_exhaustive()
    }
}

impl Decoder {
    /// Decodes the next bytes.
    pub fn push(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(line) => {
                    self.advance(line, sink);
                    self.end_line(sink);
                    sink.control('\n');
                }
                None => self.advance(line, sink),
            }
        }
    }

    /// Ends the stream. Half a character comes as a replacement character; half a sequence is dropped.
    pub fn finish(&mut self, sink: &mut impl Sink) {
        self.end_line(sink);
    }

    fn advance(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        self.has_escape = self.has_escape || memchr::memchr(ESCAPE, bytes).is_some();
        let mut performer = Performer { sink, is_ending: false, has_ended: false };
        // The rest of a character that was cut is fed byte by byte: `vte` loses characters that follow it in
        // one piece.
        let is_start = |byte: &u8| !matches!(byte, 0x80..=0xbf);
        let (rest, bytes) = bytes.split_at(bytes.iter().position(is_start).unwrap_or(bytes.len()));
        rest.chunks(1).for_each(|byte| self.parser.advance(&mut performer, byte));
        self.parser.advance(&mut performer, bytes);
    }

    /// Ends an open character or sequence. Returns whether it was a text command to the terminal (a title, a
    /// link) without its end.
    fn end_line(&mut self, sink: &mut impl Sink) -> bool {
        // The parser executes a line feed in every state except inside a text command, where it is part of
        // the text.
        let mut performer = Performer { sink, is_ending: true, has_ended: false };
        self.parser.advance(&mut performer, b"\n");
        let is_in_command = !performer.has_ended;
        if std::mem::take(&mut self.has_escape) {
            self.parser = Parser::new();
        }
        is_in_command
    }
}

const ESCAPE: u8 = 0x1b;

/// Returns the text with the control characters U+0080 to U+009F replaced by their equivalents of two
/// characters (`ESC [` for U+009B). Terminals obey both forms, but the parser recognizes only the second one
/// as the begin of a sequence.
#[must_use]
pub fn seven_bit(text: &str) -> Cow<'_, str> {
    let is_upper = |character: char| matches!(character, '\u{80}'..='\u{9f}');
    if !text.contains(is_upper) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match u8::try_from(character) {
            Ok(byte @ 0x80..=0x9f) => out.extend([char::from(ESCAPE), char::from(byte - 0x40)]),
            _ => out.push(character),
        }
    }
    Cow::Owned(out)
}

/// Passes the parser's findings to the sink.
struct Performer<'s, S> {
    sink: &'s mut S,
    /// Whether the line feed that is being read only ends open sequences, and is not output.
    is_ending: bool,
    has_ended: bool,
}

impl<S: Sink> Perform for Performer<'_, S> {
    fn print(&mut self, character: char) {
        // The parser prints a control character of two bytes whose bytes came in different pieces.
        match character.is_control() {
            true => self.sink.control(character),
            false => self.sink.text(character),
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' if self.is_ending => self.has_ended = true,
            _ => self.sink.control(char::from(byte)),
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], is_cut: bool, action: char) {
        // With intermediates (`ESC [ ? … m`, `ESC [ > … m`) the sequence is not about colours. A sequence
        // with too many numbers is cut by the parser; half a colour would be a wrong one.
        if action == 'm' && intermediates.is_empty() && !is_cut {
            let numbers: Vec<u16> = params.iter().flatten().copied().collect();
            self.sink.style(&numbers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Eq)]
    struct Heard(String);

    impl Sink for Heard {
        fn text(&mut self, character: char) {
            self.0.push(character);
        }

        fn control(&mut self, control: char) {
            self.0.extend(control.escape_default());
        }

        fn style(&mut self, numbers: &[u16]) {
            self.0.push_str(&format!("{numbers:?}"));
        }
    }

    fn heard(bytes: &[u8], size: usize) -> String {
        let (mut decoder, mut heard) = (Decoder::default(), Heard::default());
        bytes.chunks(size).for_each(|piece| decoder.push(piece, &mut heard));
        decoder.finish(&mut heard);
        heard.0
    }

    #[test]
    fn a_stream_reads_alike_however_it_is_cut() {
        let cases: [(&[u8], &str); 10] = [
            ("é ab登录c\u{301}d 👩‍💻".as_bytes(), "é ab登录c\u{301}d 👩‍💻"),
            (b"a\x1b[31;1mb\x1b[m\x1b[38:5:9mc\x1b[?25m\x1b[>4;2md", "a[31, 1]b[0][38, 5, 9]cd"),
            ("rö\u{1b}]0;título\u{7}登\u{9b}\u{7f}".as_bytes(), "rö登\\u{9b}\\u{7f}"),
            (b"a\xff\xfeb\xe7\x99", "a\u{fffd}\u{fffd}b\u{fffd}"),
            (b"a\xe7\x99\x1b[mb", "a\u{fffd}[0]b"),
            (b"1\r2\r\n3\t4\x085", "1\\r2\\r\\n3\\t4\\u{8}5"),
            (b"a\x1b]0;never\nb\x1b[12\nc\x1bP1$r\nd\x1b(\ne\x1b\nf", "a\\nb\\nc\\nd\\ne\\nf"),
            (b"a\x1b_kitty\x1b\\b\x1b^private\x1b\\c\x1bXstart\x1b\\d", "abcd"),
            (b"a\x1b[1\r2mb", "a\\r[12]b"),
            (b"a\x1b]0;b\x18c", "a\\u{18}c"),
        ];
        for (bytes, expected) in cases {
            for size in 1..=bytes.len() {
                assert_eq!(heard(bytes, size), expected, "pieces of {size}");
            }
        }
    }

    #[test]
    fn a_sequence_of_a_megabyte_is_read_in_bounded_memory() {
        for introducer in ["\u{1b}]52;c;", "\u{1b}P", "\u{1b}_", "\u{1b}["] {
            let bytes = format!("a{introducer}{}\nb", "1;".repeat(500_000));
            assert_eq!(heard(bytes.as_bytes(), 4096), "a\\nb");
        }
        // The parser keeps 32 numbers, more than any real sequence has.
        assert_eq!(heard(format!("a\u{1b}[{}mb", "1;".repeat(1000)).as_bytes(), 64), "ab");
    }

    #[test]
    fn eight_bit_controls_become_their_sequences() {
        assert_eq!(seven_bit("a\u{9b}31mb\u{9d}0;x\u{9c}c"), "a\u{1b}[31mb\u{1b}]0;x\u{1b}\\c");
        assert!(matches!(seven_bit("登录 é\u{7f}\u{a0}"), Cow::Borrowed(_)));
    }
}
