//! The errors between client and supervisor.

use std::path::{Path, PathBuf};

/// Why a connection or a request failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IpcError {
    /// An operation on the socket, or on a file next to it, failed.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The file or socket.
        path: PathBuf,
        /// The system's error, in words.
        reason: String,
    },
    /// A file that is no socket is at the socket's path.
    #[error("{} is in the way of the supervisor's socket and is no socket; move it away", path.display())]
    InTheWay {
        /// The file.
        path: PathBuf,
    },
    /// The folder for the socket belongs to another user or is open to others.
    #[error("{} is not a folder of this user alone (mode 0700); remove it, or set XDG_RUNTIME_DIR", path.display())]
    UnsafeFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The two ends are of different versions.
    #[error(
        "the running supervisor speaks protocol {theirs}, this program {ours}; restart the supervisor with this program, or use the one it was started with"
    )]
    OtherVersion {
        /// Protocol version of this program.
        ours: u32,
        /// Protocol version of the supervisor.
        theirs: u32,
    },
    /// No answer came in time.
    #[error("the supervisor did not answer within {seconds} s; it may still run the request")]
    Timeout {
        /// How long the client waited, in seconds.
        seconds: u64,
    },
    /// The connection ended before the answer came.
    #[error(
        "the supervisor ended before it answered; `paddock supervisor status` shows whether it runs, `paddock events` what was recorded"
    )]
    Ended,
    /// The supervisor is stopping gracefully and has not read the request, so nothing was done.
    #[error("the supervisor is stopping and did not run the request; try again when it has stopped")]
    Leaving,
    /// The supervisor refused the request.
    #[error("{text}")]
    Refused {
        /// The supervisor's reason.
        text: String,
    },
    /// The supervisor sent a line that is no valid reply, or a reply of the wrong kind.
    #[error("this program does not understand the supervisor's reply: {reason}")]
    Garbled {
        /// What is wrong with the line.
        reason: String,
    },
    /// A message exceeds the longest line.
    #[error("the message is longer than {} MiB, the most that one line may have", super::LINE_MAX_BYTES >> 20)]
    TooLong,
}

impl IpcError {
    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), reason: error.to_string() }
    }
}
