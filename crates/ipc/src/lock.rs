//! Who works here: the lock of a workspace and the claim on a repository, and what their texts say.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use paddock_model::ids::ProjectSlug;
use paddock_os::locks::TextLock;
use paddock_os::processes::{self, Identity};

/// The workspace's lock, in its runtime folder.
const LOCK_NAME: &str = "paddock.lock";
/// The claim on a repository, in its common git directory.
const CLAIM_NAME: &str = "paddock.claim";

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process works in this workspace.
    #[error("another paddock works in {}: {holder}; {}", root.display(), holder.remedy())]
    WorkspaceHeld {
        /// The workspace.
        root: PathBuf,
        /// Who holds it.
        holder: Box<Holder>,
    },
    /// The repository is at work elsewhere.
    #[error("the repository {} is claimed by {holder}: one repository belongs to one project of one workspace", common_dir.display())]
    RepositoryHeld {
        /// The repository's common git directory.
        common_dir: PathBuf,
        /// Who holds it.
        holder: Box<Holder>,
    },
    /// There is no room for the lock's text.
    #[error("the disk of {} is full: free some space (`paddock doctor` shows what there is) and try again; nothing recorded is lost", path.display())]
    DiskFull {
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file cannot be used.
    #[error("cannot lock {}: {source}; check owner, permissions and mount of its folder", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl LockError {
    fn new(path: PathBuf, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { path, source },
        }
    }
}

/// What the text of a lock file says. Every part can be missing: it is text, not proof.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub pid: Option<u32>,
    /// When the process started, in the system's own ticks since boot (Linux only).
    pub start_time: Option<u64>,
    /// Which boot that was in (Linux only).
    pub boot_id: Option<String>,
    /// When the lock was taken (RFC 3339).
    pub since: Option<String>,
    /// The id of the workspace, for a claim.
    pub workspace_id: Option<String>,
    /// Its folder.
    pub workspace: Option<String>,
    /// The project, for a claim.
    pub project: Option<String>,
    /// It carries out one command and leaves; it listens to nobody.
    pub is_command: bool,
}

/// What the text says of one that carries out a command.
const ONE_COMMAND: &str = "one command";

impl Holder {
    fn remedy(&self) -> &'static str {
        match self.is_command {
            true => "it carries out one command and leaves: try again when it has",
            false => "stop it with `paddock supervisor stop`",
        }
    }

    fn this_process() -> Self {
        Self {
            pid: Some(std::process::id()),
            start_time: own_start_time(),
            boot_id: boot_id(),
            since: Some(jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            ..Self::default()
        }
    }

    /// Whether the process that the text names is certainly not there any more. One that leaves in order takes the
    /// text with it: then nobody is named.
    fn is_gone(&self) -> bool {
        let Some(pid) = self.pid else { return true };
        let Some(start) = self.start_time else { return false };
        let is_alive = i32::try_from(pid).is_ok_and(|pid| processes::is_alive(Identity { pid, start }));
        self.boot_id != boot_id() || !is_alive
    }

    fn to_text(&self) -> String {
        let pid = self.pid.map(|pid| pid.to_string());
        let start_time = self.start_time.map(|ticks| ticks.to_string());
        let work = self.is_command.then(|| ONE_COMMAND.to_owned());
        let parts = [
            ("pid", &pid),
            ("start_time", &start_time),
            ("boot_id", &self.boot_id),
            ("since", &self.since),
            ("workspace_id", &self.workspace_id),
            ("workspace", &self.workspace),
            ("project", &self.project),
            ("work", &work),
        ];
        let line = |(name, value): (&str, &Option<String>)| {
            value.as_ref().map(|value| format!("{name}: {}\n", value.replace(['\n', '\r'], " ")))
        };
        parts.into_iter().filter_map(line).collect()
    }

    fn of_text(text: &str) -> Self {
        let find = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.map(str::to_owned)
        };
        Self {
            pid: find("pid").and_then(|pid| pid.parse().ok()),
            start_time: find("start_time").and_then(|ticks| ticks.parse().ok()),
            boot_id: find("boot_id"),
            since: find("since"),
            workspace_id: find("workspace_id"),
            workspace: find("workspace"),
            project: find("project"),
            is_command: find("work").as_deref() == Some(ONE_COMMAND),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(project) = &self.project {
            write!(f, "project `{project}` of workspace {}, ", self.workspace.as_deref().unwrap_or("?"))?;
        }
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => f.write_str("an unnamed process")?,
        }
        self.since.iter().try_for_each(|since| write!(f, " since {since}"))
    }
}

