//! Finds comments and strings.

use super::Language;

/// Bytes of a text that are a comment or the inside of a string.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) is_comment: bool,
}

/// Returns the comments and the insides of strings, in order.
pub(super) fn spans(language: Language, text: &[u8]) -> Vec<Span> {
    let mut scanner = Scanner { language, text, at: 0, line: 0, unended: 0, found: Vec::new() };
    while scanner.at < text.len() {
        let before = scanner.at;
        scanner.step();
        // Whatever a text holds, each step must advance.
        scanner.at = scanner.at.max(before + 1);
        let passed = text.get(before..scanner.at.min(text.len())).unwrap_or_default();
        if let Some(end) = passed.iter().rposition(|byte| *byte == b'\n') {
            scanner.line = before + end + 1;
        }
    }
    scanner.found
}

struct Scanner<'t> {
    language: Language,
    text: &'t [u8],
    at: usize,
    /// Where the line of `at` begins.
    line: usize,
    /// Number of here-documents without an end.
    unended: usize,
    found: Vec<Span>,
}

/// Most bytes of a regular expression. Without a bound, a hostile line would be read over and over.
const PATTERN_BYTES_MAX: usize = 1_000;
/// Most here-documents whose end is searched in vain, for the same reason.
const UNENDED_MAX: usize = 20;
/// Most `#` of a raw string in Rust.
const HASHES_MAX: usize = 255;

