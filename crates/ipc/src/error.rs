//! What can go wrong between client and supervisor.

use std::path::{Path, PathBuf};

/// Why the link failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IpcError {
    /// A file or the socket itself.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The file or socket.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Something that is no socket lies where the socket belongs.
    #[error("{} is in the way of the supervisor's socket and is no socket; move it away", path.display())]
    InTheWay {
        /// The file.
        path: PathBuf,
    },
    /// The folder for the socket belongs to somebody else or is open to others.
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
        /// The version of this program.
        ours: u32,
        /// The version of the supervisor.
        theirs: u32,
    },
    /// No answer in time.
    #[error("the supervisor did not answer within {seconds} s; what was asked may still be carried out")]
    Timeout {
        /// How long was waited.
        seconds: u64,
    },
    /// The connection ended before the answer came.
    #[error(
        "the supervisor ended before it answered; `paddock supervisor status` tells whether it runs, `paddock events` what was recorded"
    )]
    Ended,
    /// The supervisor left in order before it read the request.
    #[error("the supervisor is leaving, and nothing was done; try again when it is gone")]
    Leaving,
    /// The supervisor refused the request.
    #[error("{text}")]
    Refused {
        /// What it said.
        text: String,
    },
    /// A line that makes no sense.
    #[error("the supervisor sent something that is not understood: {reason}")]
    Garbled {
        /// What is wrong with it.
        reason: String,
    },
    /// A message over the limit.
    #[error("the message is longer than {} MiB, the most that one line may have", super::LINE_MAX_BYTES >> 20)]
    TooLong,
}

impl IpcError {
    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), reason: error.to_string() }
    }
}
