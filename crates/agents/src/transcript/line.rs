//! A transcript as people read it.

/// The longest text of one line, in bytes; what is longer is cut in its middle.
pub const LINE_MAX_BYTES: usize = 16 << 10;

/// What a line tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// The agent says something.
    Say,
    /// It reads a file, searches, looks something up.
    Read,
    /// It changes a file.
    Edit,
    /// It runs a command or uses another tool.
    Run,
    /// What came out of that.
    Output,
    /// It made a commit.
    Commit,
    /// An error, its own or of a tool.
    Error,
    /// About the run itself: model, retries, waits, usage.
    Note,
}

impl LineKind {
    /// One word.
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
    /// What it tells of.
    pub kind: LineKind,
    /// Plain text, free of control characters but line feeds and tabs; may have several lines, never ends with
    /// a line feed, is never empty, and has at most [`LINE_MAX_BYTES`].
    pub text: String,
    /// When, in Unix milliseconds, if the agent says so.
    pub at_ms: Option<i64>,
}
