//! The workspace folder: creates and finds workspaces, and knows the paths of everything in them.
//!
//! A workspace decides which programs run, so it is only used if it is private to the user and no repository
//! can bring one along.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::changes;
use super::environment::Environment;
use paddock_model::ids::{GateId, ProjectSlug, SessionId};
use paddock_os::files::{self, PRIVATE_FILE_MODE, make_private_dir};
use paddock_os::plain;

/// Why the runtime folder of a workspace is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum UnfitRuntime {
    /// The folder cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// The error of the file system.
        source: io::Error,
    },
    /// Its `workspace.json` cannot be read.
    #[error("{0}")]
    NoMarker(io::Error),
    /// The folder or its `workspace.json` is a link.
    #[error("{} and its workspace.json must not be links", .0.display())]
    Link(PathBuf),
    /// Another user owns it.
    #[error("{} belongs to another user", .0.display())]
    Foreign(PathBuf),
    /// Other users may enter it.
    #[error("other users may enter {}: run `chmod 700 {}` if you trust its contents", .0.display(), .0.display())]
    Open(PathBuf),
    /// `workspace.json` is not what Paddock writes there.
    #[error("runtime/workspace.json is damaged ({0})")]
    Damaged(serde_json::Error),
    /// A later version of Paddock made the workspace.
    #[error("version {0} was made by a newer Paddock")]
    Newer(u32),
}

/// Why there is no workspace to work in.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The folder that was named is not a workspace.
    #[error("{} is not a workspace: `paddock init {}` creates one", .0.display(), .0.display())]
    NotAWorkspace(PathBuf),
    /// The folder looks like a workspace but is not trusted.
    #[error("the workspace {} is not used: {why}", root.display())]
    Unfit {
        /// Folder of the workspace.
        root: PathBuf,
        /// Fault of its runtime folder.
        why: UnfitRuntime,
    },
    /// A repository tracks files in `runtime/`.
    #[error("{} holds a runtime folder that git tracks: choose another folder, or `git rm -r --cached runtime` there first", .0.display())]
    Tracked(PathBuf),
    /// There is no folder for the user's own workspace.
    #[error("there is no workspace here, and neither XDG_DATA_HOME nor HOME is set: name one with --root")]
    NoHome,
    /// A file or folder cannot be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// The failed operation.
        doing: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Error of the file system.
        source: io::Error,
    },
}

/// File in `runtime/` with the number of [`changes::CHANGES`] that `status` has printed.
const CHANGES_FILE: &str = "changes";

/// The content of `runtime/workspace.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// Version of the folder layout.
    pub version: u32,
    /// Random hexadecimal digits that distinguish this workspace from others.
    pub id: String,
    /// Time of creation (RFC 3339).
    pub created_at: String,
}

const MARKER_VERSION: u32 = 1;

/// Returns whether the repository around a folder tracks files below it; `None` if the repository cannot be
/// read.
///
/// The caller passes the function in, so that this crate does not depend on git.
pub(crate) type IsTracked = fn(&Path) -> Option<bool>;

/// A folder with `projects/`, `templates/` and `runtime/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
    id: String,
    db: PathBuf,
}

impl Workspace {
    /// Creates a workspace, or completes one that was created in part.
    ///
    /// # Errors
    /// Fails if git tracks files in its `runtime/`, or if the folder cannot be written.
    pub fn init(dir: &Path, is_tracked: IsTracked) -> Result<Self, WorkspaceError> {
        let make = |path: &Path| make_private_dir(path).map_err(io_error("make the folder", path));
        make(dir)?;
        let root = dir.canonicalize().map_err(io_error("open the folder", dir))?;
        if is_tracked(&root.join("runtime")) == Some(true) {
            return Err(WorkspaceError::Tracked(root));
        }
        let runtime = root.join("runtime");
        let new = ["projects", "templates", "runtime"].map(|name| root.join(name));
        new.iter().try_for_each(|path| make(path))?;
        // A workspace may be inside a repository, whose next `git add .` must not commit the runtime folder.
        write_once(&runtime.join(".gitignore"), b"*\n")?;
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let id = files::random_hex(16).map_err(io_error("draw an id for", &root))?;
        let marker = Marker { version: MARKER_VERSION, id, created_at: now };
        let mut json = serde_json::to_vec_pretty(&marker).unwrap_or_default();
        json.push(b'\n');
        let marker = runtime.join("workspace.json");
        if !marker.exists() {
            // Nothing has changed for a workspace that this build creates.
            write_once(&runtime.join(CHANGES_FILE), changes::all_seen().as_bytes())?;
        }
        write_once(&marker, &json)?;
        // After the marker: a folder without a marker is not a workspace, and the next `init` completes it.
        // With one, the rest can be created at any time.
        for name in ["logs", "sessions", "gates", "locks", "kept", "trash"] {
            make(&runtime.join(name))?;
        }
        Self::open(&root, is_tracked)
    }

