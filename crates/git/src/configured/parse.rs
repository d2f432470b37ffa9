//! Reads the text of a configuration file as git does.
//!
//! libgit2 is not asked: it follows included files itself, does not say where an entry comes from, and refuses
//! files that git reads.

use super::key::Key;

/// Reads the entries of a file in their order. A key without a value has none. Returns `None` if git would
/// refuse the text.
pub(super) fn parse(text: &[u8]) -> Option<Vec<(Key, Option<Vec<u8>>)>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = Reader { text, at: 0 };
    let (mut section, mut found) = (Vec::new(), Vec::new());
    while let Some(byte) = reader.next() {
        match byte {
            _ if is_space(byte) => {}
            b'#' | b';' => reader.skip_line(),
            b'[' => section = reader.section()?,
            _ if byte.is_ascii_alphabetic() => {
                let (name, value) = reader.entry(byte)?;
                let key = [section.as_slice(), b".", &name].concat();
                found.push((Key::new(until_nul(key)), value.map(until_nul)));
            }
            _ => return None,
        }
    }
    Some(found)
}

/// git hands keys and values on as C strings, which end at the first NUL byte.
fn until_nul(mut text: Vec<u8>) -> Vec<u8> {
    text.truncate(text.iter().position(|byte| *byte == 0).unwrap_or(text.len()));
    text
}

/// Reads bytes; a line end may be CRLF.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        if byte == b'\r' && self.text.get(self.at) == Some(&b'\n') {
            self.at += 1;
            return Some(b'\n');
        }
        Some(byte)
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|byte| byte != b'\n') {}
    }

    /// Reads the rest of `[section]`, `[section.subsection]` or `[section "subsection"]`.
    fn section(&mut self) -> Option<Vec<u8>> {
        let mut name = Vec::new();
        loop {
            match self.next()? {
                b']' => return Some(name),
                byte if is_space(byte) => return self.subsection(byte, name),
                byte if is_key_byte(byte) || byte == b'.' => name.push(byte.to_ascii_lowercase()),
                _ => return None,
            }
        }
    }

    fn subsection(&mut self, first: u8, mut name: Vec<u8>) -> Option<Vec<u8>> {
        let mut byte = first;
        while is_space(byte) {
            if byte == b'\n' {
                return None;
            }
            byte = self.next()?;
        }
        if byte != b'"' {
            return None;
        }
        name.push(b'.');
        loop {
            let byte = match self.next()? {
                b'"' => break,
                b'\\' => self.next()?,
                byte => byte,
            };
            if byte == b'\n' {
                return None;
            }
            name.push(byte);
        }
        (self.next()? == b']').then_some(name)
    }

    fn entry(&mut self, first: u8) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        let mut name = vec![first.to_ascii_lowercase()];
        let mut byte = self.next();
        while let Some(found) = byte.filter(|byte| is_key_byte(*byte)) {
            name.push(found.to_ascii_lowercase());
            byte = self.next();
        }
        while matches!(byte, Some(b' ' | b'\t')) {
            byte = self.next();
        }
        match byte {
            None | Some(b'\n') => Some((name, None)),
            Some(b'=') => Some((name, Some(self.value()?))),
            Some(_) => None,
        }
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        let (mut value, mut spaces) = (Vec::new(), Vec::new());
        let mut is_quoted = false;
        loop {
            let byte = match self.next() {
                None | Some(b'\n') => return (!is_quoted).then_some(value),
                Some(byte) => byte,
            };
            if is_space(byte) && !is_quoted {
                // Spaces count only between other text.
                if !value.is_empty() {
                    spaces.push(byte);
                }
                continue;
            }
            if !is_quoted && (byte == b';' || byte == b'#') {
                self.skip_line();
                return Some(value);
            }
            value.append(&mut spaces);
            match byte {
                b'"' => is_quoted = !is_quoted,
                b'\\' => match self.next()? {
                    b'\n' => {}
                    b't' => value.push(b'\t'),
                    b'b' => value.push(8),
                    b'n' => value.push(b'\n'),
                    byte @ (b'\\' | b'"') => value.push(byte),
                    _ => return None,
                },
                byte => value.push(byte),
            }
        }
    }
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// The bytes that git takes for spaces: not the vertical tab and the form feed.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
