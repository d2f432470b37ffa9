//! Errors of the scripted agent: invalid steps, and steps that fail.

use std::io;
use std::process::ExitStatus;

/// Why a line of a script is not a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StepError {
    /// There is no such step.
    #[error("there is no step {0:?} with these words")]
    Unknown(String),
    /// The step lacks a word.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The quote around a path is not closed.
    #[error("the path's closing quote is missing")]
    OpenQuote,
    /// Words follow a path that must be the last word.
    #[error("nothing may follow the path, but {0:?} does; quote a path with spaces")]
    AfterPath(String),
    /// The step does not take this word.
    #[error("{verb} does not take {given:?}")]
    Flag {
        /// Verb of the step.
        verb: String,
        /// The extra word.
        given: String,
    },
    /// The word is not a number, or the number is too large.
    #[error("{0:?} is not a number in the allowed range")]
    Number(String),
    /// The text of `write` has neither of the two forms.
    #[error("write takes a path, then `<<< text` or indented lines")]
    Write,
    /// The time to sleep is out of range.
    #[error("sleep takes 0 to 86400 seconds")]
    Sleep,
    /// The status of the summary does not exist.
    #[error("summary takes completed, partial, blocked or none")]
    Summary,
    /// The bytes are not hexadecimal.
    #[error("stdout-hex takes pairs of 0-9, a-f")]
    Hex,
    /// A shell could not split the words.
    #[error(transparent)]
    Words(#[from] shell_words::ParseError),
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    /// A file could not be changed.
    #[error("can't {word} {path}: {source}")]
    Change {
        /// Verb of the step.
        word: &'static str,
        /// The file.
        path: String,
        /// The system's error.
        source: io::Error,
    },
    /// The path leads out of the worktree.
    #[error("{0:?} is outside the worktree")]
    Outside(String),
    /// A program exited with an error.
    #[error("{what}: {status}")]
    Failed {
        /// The command.
        what: String,
        /// How the program ended.
        status: ExitStatus,
    },
    /// A program could not be started.
    #[error("can't run {what}: {source}")]
    Run {
        /// The command.
        what: String,
        /// The system's error.
        source: io::Error,
    },
    /// A signal could not be ignored.
    #[error("can't ignore signal {signal}: {source}")]
    Signal {
        /// Number of the signal.
        signal: i32,
        /// The system's error.
        source: io::Error,
    },
    /// The path of the running program is unknown.
    #[error("can't find this program: {0}")]
    OwnProgram(io::Error),
    /// Standard output cannot be written.
    #[error("can't print: {0}")]
    Print(io::Error),
    /// The file of `wait-for` did not appear in time.
    #[error("{path} did not appear within {seconds} seconds")]
    NoFile {
        /// The file.
        path: String,
        /// Time that the step waited, in seconds.
        seconds: u64,
    },
}
