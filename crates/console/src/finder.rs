//! The line at the bottom in which a text to be found is typed.

/// Whether the line at the bottom looks for something, or shows only what has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinderKind {
    /// `/`
    Find,
    /// `&`
    Filter,
}

/// The line at the bottom in which a text to be found is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finder {
    /// What is done with the text.
    pub kind: FinderKind,
    /// The text.
    pub text: String,
}

impl Finder {
    /// A line with this text in it.
    #[must_use]
    pub(crate) fn new(kind: FinderKind, text: &str) -> Self {
        Self { kind, text: text.to_owned() }
    }
}
