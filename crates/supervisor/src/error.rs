//! What keeps a supervisor from working.

use paddock_model::ids::AgentId;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use paddock_agents::command::CommandError;
use paddock_agents::prompt::PromptError;
use paddock_config::ConfigError;
use paddock_config::environment::EnvironmentError;
use paddock_git::GitError;
use paddock_ipc::IpcError;
use paddock_ipc::lock::LockError;
use paddock_model::scope::ScopeError;
use paddock_os::open_files::TooFewOpenFiles;
use paddock_runner::RunnerError;
use paddock_store::StoreError;
use paddock_store::codec::CodecError;

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
    Codec(#[from] CodecError),
    /// The socket failed.
    #[error(transparent)]
    Link(#[from] IpcError),
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
    WorkspaceGone(PathBuf),
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

/// Why an effect did not do what it was ordered to, or what was asked of a repository or an agent could not be found
/// out. The supervisor goes on.
#[derive(Debug, thiserror::Error)]
pub enum EffectError {
    /// The repository, or the git program.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A job could not be started, found or read.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// The agent's command cannot be made.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The prompt cannot be made.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A pattern of the project file is none.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// What is to be recorded cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The project file has faults.
    #[error("{}", joined(.0))]
    Config(Vec<ConfigError>),
    /// The system refused something that needs no name.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// A file or folder.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Git would run programs that nobody agreed to.
    #[error("git configuration that can run programs changed: {}", .0.join(", "))]
    Untrusted(Vec<String>),
    /// The project file no longer names the agent of a session.
    #[error("the agent {0} is no longer in the project file")]
    UnknownAgent(AgentId),
    /// A file of `worktree.copy` would come from elsewhere.
    #[error("worktree.copy: {0:?} leads out of the repository")]
    CopyLeadsOut(String),
    /// A file of `worktree.copy` would go elsewhere.
    #[error("worktree.copy: {name} is not copied, as {} is a link", link.display())]
    CopyThroughLink {
        /// The file.
        name: String,
        /// The link in its way.
        link: PathBuf,
    },
    /// A file of `worktree.copy` could not be copied.
    #[error("worktree.copy: {name}: {source}")]
    Copy {
        /// The file.
        name: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A job runs in a folder that was to be removed.
    #[error("something is at work in it")]
    Busy,
    /// A keeper left no record of its run.
    #[error("the record of its end is gone")]
    RecordGone,
    /// The logs of a session.
    #[error("its output cannot be read: {0}")]
    Output(std::io::Error),
    /// A keeper ended without a record; what it said last.
    #[error("its keeper vanished {0}")]
    KeeperVanished(String),
    /// A keeper did not report in time.
    #[error("its keeper does not answer")]
    KeeperSilent,
    /// A command that was to be told of an event failed.
    #[error("{status}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Notification {
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to standard error.
        said: String,
    },
    /// A command that was to be told of an event took too long.
    #[error("it took longer than {} s and was killed", .0.as_secs())]
    NotificationTimedOut(Duration),
}

impl EffectError {
    /// For `map_err`: the file or folder that it is about.
    pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

fn joined(faults: &[ConfigError]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
