//! Output of agents made harmless: readable text without anything that a terminal would obey.

use paddock_report::text::is_harmful;

/// Cleans a stream piece by piece: half a character or half a control sequence may end any piece.
#[derive(Debug, Default)]
pub(super) struct Cleaner {
    /// The beginning of a character whose rest has not come yet.
    pending: Vec<u8>,
    state: State,
    after_return: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// In a control sequence, up to its final letter.
    Sequence,
    /// In an operating system command or the like, up to its end.
    Command,
}

impl Cleaner {
    /// What is to be shown of the next bytes.
    pub(super) fn clean(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.pending);
        let mut out = String::with_capacity(all.len());
        let mut rest: &[u8] = &all;
        while !rest.is_empty() {
            let (valid, bad) = match std::str::from_utf8(rest) {
                Ok(text) => (text.len(), 0),
                Err(error) => match error.error_len() {
                    Some(bad) => (error.valid_up_to(), bad),
                    None => {
                        self.pending = rest[error.valid_up_to()..].to_vec();
                        rest = &rest[..error.valid_up_to()];
                        (rest.len(), 0)
                    }
                },
            };
            for character in String::from_utf8_lossy(&rest[..valid]).chars() {
                self.take(character, &mut out);
            }
            if bad > 0 {
                self.take(char::REPLACEMENT_CHARACTER, &mut out);
            }
            rest = &rest[valid + bad..];
        }
        out
    }

    /// What is left at the end: half a character.
    pub(super) fn finish(&mut self) -> String {
        let is_half = !std::mem::take(&mut self.pending).is_empty();
        if is_half { char::REPLACEMENT_CHARACTER.to_string() } else { String::new() }
    }

    fn take(&mut self, character: char, out: &mut String) {
        // A line end always ends a sequence: one that never ends must not swallow the rest of the log.
        let is_end = character == '\n';
        self.state = match (self.state, character) {
            (State::Text, _) | (_, '\n') => {
                self.show(character, out);
                if character == '\u{1b}' { State::Escape } else { State::Text }
            }
            (State::Escape, '[') => State::Sequence,
            (State::Escape, ']' | 'P' | '_' | '^' | 'X') => State::Command,
            (State::Escape, ' '..='/') => State::Escape,
            (State::Escape, _) => State::Text,
            (State::Sequence, '@'..='~') => State::Text,
            (State::Sequence | State::Command, '\u{1b}') => State::Escape,
            (State::Sequence, _) => State::Sequence,
            (State::Command, '\u{7}' | '\u{9c}') => State::Text,
            (State::Command, _) => State::Command,
        };
        self.after_return = character == '\r' || (self.after_return && self.state != State::Text);
        debug_assert!(!is_end || self.state == State::Text);
    }

    fn show(&mut self, character: char, out: &mut String) {
        match character {
            '\u{1b}' => {}
            // What overwrites its line becomes a line; the end of a line in the other style is one end.
            '\r' => {}
            '\n' => out.push('\n'),
            other => {
                if self.after_return {
                    out.push('\n');
                }
                match other {
                    '\t' => out.push('\t'),
                    harmful if is_harmful(harmful) => out.extend(harmful.escape_default()),
                    plain => out.push(plain),
                }
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
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(in_pieces(b"a\xff\xfeb\xe7\x99", 1), "a\u{fffd}\u{fffd}b\u{fffd}");
    }
}