/// The supervisor of the workspace whose runtime folder this is; none when there is none, or when the lock's holder only
/// carries out one command.
#[must_use]
pub fn is_running(runtime: &Path) -> Option<Holder> {
    WorkspaceLock::holder(runtime).ok().flatten().filter(|holder| !holder.is_command)
}

/// The right to change a workspace; given up when dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct WorkspaceLock {
    _held: TextLock,
}

impl WorkspaceLock {
    /// Takes the lock of the workspace whose runtime folder this is for a supervisor, if it is free.
    ///
    /// # Errors
    /// [`LockError::WorkspaceHeld`] names who has it.
    pub fn try_take(runtime: &Path) -> Result<Self, LockError> {
        Self::take_as(runtime, &Holder::this_process())
    }

    /// Takes the lock for one command, if it is free: a supervisor that wants to start waits for the command.
    ///
    /// # Errors
    /// [`LockError::WorkspaceHeld`] names who has it.
    pub fn try_take_for_command(runtime: &Path) -> Result<Self, LockError> {
        Self::take_as(runtime, &Holder { is_command: true, ..Holder::this_process() })
    }

    fn take_as(runtime: &Path, holder: &Holder) -> Result<Self, LockError> {
        let path = Self::file_in(runtime);
        let root = || runtime.parent().unwrap_or(runtime).to_path_buf();
        match take(&path, holder) {
            Ok(Ok(_held)) => Ok(Self { _held }),
            Ok(Err(holder)) => Err(LockError::WorkspaceHeld { root: root(), holder: Box::new(holder) }),
            Err(source) => Err(LockError::new(path, source)),
        }
    }

    /// Who works in the workspace whose runtime folder this is, without taking the lock.
    ///
    /// # Errors
    /// When the lock file cannot be read.
    pub fn holder(runtime: &Path) -> io::Result<Option<Holder>> {
        holder_of(&Self::file_in(runtime))
    }

    /// Where the lock file of a runtime folder is.
    #[must_use]
    pub fn file_in(runtime: &Path) -> PathBuf {
        runtime.join(LOCK_NAME)
    }
}

/// For whom a repository is claimed.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    /// The workspace's id.
    pub workspace_id: &'a str,
    /// The workspace's folder.
    pub workspace: &'a Path,
    /// The project.
    pub project: &'a ProjectSlug,
}

/// The right to work on a repository; given up when dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct RepositoryClaim {
    _held: TextLock,
}

impl RepositoryClaim {
    /// Claims the repository of this common git directory, if nobody else has it.
    ///
    /// # Errors
    /// [`LockError::RepositoryHeld`] names the other workspace and project.
    pub fn take(common_dir: &Path, claimant: Claimant<'_>) -> Result<Self, LockError> {
        let path = common_dir.join(CLAIM_NAME);
        let holder = Holder {
            workspace_id: Some(claimant.workspace_id.to_owned()),
            workspace: Some(claimant.workspace.display().to_string()),
            project: Some(claimant.project.to_string()),
            ..Holder::this_process()
        };
        let common_dir = common_dir.to_path_buf();
        match take(&path, &holder) {
            Ok(Ok(_held)) => Ok(Self { _held }),
            Ok(Err(holder)) => Err(LockError::RepositoryHeld { common_dir, holder: Box::new(holder) }),
            Err(source) => Err(LockError::new(path, source)),
        }
    }

    /// Who works on the repository, without claiming it.
    ///
    /// # Errors
    /// When the claim cannot be read.
    pub fn holder(common_dir: &Path) -> io::Result<Option<Holder>> {
        holder_of(&common_dir.join(CLAIM_NAME))
    }
}

fn take(path: &Path, holder: &Holder) -> io::Result<Result<TextLock, Holder>> {
    let is_gone = |text: &str| Holder::of_text(text).is_gone();
    let taken = TextLock::take(path, &holder.to_text(), is_gone)?;
    Ok(taken.map_err(|held| Holder::of_text(&held.text)))
}

fn holder_of(path: &Path) -> io::Result<Option<Holder>> {
    Ok(TextLock::text_of_holder(path)?.map(|text| Holder::of_text(&text)))
}

/// When this process started, in clock ticks since boot. Elsewhere than on Linux the text goes without it.
fn own_start_time() -> Option<u64> {
    processes::me().map(|identity| identity.start).filter(|_| cfg!(target_os = "linux"))
}

fn boot_id() -> Option<String> {
    cfg!(target_os = "linux").then(processes::boot_id).filter(|id| !id.is_empty())
}
