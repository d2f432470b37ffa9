//! The lock of a workspace and the claim on a repository, and the texts in them that name their holder.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use paddock_model::ids::ProjectSlug;
use paddock_os::locks::{FolderLock, TextLock};
use paddock_os::processes::{self, Identity};

/// File of the workspace lock, in the runtime folder.
const LOCK_NAME: &str = "paddock.lock";
/// File of the claim on a repository, in its common git directory, where every workspace finds it.
const CLAIM_NAME: &str = "paddock.claim";

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process works in this workspace.
    #[error("another paddock works in {}: {holder}; {}", root.display(), holder.remedy())]
    WorkspaceHeld {
        /// The workspace.
        root: PathBuf,
        /// The process that holds the lock.
        holder: Box<Holder>,
    },
    /// Another workspace or project works on the repository.
    #[error("the repository {} is claimed by {holder}: one repository belongs to one project of one workspace", common_dir.display())]
    RepositoryHeld {
        /// The repository's common git directory.
        common_dir: PathBuf,
        /// The process that holds the claim.
        holder: Box<Holder>,
    },
    /// The folder of a lock that this process holds is gone, or another one is in its place.
    #[error("{} was deleted or replaced while this Paddock worked in it", folder.display())]
    Gone {
        /// The folder.
        folder: PathBuf,
    },
    /// The disk has no space for the lock's text.
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
        /// The system's error.
        source: io::Error,
    },
}

impl LockError {
    /// Tells a full disk from other errors, since its remedy is another one.
    fn new(path: PathBuf, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { path, source },
        }
    }
}

/// The holder of a lock, as the text of the lock file describes it. The text is a hint, not proof: any part
/// can be missing or stale.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// Process id.
    pub pid: Option<u32>,
    /// Start time of the process, in the system's ticks since boot (Linux only).
    pub start_time: Option<u64>,
    /// Id of the boot that the process belongs to (Linux only).
    pub boot_id: Option<String>,
    /// Time at which the lock was taken (RFC 3339).
    pub since: Option<String>,
    /// Id of the workspace, for a claim.
    pub workspace_id: Option<String>,
    /// Folder of the workspace, for a claim.
    pub workspace: Option<String>,
    /// The project, for a claim.
    pub project: Option<String>,
    /// Whether the holder is a one-shot command, which runs without a socket, and not a supervisor.
    pub is_command: bool,
}

/// Value of `work:` in the text of a one-shot command.
const ONE_COMMAND: &str = "one command";

impl Holder {
    /// Returns what a person can do to get the lock.
    fn remedy(&self) -> &'static str {
        match self.is_command {
            true => "it runs one command and then exits: try again in a moment",
            false => "stop it with `paddock supervisor stop`",
        }
    }

    /// Describes this process.
    fn this_process() -> Self {
        Self {
            pid: Some(std::process::id()),
            start_time: own_start_time(),
            boot_id: boot_id(),
            since: Some(jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            ..Self::default()
        }
    }

    /// Returns whether the process that the text names has certainly ended.
    fn is_gone(&self) -> bool {
        // A holder that exits gracefully empties the file before it releases the lock, so a text without a
        // process means that the holder is just exiting.
        let Some(pid) = self.pid else { return true };
        // Without a start time a living process with this id may be another one: nothing is certain.
        let Some(start) = self.start_time else { return false };
        let is_alive = i32::try_from(pid).is_ok_and(|pid| processes::is_alive(Identity { pid, start }));
        // Start times count from the boot, so those of two boots cannot be compared. No process outlives its
        // boot.
        self.boot_id != boot_id() || !is_alive
    }

    /// Formats the text of the lock file, one `name: value` per line.
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
        // A folder's name may hold line breaks, which would forge other lines.
        let line = |(name, value): (&str, &Option<String>)| {
            value.as_ref().map(|value| format!("{name}: {}\n", value.replace(['\n', '\r'], " ")))
        };
        parts.into_iter().filter_map(line).collect()
    }

    /// Parses the text of a lock file. Ignores lines that it does not know, which a newer version may write.
    fn from_text(text: &str) -> Self {
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

/// Returns the supervisor of the workspace with this runtime folder, if one runs. One-shot commands do not
/// count.
#[must_use]
pub fn is_running(runtime: &Path) -> Option<Holder> {
    // A lock file that cannot be read counts as no supervisor.
    WorkspaceLock::holder(runtime).ok().flatten().filter(|holder| !holder.is_command)
}

/// What [`WorkspaceLock::keep`] and [`RepositoryClaim::keep`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The lock's file is where it was.
    AsItWas,
    /// The file was gone, or another one was in its place. It is made and locked again.
    PutBack {
        /// Whether another file was in its place.
        was_replaced: bool,
    },
}

