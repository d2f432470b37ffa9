//! The errors of the supervisor and of its effects.

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
use paddock_ipc::workspace_lock::LockError;
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
    /// An environment variable has a value that cannot be used.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The limit of open files is so low that merges and sessions would fail half-way.
    #[error(transparent)]
    OpenFiles(#[from] TooFewOpenFiles),
    /// The database failed. Nothing follows from events that were not recorded. Running sessions continue
    /// under their keepers, and the next supervisor finds them.
    #[error("{0}; the supervisor stopped, running sessions continue under their keepers")]
    Store(#[from] StoreError),
    /// The database holds an event or a row that this version cannot decode.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The socket failed.
    #[error(transparent)]
    Ipc(#[from] IpcError),
    /// The runner cannot run jobs at all.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// The system refused an operation that a supervisor needs, such as starting a thread.
    #[error("{what}: {source}")]
    System {
        /// What Paddock tried.
        what: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// The workspace was deleted or moved. Its socket is gone with it, so nobody could reach or stop this
    /// supervisor.
    #[error("{} is not there any more; the supervisor stopped, running sessions continue under their keepers", .0.display())]
    WorkspaceGone(PathBuf),
    /// A panic in a thread that the supervisor depends on.
    #[error(
        "a fault of Paddock itself: its thread `{thread}` panicked: {problem}; the supervisor stopped, running sessions \
         continue under their keepers; start it again, and report this with the newest file in runtime/logs"
    )]
    Panicked {
        /// Name of the thread.
        thread: String,
        /// Message and place of the panic.
        problem: String,
    },
    /// The kernel ended before it answered.
    #[error("the supervisor ended before it answered; see `paddock supervisor status`, then try again")]
    Gone,
}

impl SupervisorError {
    /// For `map_err`: wraps the system's error with what Paddock tried.
    pub(super) fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}

/// Why an effect failed, or why a question about a repository or an agent has no answer. The supervisor
/// continues.
#[derive(Debug, thiserror::Error)]
pub enum EffectError {
    /// The repository or the git program failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A job could not be started, found or read.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// The agent's command line cannot be built from its template.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The prompt cannot be rendered from its template.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A pattern in the project file is not valid.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// A record cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The project file has faults.
    #[error("{}", joined(.0))]
    Config(Vec<ConfigError>),
    /// The system refused an operation whose subject is clear from the context.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// An operation on a file or folder failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The project's work needs git configuration that nobody agreed to. Holds what is needed.
    #[error("git configuration that nobody agreed to is needed: {}", .0.join(", "))]
    Untrusted(Vec<String>),
    /// Git configuration that nobody agreed to leads to the remote. Holds the entries.
    #[error("git configuration that nobody agreed to leads there: {}", .0.join(", "))]
    RemoteUntrusted(Vec<String>),
    /// The project file no longer names the agent of a session.
    #[error("the agent {0} is no longer in the project file")]
    UnknownAgent(AgentId),
    /// A name in `worktree.copy` points outside the repository.
    #[error("worktree.copy: {0:?} leads out of the repository")]
    CopyLeadsOut(String),
    /// A link in the worktree would lead the copy of a `worktree.copy` file elsewhere.
    #[error("worktree.copy: {name} is not copied, as {} is a link", link.display())]
    CopyThroughLink {
        /// Name of the file.
        name: String,
        /// The link in its way.
        link: PathBuf,
    },
    /// A file of `worktree.copy` could not be copied.
    #[error("worktree.copy: {name}: {source}")]
    Copy {
        /// Name of the file.
        name: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// A gate worktree cannot be removed, since a job runs in it.
    #[error("a job is still running in this folder")]
    Busy,
    /// The exit record of a gate run that is over is missing.
    #[error("the exit record of the run is gone")]
    RecordGone,
    /// The logs of a session cannot be read.
    #[error("the session's output cannot be read: {0}")]
    Output(std::io::Error),
    /// A keeper ended without an exit record. Holds the last words of the keeper, which may be empty.
    #[error("the agent's keeper vanished{}", if .0.is_empty() { String::new() } else { format!(": {}", .0) })]
    KeeperVanished(String),
    /// A keeper did not report the end of its job in time.
    #[error("the agent's keeper did not report in time")]
    KeeperSilent,
    /// A `notify` command failed.
    #[error("{status}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Notification {
        /// Exit status of the command.
        status: ExitStatus,
        /// Beginning of what the command wrote to standard error.
        said: String,
    },
    /// A `notify` command exceeded its time limit.
    #[error("the command took longer than {} s and was killed", .0.as_secs())]
    NotificationTimedOut(Duration),
}

impl EffectError {
    /// For `map_err`: wraps the system's error with the file or folder.
    pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

fn joined(faults: &[ConfigError]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
