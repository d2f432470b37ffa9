//! The readable lines of a transcript.

/// Limit on the text of one line, in bytes; a longer text is cut in its middle.
pub const LINE_MAX_BYTES: usize = 16 << 10;

/// The kind of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// The agent says something.
    Say,
    /// The agent reads a file, searches, or looks something up.
    Read,
    /// The agent changes a file.
    Edit,
    /// The agent runs a command or uses another tool.
    Run,
    /// The output of a command or tool.
    Output,
    /// The agent made a commit.
    Commit,
    /// An error of the agent or of a tool.
    Error,
    /// A note about the run itself: model, retries, waits, usage.
    Note,
}

impl LineKind {
    /// Returns the kind in one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Say => "say",
            Self::Read => "read",
            Self::Edit => "edit",
            Self::Run => "run",
            Self::Output => "output",
            Self::Commit => "commit",
            Self::Error => "error",
            Self::Note => "note",
        }
    }
}

/// One entry of a readable transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Kind of the line.
    pub kind: LineKind,
    /// Plain text without control characters except line feeds and tabs. It may have several lines, never
    /// ends with a line feed, is never empty, and has at most [`LINE_MAX_BYTES`].
    pub text: String,
    /// Time of the line, in Unix milliseconds, if the agent reports it.
    pub at_ms: Option<i64>,
}