    /// Opens the workspace in exactly this folder.
    ///
    /// # Errors
    /// Fails if the folder is not a workspace, or not trusted.
    pub fn open(root: &Path, is_tracked: IsTracked) -> Result<Self, WorkspaceError> {
        let none = || WorkspaceError::NotAWorkspace(root.to_path_buf());
        let root = root.canonicalize().map_err(|_| none())?;
        let marker_path = root.join("runtime/workspace.json");
        let bytes = match plain::read(&marker_path) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(none());
            }
            Err(error) => return Err(io_error("read", &marker_path)(error)),
        };
        // The folder names programs to run. Nobody else may have written it, neither another user nor,
        // through a clone, the author of a repository.
        let unfit = |why| WorkspaceError::Unfit { root: root.clone(), why };
        require_private(&root.join("runtime")).map_err(unfit)?;
        if is_tracked(&root.join("runtime")) == Some(true) {
            return Err(WorkspaceError::Tracked(root));
        }
        let marker: Marker =
            serde_json::from_slice(&bytes).map_err(|error| unfit(UnfitRuntime::Damaged(error)))?;
        if marker.version > MARKER_VERSION {
            return Err(unfit(UnfitRuntime::Newer(marker.version)));
        }
        let db = root.join("runtime/paddock.db");
        Ok(Self { root, id: marker.id, db })
    }

    /// Finds the workspace of `--root` or PADDOCK_ROOT, else the nearest trusted one around `cwd`. Returns
    /// `None` if there is none.
    ///
    /// # Errors
    /// Fails if the named folder is not a workspace.
    pub fn find_around(
        root: Option<&Path>,
        environment: &Environment,
        cwd: &Path,
        is_tracked: IsTracked,
    ) -> Result<Option<Self>, WorkspaceError> {
        if let Some(named) = root.or_else(|| environment.path("PADDOCK_ROOT")) {
            return Self::open(&cwd.join(named), is_tracked).map(Some);
        }
        Ok(cwd.ancestors().find_map(|folder| {
            // An untrusted workspace is skipped here: nobody named it. So is one in a repository that libgit2
            // cannot read, since that repository might track it.
            let workspace = Self::open(folder, is_tracked).ok()?;
            (is_tracked(&workspace.runtime()) == Some(false)).then_some(workspace)
        }))
    }

    /// Finds the user's own workspace. Returns `None` if it does not exist yet.
    ///
    /// # Errors
    /// Fails if it is not trusted, or if neither XDG_DATA_HOME nor HOME is set.
    pub fn find_own(
        environment: &Environment,
        is_tracked: IsTracked,
    ) -> Result<Option<Self>, WorkspaceError> {
        let own = Self::own(environment)?;
        // `init` also completes a workspace that was created in part.
        match own.join("runtime/workspace.json").exists() {
            true => Self::init(&own, is_tracked).map(Some),
            false => Ok(None),
        }
    }

    /// Finds the workspace of `--root` or PADDOCK_ROOT, else the nearest trusted one around `cwd`, else the
    /// user's own, which is created on first use.
    ///
    /// # Errors
    /// Fails if the named folder is not a workspace, or if the user's own one cannot be created.
    pub fn find(
        root: Option<&Path>,
        environment: &Environment,
        cwd: &Path,
        is_tracked: IsTracked,
    ) -> Result<Self, WorkspaceError> {
        match Self::find_around(root, environment, cwd, is_tracked)? {
            Some(workspace) => Ok(workspace),
            None => Self::init(&Self::own(environment)?, is_tracked),
        }
    }

    /// Returns the folder of the user's own workspace, which may not exist yet.
    ///
    /// # Errors
    /// Fails if neither XDG_DATA_HOME nor HOME is set.
    pub fn own(environment: &Environment) -> Result<PathBuf, WorkspaceError> {
        // The XDG specification says that a relative path must be ignored.
        let data = environment.path("XDG_DATA_HOME").filter(|path| path.is_absolute()).map(Path::to_path_buf);
        let home = || environment.path("HOME").map(|home| home.join(".local/share"));
        Ok(data.or_else(home).ok_or(WorkspaceError::NoHome)?.join("paddock"))
    }

    /// Applies PADDOCK_DB, the path of the database, relative to the workspace.
    #[must_use]
    pub fn with_environment(mut self, environment: &Environment) -> Self {
        if let Some(db) = environment.path("PADDOCK_DB") {
            self.db = self.root.join(db);
        }
        self
    }

    /// Returns the workspace's folder, canonical.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the random id that the workspace got when it was created.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the folder of project files.
    #[must_use]
    pub fn projects(&self) -> PathBuf {
        self.root.join("projects")
    }

    /// Returns the path of a project's file.
    #[must_use]
    pub fn project_file(&self, slug: &ProjectSlug) -> PathBuf {
        let usual = self.projects().join(format!("{slug}.yaml"));
        // The other ending counts too, where a person wrote it.
        let other = usual.with_extension("yml");
        if !usual.exists() && other.exists() { other } else { usual }
    }

    /// Returns the folder of templates that replace built-in ones.
    #[must_use]
    pub fn templates(&self) -> PathBuf {
        self.root.join("templates")
    }

    /// Returns the folder of everything that Paddock writes.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.root.join("runtime")
    }

    /// Returns the file that makes the folder a workspace.
    #[must_use]
    pub fn marker(&self) -> PathBuf {
        self.runtime().join("workspace.json")
    }

    /// Returns the path of the database.
    #[must_use]
    pub fn db(&self) -> &Path {
        &self.db
    }

    /// Returns the file with the number of changes that `status` has printed ([`crate::changes`]).
    #[must_use]
    pub fn changes_file(&self) -> PathBuf {
        self.runtime().join(CHANGES_FILE)
    }

    /// Returns the folder of Paddock's own logs.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.runtime().join("logs")
    }

    /// Returns the folder that holds a folder for each session.
    #[must_use]
    pub(crate) fn sessions(&self) -> PathBuf {
        self.runtime().join("sessions")
    }

    /// Returns the folder of a session.
    #[must_use]
    pub fn session_dir(&self, session: SessionId) -> PathBuf {
        self.sessions().join(session.to_string())
    }

    /// Returns the folder that holds a folder for each gate run.
    #[must_use]
    pub(crate) fn gates(&self) -> PathBuf {
        self.runtime().join("gates")
    }

    /// Returns the folder of a gate run.
    #[must_use]
    pub fn gate_dir(&self, gate: GateId) -> PathBuf {
        self.gates().join(gate.to_string())
    }

    /// Returns the folder of Paddock's own records about a project's gate worktrees, out of the way of what
    /// runs in them. It holds a folder for each worktree.
    #[must_use]
    pub fn gate_folders_dir(&self, project: &ProjectSlug) -> PathBuf {
        self.runtime().join("gate-folders").join(project.as_str())
    }

    /// Returns the folder for worktrees that hold files which must not be deleted.
    #[must_use]
    pub fn kept_dir(&self) -> PathBuf {
        self.runtime().join("kept")
    }

    /// Returns the folder for files that are deleted in the background.
    #[must_use]
    pub fn trash_dir(&self) -> PathBuf {
        self.runtime().join("trash")
    }
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WorkspaceError {
    let path = path.to_path_buf();
    move |source| WorkspaceError::Io { doing, path, source }
}

