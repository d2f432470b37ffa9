//! What goes wrong in the console, and why something is not done.

use std::io;
use std::path::PathBuf;

/// Why something cannot be done now, or was refused: an answer for people, shown beside what they asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Refused {
    /// The reason.
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

/// What failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A command for the supervisor could not be run at all, by a supervisor or without one.
    #[error(transparent)]
    NotRun(Box<dyn std::error::Error + Send + Sync>),
    /// So many commands wait for the supervisor that no more are taken.
    #[error("too much is under way; try again")]
    Busy,
    /// The supervisor could not be started or watched.
    #[error(transparent)]
    Start(io::Error),
    /// The supervisor that was started has ended; its last words.
    #[error("{said}")]
    SupervisorEnded {
        /// The last line of its output.
        said: String,
    },
    /// The supervisor that was started has not taken the workspace in time.
    #[error("process {pid} has not taken the workspace; {} may say why", log.display())]
    SupervisorLate {
        /// Its process.
        pid: u32,
        /// What it has written.
        log: PathBuf,
    },
    /// A line that names a program and its arguments has an open quotation mark.
    #[error("{line}: {error}")]
    Words {
        /// The line.
        line: String,
        /// What is wrong with it.
        error: shell_words::ParseError,
    },
    /// `PAGER`, `VISUAL` or `EDITOR` is set, and holds nothing.
    #[error("no program is named")]
    NoProgram,
    /// A program that gets the terminal, or the clipboard's text, could not be run.
    #[error("{program}: {error}")]
    Program {
        /// The program.
        program: String,
        /// Why not.
        error: io::Error,
    },
    /// tmux runs and did not take the text.
    #[error("tmux took no text")]
    Tmux,
    /// A command of the palette could not be run as a process.
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
        assert_eq!(late.to_string(), "process 7 has not taken the workspace; /w/supervisor.out may say why");
        assert_eq!(Error::NotRun("no workspace".into()).to_string(), "no workspace");
    }
}
