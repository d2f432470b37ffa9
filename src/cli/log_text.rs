//! Cleans agents' output: keeps the text, removes everything that a terminal would execute.

use paddock_agents::terminal::{Decoder, Sink};
use paddock_report::text::is_harmful;

/// Cleans a stream in pieces. A piece may end within a character or a control sequence.
#[derive(Debug, Default)]
pub(super) struct Cleaner {
    decoder: Decoder,
    /// Whether the last piece ended with a carriage return whose line end is still open.
    after_return: bool,
}

impl Cleaner {
    /// Returns the text to show for the next bytes.
    pub(super) fn clean(&mut self, bytes: &[u8]) -> String {
        let mut out = Shown { text: String::with_capacity(bytes.len()), after_return: self.after_return };
        self.decoder.push(bytes, &mut out);
        self.after_return = out.after_return;
        out.text
    }

    /// Returns the text that is left at the end of the stream: a replacement for a character that was cut.
    pub(super) fn finish(&mut self) -> String {
        let mut out = Shown { text: String::new(), after_return: self.after_return };
        self.decoder.finish(&mut out);
        out.text
    }
}

struct Shown {
    text: String,
    after_return: bool,
}

impl Shown {
    /// Starts a new line if a carriage return came before. A progress bar overwrites its line on a terminal;
    /// here each of its states becomes a line.
    fn begin(&mut self) {
        if std::mem::take(&mut self.after_return) {
            self.text.push('\n');
        }
    }
}

impl Sink for Shown {
    fn text(&mut self, character: char) {
        self.begin();
        // Escaped and not dropped: what an agent printed must be visible, also if it tried something.
        match is_harmful(character) {
            true => self.text.extend(character.escape_default()),
            false => self.text.push(character),
        }
    }

    fn control(&mut self, control: char) {
        match control {
            '\r' => self.after_return = true,
            // `\r\n` is one line end.
            '\n' => {
                self.after_return = false;
                self.text.push('\n');
            }
            '\t' => {
                self.begin();
                self.text.push('\t');
            }
            other => {
                self.begin();
                self.text.extend(other.escape_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_pieces(bytes: &[u8], size: usize) -> String {
        let mut cleaner = Cleaner::default();
        let mut out: String = bytes.chunks(size).map(|piece| cleaner.clean(piece)).collect();
        out.push_str(&cleaner.finish());
        out
    }

    #[test]
    fn no_sequence_reaches_the_terminal_however_it_is_cut() {
        let bytes =
            "a\u{1b}[31;1mröd\u{1b}[0m\u{1b}]0;title\u{7}b\u{1b}]8;;x\u{1b}\\c\u{9b}登\u{7}\n".as_bytes();
        for size in [1, 2, 3, 7, 1000] {
            assert_eq!(in_pieces(bytes, size), "arödbc\\u{9b}登\\u{7}\n", "pieces of {size}");
        }
    }

    #[test]
    fn a_sequence_without_an_end_swallows_one_line_at_most() {
        assert_eq!(in_pieces(b"a\x1b]0;never\nb\x1b[12\nc", 4), "a\nb\nc");
    }

    #[test]
    fn overwritten_lines_and_other_line_ends_become_lines() {
        assert_eq!(in_pieces(b"10%\r20%\r\ndone\r\n", 1), "10%\n20%\ndone\n");
        assert_eq!(in_pieces(b"10%\r\x1b[K20%\r\x1b[m\n", 1), "10%\n20%\n");
    }

    #[test]
    fn bytes_that_are_not_utf8_become_replacement_characters() {
        assert_eq!(in_pieces(b"a\xff\xfeb\xe7\x99", 1), "a\u{fffd}\u{fffd}b\u{fffd}");
    }

    include!("../../crates/agents/src/terminal/sequences.rs");

    #[test]
    fn no_sequence_leaks_into_a_log() {
        for (bytes, text) in SEQUENCES {
            for size in 1..=bytes.len() {
                let shown = in_pieces(bytes, size);
                assert_eq!(shown, *text, "{:?}", String::from_utf8_lossy(bytes));
            }
        }
    }
}