/// Writes a file unless it exists. If two processes create a workspace at once, the id of the first one
/// stays.
fn write_once(path: &Path, bytes: &[u8]) -> Result<(), WorkspaceError> {
    if path.exists() {
        return Ok(());
    }
    match files::write_new(path, bytes, PRIVATE_FILE_MODE) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(io_error("write", path)(error)),
        _ => Ok(()),
    }
}

/// Fails if the runtime folder is not owned by the user, not private, or a link.
fn require_private(runtime: &Path) -> Result<(), UnfitRuntime> {
    // `symlink_metadata`: a link could lead to a folder that passes these checks and then be pointed
    // elsewhere.
    let facts = fs::symlink_metadata(runtime)
        .map_err(|source| UnfitRuntime::Unreadable { path: runtime.to_owned(), source })?;
    let marker = fs::symlink_metadata(runtime.join("workspace.json")).map_err(UnfitRuntime::NoMarker)?;
    let user = rustix::process::geteuid().as_raw();
    if !facts.is_dir() || !marker.is_file() {
        return Err(UnfitRuntime::Link(runtime.to_owned()));
    }
    if facts.uid() != user || marker.uid() != user {
        return Err(UnfitRuntime::Foreign(runtime.to_owned()));
    }
    if facts.mode() & 0o777 != files::PRIVATE_DIR_MODE {
        return Err(UnfitRuntime::Open(runtime.to_owned()));
    }
    Ok(())
}
