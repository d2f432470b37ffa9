//! Who works here: the lock of a workspace and the claim on a repository.
//!
//! The operating system's lock decides; the text in the file is for people, and stale text with a free lock
//! means nothing.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::files::PRIVATE_FILE_MODE;
use super::workspace::Workspace;
use crate::domain::ids::ProjectSlug;

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
    fn of(path: PathBuf, source: io::Error) -> Self {
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
            start_time: start_time_of("self"),
            boot_id: boot_id(),
            since: Some(jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            ..Self::default()
        }
    }

    /// Whether the process that the text names is certainly not there any more. One that leaves in order takes the
    /// text with it: then nobody is named.
    fn is_gone(&self) -> bool {
        let Some(pid) = self.pid else { return true };
        let Some(start_time) = self.start_time else { return false };
        self.boot_id != boot_id() || start_time_of(&pid.to_string()) != Some(start_time)
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

/// The right to change a workspace; given up when dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct WorkspaceLock(Held);

impl WorkspaceLock {
    /// Takes the lock for a supervisor, if it is free.
    ///
    /// # Errors
    /// [`LockError::WorkspaceHeld`] names who has it.
    pub fn try_take(workspace: &Workspace) -> Result<Self, LockError> {
        Self::take_as(workspace, &Holder::this_process())
    }

    /// Takes the lock for one command, if it is free: a supervisor that wants to start waits for the command.
    ///
    /// # Errors
    /// [`LockError::WorkspaceHeld`] names who has it.
    pub fn try_take_for_command(workspace: &Workspace) -> Result<Self, LockError> {
        Self::take_as(workspace, &Holder { is_command: true, ..Holder::this_process() })
    }

    fn take_as(workspace: &Workspace, holder: &Holder) -> Result<Self, LockError> {
        let path = workspace.lock();
        let root = || workspace.root().to_path_buf();
        match Held::take(&path, holder) {
            Ok(Ok(held)) => Ok(Self(held)),
            Ok(Err(holder)) => Err(LockError::WorkspaceHeld { root: root(), holder: Box::new(holder) }),
            Err(source) => Err(LockError::of(path, source)),
        }
    }

    /// Who works in the workspace, without taking the lock.
    ///
    /// # Errors
    /// When the lock file cannot be read.
    pub fn holder(workspace: &Workspace) -> io::Result<Option<Holder>> {
        read_holder(&workspace.lock())
    }

    /// The lock file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

/// The right to work on a repository; given up when dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct RepositoryClaim(Held);

impl RepositoryClaim {
    /// Claims the repository of this common git directory for a project, if nobody else has it.
    ///
    /// # Errors
    /// [`LockError::RepositoryHeld`] names the other workspace and project.
    pub fn take(common_dir: &Path, workspace: &Workspace, project: &ProjectSlug) -> Result<Self, LockError> {
        let path = claim_path(common_dir);
        let holder = Holder {
            workspace_id: Some(workspace.id().to_owned()),
            workspace: Some(workspace.root().display().to_string()),
            project: Some(project.to_string()),
            ..Holder::this_process()
        };
        let common_dir = common_dir.to_path_buf();
        match Held::take(&path, &holder) {
            Ok(Ok(held)) => Ok(Self(held)),
            Ok(Err(holder)) => Err(LockError::RepositoryHeld { common_dir, holder: Box::new(holder) }),
            Err(source) => Err(LockError::of(path, source)),
        }
    }

    /// Who works on the repository, without claiming it.
    ///
    /// # Errors
    /// When the claim cannot be read.
    pub fn holder(common_dir: &Path) -> io::Result<Option<Holder>> {
        read_holder(&claim_path(common_dir))
    }

    /// The claim's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

fn claim_path(common_dir: &Path) -> PathBuf {
    common_dir.join("paddock.claim")
}

/// A locked file that holds its holder's text.
#[derive(Debug)]
struct Held {
    file: File,
    path: PathBuf,
}

/// A reader that asks whether the text is stale holds the lock for an instant; that long is waited.
const ATTEMPTS: u32 = 20;
const ATTEMPT_PAUSE: Duration = Duration::from_millis(5);
/// A holder that was killed may be dying still, or a child of one that is gone may be between its fork and its
/// program, holding the file for as long as that takes on a busy machine: so long is waited for it.
const GONE_PATIENCE: Duration = Duration::from_secs(5);

impl Held {
    fn take(path: &Path, holder: &Holder) -> io::Result<Result<Self, Holder>> {
        let mut file = open(path, true)?;
        let begun = Instant::now();
        let mut left = ATTEMPTS;
        while let Err(error) = file.try_lock() {
            match error {
                TryLockError::WouldBlock if left == 0 => {
                    let found = read_text(&mut file)?;
                    if begun.elapsed() >= GONE_PATIENCE || !found.is_gone() {
                        return Ok(Err(found));
                    }
                }
                TryLockError::WouldBlock => left -= 1,
                TryLockError::Error(error) => return Err(error),
            }
            std::thread::sleep(ATTEMPT_PAUSE);
        }
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(holder.to_text().as_bytes())?;
        Ok(Ok(Self { file, path: path.to_path_buf() }))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Only courtesy: text that stays is stale, and the lock says so.
        let _ = self.file.set_len(0);
        // Closing alone would keep the lock while a program that another thread is just starting has a copy of it.
        let _ = self.file.unlock();
    }
}

fn open(path: &Path, write: bool) -> io::Result<File> {
    // No following of links: what an agent put there must not make us write elsewhere.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).write(write).create(write).mode(PRIVATE_FILE_MODE);
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default()).open(path)
}

fn read_text(file: &mut File) -> io::Result<Holder> {
    let mut bytes = Vec::new();
    file.rewind()?;
    // The text is a few lines; whatever else stands there is not read without end.
    file.take(16 * 1024).read_to_end(&mut bytes)?;
    Ok(Holder::of_text(&String::from_utf8_lossy(&bytes)))
}

fn read_holder(path: &Path) -> io::Result<Option<Holder>> {
    let mut file = match open(path, false) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        // For the same reason not left to closing.
        Ok(()) => file.unlock().map(|()| None),
        Err(TryLockError::WouldBlock) => read_text(&mut file).map(Some),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// When a process that lives started, in clock ticks since boot.
#[cfg(target_os = "linux")]
fn start_time_of(pid: &str) -> Option<u64> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; the third field, the state, is the first after it.
    let stat = String::from_utf8_lossy(&stat);
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let is_dead = fields.next().is_some_and(|state| matches!(state, "Z" | "X"));
    fields.nth(18)?.parse().ok().filter(|_| !is_dead)
}

/// Elsewhere the text goes without it.
#[cfg(not(target_os = "linux"))]
fn start_time_of(_pid: &str) -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
fn boot_id() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

#[cfg(not(target_os = "linux"))]
fn boot_id() -> Option<String> {
    None
}
