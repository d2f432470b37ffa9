//! What was looked at, and what it came to.

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    Good,
    /// Worth knowing.
    Note,
    /// Work goes on, with less than there could be.
    Warning,
    /// Something cannot work.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) area: String,
    pub(super) level: Level,
    pub(super) text: String,
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn good(area: &str, text: impl Into<String>) -> Self {
        Self { area: area.to_owned(), level: Level::Good, text: text.into(), remedy: None }
    }

    pub(super) fn note(area: &str, text: impl Into<String>) -> Self {
        Self { level: Level::Note, ..Self::good(area, text) }
    }

    pub(super) fn warning(area: &str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Warning, remedy: Some(remedy.into()), ..Self::good(area, text) }
    }

    pub(super) fn error(area: &str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Error, remedy: Some(remedy.into()), ..Self::good(area, text) }
    }
}