/// A lock on a folder: on a file in it, which says who holds it, and on the folder itself, since anybody can
/// delete the file. Builds before this one lock the file alone, so both count.
#[derive(Debug)]
struct Held {
    /// First, so that it is free when the file is.
    folder: FolderLock,
    file: Mutex<TextLock>,
    path: PathBuf,
    text: String,
}

impl Held {
    /// Takes both locks, or returns the holder.
    fn take(path: PathBuf, holder: &Holder) -> io::Result<Result<Self, Holder>> {
        let text = holder.to_text();
        let file = match take_file(&path, &text)? {
            Ok(file) => Mutex::new(file),
            Err(holder) => return Ok(Err(holder)),
        };
        // Its file was deleted, or it is just giving both up.
        Ok(FolderLock::take(folder_of(&path))?
            .map(|folder| Self { folder, file, path, text })
            .ok_or_else(Holder::default))
    }

    /// Makes and locks the file again if it is gone or another one is in its place.
    fn keep(&self) -> Result<Result<Kept, Holder>, LockError> {
        let folder = folder_of(&self.path);
        if !self.folder.is_at(folder) {
            return Err(LockError::Gone { folder: folder.to_owned() });
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_at(&self.path) {
            return Ok(Ok(Kept::AsItWas));
        }
        let was_replaced = self.path.symlink_metadata().is_ok();
        match take_file(&self.path, &self.text) {
            Ok(Ok(fresh)) => {
                *file = fresh;
                Ok(Ok(Kept::PutBack { was_replaced }))
            }
            Ok(Err(holder)) => Ok(Err(holder)),
            Err(source) => Err(LockError::new(self.path.clone(), source)),
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// The right to change a workspace. Released when dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct WorkspaceLock {
    held: Held,
}

impl WorkspaceLock {
    /// Takes the lock of the workspace with this runtime folder for a supervisor, without waiting for its
    /// holder.
    ///
    /// # Errors
    /// [`LockError::WorkspaceHeld`] names the holder.
    pub fn try_take(runtime: &Path) -> Result<Self, LockError> {
        Self::take_as(runtime, &Holder::this_process())
    }

    /// Takes the lock for a one-shot command. A supervisor that starts meanwhile waits for the command.
    ///
    /// # Errors
    /// [`LockError::WorkspaceHeld`] names the holder.
    pub fn try_take_for_command(runtime: &Path) -> Result<Self, LockError> {
        Self::take_as(runtime, &Holder { is_command: true, ..Holder::this_process() })
    }

    fn take_as(runtime: &Path, holder: &Holder) -> Result<Self, LockError> {
        let path = Self::file_in(runtime);
        match Held::take(path.clone(), holder) {
            Ok(Ok(held)) => Ok(Self { held }),
            Ok(Err(holder)) => Err(Self::held_by(runtime, holder)),
            Err(source) => Err(LockError::new(path, source)),
        }
    }

    fn held_by(runtime: &Path, holder: Holder) -> LockError {
        let root = runtime.parent().unwrap_or(runtime).to_path_buf();
        LockError::WorkspaceHeld { root, holder: Box::new(holder) }
    }

    /// Makes and locks the file again if it was deleted or replaced.
    ///
    /// # Errors
    /// [`LockError::Gone`] if the runtime folder itself was; [`LockError::WorkspaceHeld`] if another process
    /// has locked a file in its place.
    pub fn keep(&self, runtime: &Path) -> Result<Kept, LockError> {
        self.held.keep()?.map_err(|holder| Self::held_by(runtime, holder))
    }

    /// Returns the holder of the lock, without taking the lock; `None` if it is free.
    ///
    /// # Errors
    /// Fails if the lock file cannot be read.
    pub fn holder(runtime: &Path) -> io::Result<Option<Holder>> {
        holder_of(&Self::file_in(runtime))
    }

    /// Returns the path of the lock file in a runtime folder.
    #[must_use]
    pub fn file_in(runtime: &Path) -> PathBuf {
        runtime.join(LOCK_NAME)
    }
}

/// The project that a repository is claimed for.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    /// Id of the workspace.
    pub workspace_id: &'a str,
    /// Folder of the workspace.
    pub workspace: &'a Path,
    /// The project.
    pub project: &'a ProjectSlug,
}

/// The right to work on a repository. Released when dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct RepositoryClaim {
    held: Held,
}

impl RepositoryClaim {
    /// Claims the repository with this common git directory.
    ///
    /// # Errors
    /// [`LockError::RepositoryHeld`] names the workspace and the project that hold the claim.
    pub fn take(common_dir: &Path, claimant: Claimant<'_>) -> Result<Self, LockError> {
        let path = common_dir.join(CLAIM_NAME);
        let holder = Holder {
            workspace_id: Some(claimant.workspace_id.to_owned()),
            workspace: Some(claimant.workspace.display().to_string()),
            project: Some(claimant.project.to_string()),
            ..Holder::this_process()
        };
        let common_dir = common_dir.to_path_buf();
        match Held::take(path.clone(), &holder) {
            Ok(Ok(held)) => Ok(Self { held }),
            Ok(Err(holder)) => Err(LockError::RepositoryHeld { common_dir, holder: Box::new(holder) }),
            Err(source) => Err(LockError::new(path, source)),
        }
    }

