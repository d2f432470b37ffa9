//! Paths inside a repository, byte for byte as git stores them.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path as git stores it: bytes, `/` between folders. As text (serde, [`Self::to_text`]) a backslash is
/// written `\\` and a byte outside UTF-8 `\xNN`, so that nothing is lost on the way there and back.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Vec<u8>);

impl RepoPath {
    /// Keeps the bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes as git stores them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path for the file system, relative to the worktree.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The lossless text form.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            out.push_str(&chunk.valid().replace('\\', "\\\\"));
            for byte in chunk.invalid() {
                out.push_str(&format!("\\x{byte:02x}"));
            }
        }
        out
    }

    /// Reads the text form. Any other backslash stands for itself.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            let escape = if byte == b'\\' { read_escape(after) } else { None };
            let (byte, length) = escape.unwrap_or((byte, 0));
            out.push(byte);
            rest = &after[length..];
        }
        Self(out)
    }
}

/// What follows a backslash: the byte that is meant, and how many bytes of text say so.
fn read_escape(after: &[u8]) -> Option<(u8, usize)> {
    match after {
        [b'\\', ..] => Some((b'\\', 1)),
        [b'x', digits @ ..] => {
            let text = std::str::from_utf8(digits.get(..2)?).ok()?;
            u8::from_str_radix(text, 16).ok().map(|byte| (byte, 3))
        }
        _ => None,
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl fmt::Display for RepoPath {
    /// Safe for a terminal: control characters are shown escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character.is_control() {
                    true => write!(f, "{}", character.escape_default())?,
                    false => write!(f, "{character}")?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl From<&str> for RepoPath {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl Serialize for RepoPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for RepoPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from_text(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive_the_way_through_text() {
        let cases: [&[u8]; 6] =
            [b"plain", "目录/文件 \"a\".rs".as_bytes(), b"\xff\xfe/a", b"back\\xff", b"\\\\x41\\", b"a\nb"];
        for bytes in cases {
            let path = RepoPath::new(bytes);
            let json = serde_json::to_string(&path).unwrap();
            assert_eq!(serde_json::from_str::<RepoPath>(&json).unwrap(), path, "{json}");
        }
    }

    #[test]
    fn a_path_is_shown_without_control_characters() {
        assert_eq!(RepoPath::new(&b"a\x1b[2J\xff"[..]).to_string(), "a\\u{1b}[2J\\xff");
    }
}
