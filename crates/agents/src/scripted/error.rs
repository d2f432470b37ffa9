//! What the scripted agent does not understand, and what it cannot do.

use std::io;
use std::process::ExitStatus;

/// Why a line of a script is no step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StepError {
    /// There is no such step.
    #[error("there is no step {0:?} of that form")]
    Unknown(String),
    /// Something that the step needs.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A quote that is not closed.
    #[error("the path's closing quote is missing")]
    OpenQuote,
    /// More words than a path.
    #[error("nothing may follow the path, but {0:?} does; quote a path with spaces")]
    AfterPath(String),
    /// A word that the step does not take.
    #[error("{verb} does not know {given:?}")]
    Flag {
        /// The step.
        verb: String,
        /// The word.
        given: String,
    },
    /// Not a number, or too large a one.
    #[error("{0:?} is no number that fits")]
    Number(String),
    /// A text for `write` that is in neither form.
    #[error("write takes a path, then `<<< text` or indented lines")]
    Write,
    /// Not a time to sleep.
    #[error("sleep takes 0 to 86400 seconds")]
    Sleep,
    /// Not a status of a summary.
    #[error("summary takes completed, partial, blocked or none")]
    Summary,
    /// Not bytes.
    #[error("stdout-hex takes pairs of 0-9, a-f")]
    Hex,
    /// Words that a shell would not split.
    #[error(transparent)]
    Words(#[from] shell_words::ParseError),
}

/// Why a step could not be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    /// A file could not be changed.
    #[error("can't {word} {path}: {source}")]
    Change {
        /// The step.
        word: &'static str,
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// A path that leads out of the worktree.
    #[error("{0:?} is outside the worktree")]
    Outside(String),
    /// A program did not succeed.
    #[error("{what}: {status}")]
    Failed {
        /// What was run.
        what: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A program could not be started.
    #[error("can't run {what}: {source}")]
    Run {
        /// What was to be run.
        what: String,
        /// What the system says.
        source: io::Error,
    },
    /// A signal could not be ignored.
    #[error("can't ignore signal {signal}: {source}")]
    Signal {
        /// The signal.
        signal: i32,
        /// What the system says.
        source: io::Error,
    },
    /// The running program is not found.
    #[error("can't find this program: {0}")]
    OwnProgram(io::Error),
    /// Nothing can be printed.
    #[error("can't print: {0}")]
    Print(io::Error),
    /// A file was waited for in vain.
    #[error("{path} did not appear within {seconds} seconds")]
    NoFile {
        /// The file.
        path: String,
        /// How long it was waited for.
        seconds: u64,
    },
}
