//! What a comparison of two versions of a file found.

use paddock_model::cut;
use paddock_model::path::RepoPath;
use paddock_model::tamper::{How, Part, Tampered};

use super::scan::Line;

/// A change of a file, and the line concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub how: How,
    pub line: Option<u32>,
    pub was: Option<String>,
}

impl Found {
    /// Returns a change of the whole file.
    pub(super) fn whole(how: How) -> Self {
        Self { how, line: None, was: None }
    }

    /// Returns a change that a line shows.
    pub(super) fn at(how: How, line: &Line) -> Self {
        Self::text(how, line.number, &line.text)
    }

    /// Returns a change that a line with this number and text shows.
    pub(super) fn text(how: How, number: u32, text: &str) -> Self {
        Self { how, line: Some(number), was: Some(cut::marked(text.trim(), Tampered::WAS_MAX_BYTES)) }
    }

    /// Returns the change as a fact about a file.
    pub(super) fn into_fact(self, path: RepoPath, part: Part) -> Tampered {
        Tampered { line: self.line, was: self.was, ..Tampered::new(path, part, self.how) }
    }
}

/// Returns the first line of a text that the other text does not have, with its number.
pub(super) fn first_gone<'a>(before: &'a str, after: &str) -> Option<(u32, &'a str)> {
    let mut left = after.lines().map(str::trim);
    let lines = before.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let mut lines = lines.skip_while(|(_, line)| left.any(|other| other == line.trim()));
    lines.next().map(|(at, line)| (u32::try_from(at + 1).unwrap_or(u32::MAX), line))
}
