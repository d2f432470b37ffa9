//! Paths as git stores them: bytes, in any language and any encoding.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A path in a repository, as the bytes that git stores, with `/` between its parts.
///
/// Written as text (in JSON and events), a path that is UTF-8 is itself. Any other path becomes a NUL, which
/// no path contains, followed by its bytes, with `%XX` for those that are not printable ASCII.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct RepoPath(Vec<u8>);

impl RepoPath {
    /// Takes the bytes as they are.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the bytes that git stores.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the path as one of the file system, relative to the repository's folder.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }
}

impl RepoPath {
    /// Returns whether git refuses a symbolic link of this name wherever it checks the tree out.
    #[must_use]
    pub fn must_be_no_link(&self) -> bool {
        self.0.rsplit(|byte| *byte == b'/').next().is_some_and(is_modules_file)
    }

    /// Returns whether some file system takes a part of the path for the git directory or for a folder above.
    /// Git never adds such a name, but a tree made by hand can contain it, and checking it out could write
    /// into `.git`.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.0.split(|byte| *byte == b'/').any(|part| {
            // On Windows a backslash separates folders too.
            matches!(part, b"" | b"." | b"..") || part.split(|byte| *byte == b'\\').any(is_git_directory)
        })
    }
}

/// Returns the name that the most lenient file system takes a part of a path for, in lower case.
fn lenient_name(part: &[u8]) -> String {
    // HFS+ ignores these characters. NTFS ignores dots and blanks at the end, and a colon begins the name of
    // a stream.
    let is_ignored = |c: char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let text: String = String::from_utf8_lossy(part).chars().filter(|c| !is_ignored(*c)).collect();
    let text = text.to_ascii_lowercase();
    text.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']).to_owned()
}

/// Returns whether the name means `.gitmodules`, which git checks out as a file and never as a link.
fn is_modules_file(part: &[u8]) -> bool {
    let name = lenient_name(part);
    // Short names that NTFS gives `.gitmodules`: the plain form, and the one with a hash.
    let short = name.split_once('~').map(|(stem, number)| (stem, number.parse::<u8>()));
    name == ".gitmodules" || matches!(short, Some(("gitmod" | "gi7eba", Ok(_))))
}

fn is_git_directory(part: &[u8]) -> bool {
    matches!(lenient_name(part).as_str(), ".git" | "git~1")
}

impl From<String> for RepoPath {
    fn from(text: String) -> Self {
        match text.strip_prefix('\0') {
            None => Self(text.into_bytes()),
            Some(escaped) => Self(unescape(escaped.as_bytes())),
        }
    }
}

impl From<&str> for RepoPath {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        match Self::from_utf8(path.0) {
            Ok(text) => text,
            Err(error) => format!("\0{}", escape(error.as_bytes())),
        }
    }
}

/// For people: control characters and bytes that are not UTF-8 are escaped, so that no terminal interprets
/// them.
impl fmt::Display for RepoPath {
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

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for &byte in bytes {
        match byte.is_ascii_graphic() && byte != b'%' {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn unescape(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|&b| char::from(b).to_digit(16));
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            // A `%` without two digits stands for itself: `escape` never writes one, but the text may come
            // from elsewhere.
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_any_file_system_takes_for_the_git_directory_are_reserved() {
        for path in [
            ".git",
            "a/.git/config",
            ".GIT/hooks/x",
            "GIT~1/config",
            ".g\u{200c}it/x",
            ".git./x",
            ".git /x",
            "a\\.git\\x",
            ".git::$INDEX_ALLOCATION/x",
            "../x",
            "a/../x",
            "./x",
            "a//x",
        ] {
            assert!(RepoPath::from(path).is_reserved(), "{path}");
        }
        for path in
            [".gitignore", ".github/x", "git/x", "a.git/x", "git~10", "...", "a: b", "a\\", "登录/.gitkeep"]
        {
            assert!(!RepoPath::from(path).is_reserved(), "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_path_survives_being_written_as_text(bytes in proptest::collection::vec(1u8..=255, 0..40)) {
            let path = RepoPath::new(bytes);
            let json = serde_json::to_string(&path).unwrap();
            prop_assert_eq!(serde_json::from_str::<RepoPath>(&json).unwrap(), path);
        }
    }

    #[test]
    fn control_characters_are_shown_escaped() {
        assert_eq!(RepoPath::new(*b"a\x1b[31m\xffb").to_string(), "a\\u{1b}[31m\\xffb");
        assert_eq!(RepoPath::from("文档/说明.md").to_string(), "文档/说明.md");
    }
}
