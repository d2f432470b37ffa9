//! The search line at the bottom of the screen.

/// What the search line does with its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinderKind {
    /// `/`: jump to the lines that match. A list shows only its matching rows.
    Find,
    /// `&`: show only the lines that match.
    Filter,
}

/// The search line while a person types into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finder {
    /// Whether the text is searched for or filters.
    pub kind: FinderKind,
    /// The text typed so far.
    pub text: String,
}

impl Finder {
    /// Creates a search line that contains this text.
    #[must_use]
    pub(crate) fn new(kind: FinderKind, text: &str) -> Self {
        Self { kind, text: text.to_owned() }
    }
}
