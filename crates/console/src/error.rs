//! Errors of the console, and reasons why an action is refused.

use std::io;
use std::path::PathBuf;

/// Why an action is not available or a command was refused. A sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Refused {
    /// Returns the reason.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.0
    }
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self(why)
    }
}

impl From<&str> for Refused {
    fn from(why: &str) -> Self {
        Self(why.to_owned())
    }
}

/// A failure of the console.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A command could not be run at all, neither by a supervisor nor without one.
    #[error(transparent)]
    NotRun(Box<dyn std::error::Error + Send + Sync>),
    /// The queue of commands for the supervisor is full.
    #[error("too many commands are waiting for the supervisor; try again later")]
    Busy,
    /// The supervisor's process could not be started or observed.
    #[error(transparent)]
    Start(io::Error),
    /// The supervisor that the console started has exited.
    #[error("{last_line}")]
    SupervisorEnded {
        /// The last line that it wrote to standard error.
        last_line: String,
    },
    /// The supervisor that the console started did not acquire the workspace's lock in time.
    #[error("the supervisor (process {pid}) did not lock the workspace in time; see {}", log.display())]
    SupervisorLate {
        /// The supervisor's process id.
        pid: u32,
        /// File with the supervisor's standard error.
        log: PathBuf,
    },
    /// A command line has an unclosed quotation mark.
    #[error("{line}: {error}")]
    Words {
        /// The command line.
        line: String,
        /// The parser's error.
        error: shell_words::ParseError,
    },
    /// `PAGER`, `VISUAL` or `EDITOR` is set but blank.
    #[error("PAGER, VISUAL or EDITOR is set but names no program")]
    NoProgram,
    /// A program (pager, editor, shell or tmux) could not be run.
    #[error("{program}: {error}")]
    Program {
        /// The program's name.
        program: String,
        /// Why it could not be run.
        error: io::Error,
    },
    /// tmux rejected the text for its buffer.
    #[error("tmux did not accept the text")]
    Tmux,
    /// A command of the palette could not be started.
    #[error(transparent)]
    Command(io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_what_is_at_fault() {
        let gone = || io::Error::from(io::ErrorKind::NotFound);
        let program = Error::Program { program: "tmux".to_owned(), error: gone() };
        assert_eq!(program.to_string(), "tmux: entity not found");
        let line = "less 'a".to_owned();
        let error = shell_words::split(&line).unwrap_err();
        assert_eq!(Error::Words { line, error }.to_string(), "less 'a: missing closing quote");
        let late = Error::SupervisorLate { pid: 7, log: "/w/supervisor.out".into() };
        assert_eq!(
            late.to_string(),
            "the supervisor (process 7) did not lock the workspace in time; see /w/supervisor.out"
        );
        assert_eq!(Error::NotRun("no workspace".into()).to_string(), "no workspace");
    }
}
