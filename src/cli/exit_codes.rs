//! Exit codes and failures of commands.
//!
//! A failure's text says what happened and what to do next; `cli::main` prints it.

use std::io;
use std::process::ExitCode;

use super::error::CliError;
use paddock_config::ConfigError;
use paddock_config::WorkspaceError;
use paddock_config::environment::EnvironmentError;
use paddock_config::error::display_all;
use paddock_config::write::WriteError;
use paddock_git::GitError;
use paddock_ipc::IpcError;
use paddock_model::command::Refusal;
use paddock_model::ids::IdError;
use paddock_store::StoreError;
use paddock_store::codec::CodecError;
use paddock_supervisor::inspect::InspectError;
use paddock_supervisor::take_up::TakeUpError;
use paddock_supervisor::{EffectError, RunEnd, SupervisorError};

/// The exit codes; docs/exit-codes.md says when each is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The command succeeded.
    Good = 0,
    /// The command failed.
    Error = 1,
    /// The command line is wrong, or an id on it is ambiguous.
    Usage = 2,
    /// At least one thing waits for a person.
    NeedsHuman = 3,
    /// Nothing waits for a person, but not everything is done.
    Stuck = 4,
    /// Ctrl-C interrupted the command.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<RunEnd> for Exit {
    fn from(end: RunEnd) -> Self {
        match end {
            RunEnd::Done | RunEnd::Stopped => Self::Good,
            RunEnd::NeedsHuman => Self::NeedsHuman,
            RunEnd::Stuck => Self::Stuck,
            RunEnd::Interrupted => Self::Interrupted,
        }
    }
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The command ends with this code and prints this text.
    Said(Exit, String),
    /// The reader of the output closed the pipe: not an error, and nothing more can be printed.
    ClosedPipe,
}

/// Result of a command.
pub(crate) type Outcome = Result<Exit, Failure>;

impl Failure {
    /// Makes a failure with the exit code of an error.
    pub(crate) fn error(text: impl Into<String>) -> Self {
        Self::Said(Exit::Error, text.into())
    }

    /// Makes a failure with the exit code of wrong usage.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Said(Exit::Usage, text.into())
    }

    /// Makes an error from a consequence ("nothing was imported") and the faults of a file, one on each line.
    #[must_use]
    pub(crate) fn faults(faults: &[ConfigError], consequence: &str) -> Self {
        Self::error(format!("{consequence}:\n{}", display_all(faults)))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // `paddock events | head` must end quietly. Rust ignores SIGPIPE, so the closed pipe arrives as
            // an error.
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::error(error.to_string()),
        }
    }
}

macro_rules! plain_failures {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::error(error.to_string())
            }
        })*
    };
}

plain_failures!(
    CliError,
    GitError,
    InspectError,
    TakeUpError,
    EffectError,
    WorkspaceError,
    EnvironmentError,
    WriteError,
    Refusal,
    CodecError,
    IpcError,
    StoreError,
    SupervisorError
);

// An id that cannot exist was mistyped, so it counts as wrong usage rather than as an error.
impl From<IdError> for Failure {
    fn from(error: IdError) -> Self {
        Self::usage(error.to_string())
    }
}