impl Scanner<'_> {
    fn step(&mut self) {
        let byte = self.text[self.at];
        if self.is_hash_comment(byte) || (self.language.has_slash_comments() && self.starts(b"//")) {
            let end = self.line_end(self.at);
            return self.comment(end);
        }
        if self.language.has_slash_comments() && self.starts(b"/*") {
            let end = self.block_end();
            return self.comment(end);
        }
        if self.is_line_start() && self.skip_document() {
            return;
        }
        match byte {
            b'<' if self.language == Language::Shell && self.starts(b"<<") => self.here_document(),
            b'r' | b'b' if self.language == Language::Rust && self.raw_string() => {}
            b'"' | b'\'' if self.language == Language::Python && self.triple(byte) => {}
            b'"' if self.language == Language::Java && self.triple(byte) => {}
            b'\'' if self.language == Language::Rust => self.character(),
            b'/' if self.language == Language::JavaScript => self.pattern(),
            b'`' if matches!(self.language, Language::JavaScript | Language::Go) => self.string(byte, true),
            // An apostrophe in a makefile's or `CMake`'s text is no string.
            b'\'' if matches!(self.language, Language::Cmake | Language::Make | Language::Json) => {
                self.at += 1;
            }
            b'"' | b'\'' => self.string(byte, matches!(self.language, Language::Shell | Language::Rust)),
            b'\\' => self.at += 2,
            _ => self.at += 1,
        }
    }

    fn starts(&self, with: &[u8]) -> bool {
        self.text[self.at..].starts_with(with)
    }

    fn is_line_start(&self) -> bool {
        self.at == 0 || self.text[self.at - 1] == b'\n'
    }

    fn line_end(&self, from: usize) -> usize {
        memchr(b'\n', &self.text[from..]).map_or(self.text.len(), |length| from + length)
    }

    fn comment(&mut self, end: usize) {
        self.found.push(Span { from: self.at, to: end, is_comment: true });
        self.at = end;
    }

    fn is_hash_comment(&self, byte: u8) -> bool {
        if byte != b'#' || !self.language.has_hash_comments() {
            return false;
        }
        let before = self.at.checked_sub(1).map(|at| self.text[at]);
        match self.language {
            // `$#`, `a#b` and `${#a}` are no comments there.
            Language::Shell | Language::Perl | Language::Settings => {
                before.is_none_or(|byte| {
                    byte.is_ascii_whitespace() || matches!(byte, b';' | b'(' | b'{' | b'}')
                }) && !self.starts(b"#{")
            }
            Language::Php => !self.starts(b"#["),
            _ => true,
        }
    }

    fn block_end(&self) -> usize {
        let (mut at, mut depth) = (self.at + 2, 1);
        while at + 1 < self.text.len() {
            match &self.text[at..at + 2] {
                b"*/" if depth == 1 => return at + 2,
                b"*/" => (depth, at) = (depth - 1, at + 2),
                b"/*" if self.language == Language::Rust => (depth, at) = (depth + 1, at + 2),
                _ => at += 1,
            }
        }
        self.text.len()
    }

    /// Skips documentation of Perl and Ruby that begins in this line.
    fn skip_document(&mut self) -> bool {
        let (begin, end): (&[u8], &[u8]) = match self.language {
            Language::Perl => (b"=", b"\n=cut"),
            Language::Ruby => (b"=begin", b"\n=end"),
            _ => return false,
        };
        let is_word = self.text.get(self.at + 1).is_some_and(u8::is_ascii_alphabetic);
        if !self.starts(begin) || !is_word {
            return false;
        }
        let found = find(&self.text[self.at..], end).map(|length| self.at + length + end.len());
        self.comment(found.unwrap_or(self.text.len()));
        true
    }

    /// Skips the text of a here-document, in which quotes mean nothing.
    fn here_document(&mut self) {
        if self.unended >= UNENDED_MAX {
            self.at += 2;
            return;
        }
        let line_end = self.line_end(self.at);
        let rest = &self.text[self.at..line_end];
        let word = rest[2..].iter().skip_while(|byte| matches!(byte, b'-' | b' ' | b'\'' | b'"' | b'\\'));
        let word: Vec<u8> =
            word.take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').copied().collect();
        if word.is_empty() {
            self.at += 2;
            return;
        }
        let mut at = line_end + 1;
        while at < self.text.len() {
            let end = self.line_end(at);
            if self.text[at..end].trim_ascii() == word {
                self.at = end;
                return;
            }
            at = end + 1;
        }
        // A word after `<<` that no line repeats is a shift.
        self.unended += 1;
        self.at += 2;
    }

    fn raw_string(&mut self) -> bool {
        let before = self.at.checked_sub(1).map(|at| self.text[at]);
        if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return false;
        }
        let from = self.at + usize::from(self.text[self.at] == b'b');
        let hashes = self.text[from.min(self.text.len())..].strip_prefix(b"r");
        let Some(hashes) = hashes.map(|rest| rest.iter().take_while(|byte| **byte == b'#').count()) else {
            return false;
        };
        let begin = from + 1 + hashes;
        if self.text.get(begin) != Some(&b'"') || hashes > HASHES_MAX {
            return false;
        }
        let mut end = vec![b'"'];
        end.resize(hashes + 1, b'#');
        self.inside(begin + 1, &end);
        true
    }

    /// Blanks up to the end mark, and continues behind it.
    fn inside(&mut self, from: usize, end: &[u8]) {
        let to = find(&self.text[from..], end).map_or(self.text.len(), |length| from + length);
        self.found.push(Span { from, to, is_comment: false });
        self.at = to + end.len();
    }

    fn triple(&mut self, quote: u8) -> bool {
        let mark = [quote; 3];
        if !self.starts(&mark) {
            return false;
        }
        let is_statement = self.text[self.line.min(self.at)..self.at].trim_ascii().is_empty();
        let from = self.at + 3;
        let to = find(&self.text[from..], &mark).map_or(self.text.len(), |length| from + length);
        // A string that is a statement of its own is documentation.
        self.found.push(Span { from, to, is_comment: is_statement });
        self.at = to + 3;
        true
    }

    /// Skips a character of Rust; a lifetime is code.
    fn character(&mut self) {
        let rest = &self.text[self.at + 1..];
        let is_escape = rest.first() == Some(&b'\\');
        let end = rest.iter().take(12).skip(usize::from(is_escape) + 1).position(|byte| *byte == b'\'');
        let length = end.map(|end| end + usize::from(is_escape) + 1);
        // One character of up to four bytes, unless it is escaped.
        match length.filter(|length| is_escape || *length == 1 || !rest[0].is_ascii()) {
            Some(length) => {
                self.found.push(Span { from: self.at + 1, to: self.at + 1 + length, is_comment: false });
                self.at += length + 2;
            }
            None => self.at += 1,
        }
    }

    /// Skips a regular expression of JavaScript, in which quotes mean nothing.
    fn pattern(&mut self) {
        let before = self.text[..self.at].iter().rposition(|byte| !matches!(byte, b' ' | b'\t'));
        let may_begin = before.is_none_or(|at| {
            matches!(
                self.text[at],
                b'(' | b',' | b'=' | b':' | b'[' | b'!' | b'&' | b'|' | b'?' | b'{' | b'}' | b';' | b'\n'
            ) || self.text[..=at].ends_with(b"return")
        });
        let rest = &self.text[self.at + 1..];
        let line = rest.iter().take(PATTERN_BYTES_MAX).position(|byte| *byte == b'\n');
        let line = &rest[..line.unwrap_or(PATTERN_BYTES_MAX.min(rest.len()))];
        let (mut at, mut is_class) = (0, false);
        while may_begin && at < line.len() {
            match line[at] {
                b'\\' => at += 1,
                b'[' => is_class = true,
                b']' => is_class = false,
                b'/' if !is_class => {
                    self.found.push(Span { from: self.at + 1, to: self.at + 1 + at, is_comment: false });
                    self.at += at + 2;
                    return;
                }
                _ => {}
            }
            at += 1;
        }
        self.at += 1;
    }

    /// Skips a string. One that may not span lines ends with its line: a quote was misread.
    fn string(&mut self, quote: u8, spans_lines: bool) {
        let is_plain = quote == b'\'' && self.language == Language::Shell;
        let from = self.at + 1;
        let mut at = from;
        while at < self.text.len() {
            match self.text[at] {
                byte if byte == quote => break,
                b'\\' if !is_plain => at += 1,
                b'\n' if !spans_lines => {
                    self.at = from;
                    return;
                }
                _ => {}
            }
            at += 1;
        }
        let to = at.min(self.text.len());
        self.found.push(Span { from, to, is_comment: false });
        self.at = to + 1;
    }
}

fn memchr(byte: u8, text: &[u8]) -> Option<usize> {
    text.iter().position(|other| *other == byte)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
