//! The result of one check of `doctor`.

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    Good,
    /// Worth knowing; nothing to do.
    Note,
    /// Paddock works, but something is missing or unsafe.
    Warning,
    /// Something cannot work; `doctor` then exits with 1.
    Error,
}

/// The result of one check, and a remedy if there is something to do.
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
