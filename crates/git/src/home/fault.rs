//! Why nothing comes home.

use std::io;

use crate::error::GitError;

/// Longest text of a helper that is shown, in characters.
const SHOWN_CHARS_MAX: usize = 500;

/// Why nothing comes home.
#[derive(Debug)]
pub(crate) enum Fault {
    /// What the helper named as the reason why nothing comes: a sentence without its end.
    Named(String),
    /// What is wrong with what the helper sent: a sentence without its end.
    Place(String),
    /// The pipe broke, or the helper was silent.
    Pipe(io::Error),
    /// The project cannot be read or written.
    Project(GitError),
}

impl From<GitError> for Fault {
    fn from(error: GitError) -> Self {
        Self::Project(error)
    }
}

/// A fault that the helper named in the middle of a pack.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Named(pub(crate) String);

/// Returns a helper's text, fit to be shown.
pub(crate) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    cut.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}
