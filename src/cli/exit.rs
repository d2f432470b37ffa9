//! How a command ends, and how it fails: what happened, and what to do next.

use std::io;
use std::process::ExitCode;

use super::error::CliError;
use paddock_config::ConfigError;
use paddock_config::WorkspaceError;
use paddock_config::environment::EnvironmentError;
use paddock_config::error::display_all;
use paddock_config::write::WriteError;
use paddock_ipc::IpcError;
use paddock_model::command::Refusal;
use paddock_model::ids::IdError;
use paddock_store::StoreError;
use paddock_store::codec::CodecError;
use paddock_supervisor::{EffectError, RunEnd, SupervisorError};

/// The exit codes; docs/exit-codes.md says when each is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Good.
    Good = 0,
    /// An error.
    Error = 1,
    /// Wrong usage, or an id that is ambiguous.
    Usage = 2,
    /// At least one thing waits for a human.
    NeedsHuman = 3,
    /// Nothing waits for a human, yet not everything is done.
    Stuck = 4,
    /// Interrupted.
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

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It ends with this code, and says this.
    Said(Exit, String),
    /// Whoever read the output went away: no error, and nothing is left to be said.
    ClosedPipe,
}

/// What a command comes to.
pub(crate) type Outcome = Result<Exit, Failure>;

impl Failure {
    /// An error.
    pub(crate) fn error(text: impl Into<String>) -> Self {
        Self::Said(Exit::Error, text.into())
    }

    /// Wrong usage.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Said(Exit::Usage, text.into())
    }

    /// What became of it, then the faults of a file, each on a line of its own.
    #[must_use]
    pub(crate) fn faults(faults: &[ConfigError], then: &str) -> Self {
        Self::error(format!("{then}:\n{}", display_all(faults)))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
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

impl From<IdError> for Failure {
    fn from(error: IdError) -> Self {
        Self::usage(error.to_string())
    }
}