    /// Makes and locks the claim's file again if it was deleted or replaced.
    ///
    /// # Errors
    /// [`LockError::Gone`] if the repository itself was; [`LockError::RepositoryHeld`] if another process has
    /// locked a file in its place.
    pub fn keep(&self, common_dir: &Path) -> Result<Kept, LockError> {
        let common_dir = || common_dir.to_path_buf();
        self.held.keep()?.map_err(|holder| LockError::RepositoryHeld {
            common_dir: common_dir(),
            holder: Box::new(holder),
        })
    }

    /// Returns the claim's file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.held.path
    }

    /// Returns the holder of the claim, without claiming the repository; `None` if it is free.
    ///
    /// # Errors
    /// Fails if the claim's file cannot be read.
    pub fn holder(common_dir: &Path) -> io::Result<Option<Holder>> {
        holder_of(&common_dir.join(CLAIM_NAME))
    }
}

/// Takes the lock of the file, or returns its holder.
fn take_file(path: &Path, text: &str) -> io::Result<Result<TextLock, Holder>> {
    let is_gone = |text: &str| Holder::from_text(text).is_gone();
    let taken = TextLock::take(path, text, is_gone)?;
    Ok(taken.map_err(|held| Holder::from_text(&held.text)))
}

fn holder_of(path: &Path) -> io::Result<Option<Holder>> {
    let text = TextLock::text_of_holder(path)?;
    // Without its file a holder has no text.
    let unnamed = || FolderLock::is_held(folder_of(path)).then(Holder::default);
    Ok(text.map(|text| Holder::from_text(&text)).or_else(unnamed))
}

/// Returns the start time of this process in clock ticks since boot. `None` on other systems than Linux,
/// where the number is a hash and would mean nothing to a reader.
fn own_start_time() -> Option<u64> {
    processes::me().map(|identity| identity.start).filter(|_| cfg!(target_os = "linux"))
}

fn boot_id() -> Option<String> {
    cfg!(target_os = "linux").then(processes::boot_id).filter(|id| !id.is_empty())
}
