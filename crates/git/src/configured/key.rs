//! Names of configuration keys, as bytes: a subsection may hold any byte but a line end.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

/// A key as git names it: section and last part in lower case, the subsection in between as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn is(&self, text: &str) -> bool {
        self.0 == text.as_bytes()
    }

    /// Returns the text between `section.` and the last dot, if the key has three parts.
    pub(super) fn subsection(&self, section: &str) -> Option<&[u8]> {
        let rest = self.0.strip_prefix(section.as_bytes())?.strip_prefix(b".")?;
        let end = rest.iter().rposition(|byte| *byte == b'.')?;
        rest.get(..end)
    }

    /// Returns the key of the same subsection with another last part.
    pub(super) fn sibling(&self, last: &str) -> Self {
        let end = self.0.iter().rposition(|byte| *byte == b'.').map_or(0, |dot| dot + 1);
        Self([self.0.get(..end).unwrap_or_default(), last.as_bytes()].concat())
    }

    pub(super) fn last(&self) -> &[u8] {
        self.0.rsplit(|byte| *byte == b'.').next().unwrap_or_default()
    }

    pub(super) fn to_os(&self) -> OsString {
        OsStr::from_bytes(&self.0).to_owned()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}
