//! What keeps a supervisor from working.

use paddock_config::environment::EnvironmentError;
use paddock_ipc::LinkError;
use paddock_ipc::lock::LockError;
use paddock_os::open_files::TooFewOpenFiles;
use paddock_runner::RunnerError;
use paddock_store::StoreError;
use paddock_store::codec::LedgerError;

/// Why the supervisor cannot start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// Another supervisor works in this workspace, or its lock cannot be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A variable of the environment cannot be used.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// Merges and sessions would fail half way.
    #[error(transparent)]
    OpenFiles(#[from] TooFewOpenFiles),
    /// The database failed. Nothing follows from what could not be recorded; running sessions go on under
    /// their keepers, and the next supervisor finds them.
    #[error("{0}; the supervisor stopped, running sessions go on under their keepers")]
    Store(#[from] StoreError),
    /// The database cannot be understood.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The socket failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// Jobs cannot be run at all.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// The system refused something basic.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// The workspace was deleted or moved: nobody could ask or stop this supervisor any more.
    #[error("{} is not there any more; the supervisor stopped, running sessions go on under their keepers", .0.display())]
    WorkspaceGone(std::path::PathBuf),
    /// A fault of Paddock itself, in a thread that a supervisor cannot do without.
    #[error(
        "a fault of Paddock itself: its thread `{thread}` panicked: {problem}; the supervisor stopped, running sessions \
         go on under their keepers; start it again, and report this with the newest file in runtime/logs"
    )]
    Panicked {
        /// The thread's name.
        thread: String,
        /// What the panic said, and where.
        problem: String,
    },
    /// The supervisor ended before it answered.
    #[error("the supervisor ended before it answered; see `paddock supervisor status`, then try again")]
    Gone,
}

impl SupervisorError {
    pub(super) fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
