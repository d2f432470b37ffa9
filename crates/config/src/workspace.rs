//! The workspace folder: making one, finding the one that is meant, and where things are in it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::changes;
use super::environment::Environment;
use paddock_model::ids::{GateId, ProjectSlug, SessionId};
use paddock_os::files::{self, PRIVATE_FILE_MODE, make_private_dir};

/// Why the runtime folder of a workspace must not be trusted.
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
    #[error("{} and its workspace.json must be no links", .0.display())]
    Link(PathBuf),
    /// Another user owns it.
    #[error("{} belongs to another user", .0.display())]
    Foreign(PathBuf),
    /// Other users may enter it.
    #[error("others may enter it: `chmod 700 {}` if you trust what it holds", .0.display())]
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
    /// A folder that was named is none.
    #[error("{} is no workspace: make one with `paddock init {}`", .0.display(), .0.display())]
    NotAWorkspace(PathBuf),
    /// A folder that looks like one but must not be trusted.
    #[error("the workspace {} is not used: {why}", root.display())]
    Unfit {
        /// The workspace.
        root: PathBuf,
        /// What is wrong, and what to do.
        why: UnfitRuntime,
    },
    /// `runtime/` belongs to a repository's files.
    #[error("{} holds a runtime folder that git tracks: choose another folder, or `git rm -r --cached runtime` there first", .0.display())]
    Tracked(PathBuf),
    /// Nowhere to put the workspace of one's own.
    #[error("no workspace here, and neither XDG_DATA_HOME nor HOME is set: name one with --root")]
    NoHome,
    /// The disk says no.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// In `runtime/`: how many of [`changes::CHANGES`] the workspace was told of.
const CHANGES_FILE: &str = "changes";

/// What `runtime/workspace.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// The version of the layout.
    pub version: u32,
    /// Random hexadecimal digits that tell this workspace from a copied or moved one.
    pub id: String,
    /// When it was made (RFC 3339).
    pub created_at: String,
}

const MARKER_VERSION: u32 = 1;

/// Whether the repository around a folder has files below it in its index; none when there is a repository that cannot
/// be read. The caller hands it in, so that nothing here needs git.
pub(crate) type IsTracked = fn(&Path) -> Option<bool>;

/// A folder with `projects/`, `templates/` and `runtime/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
    id: String,
    db: PathBuf,
}

impl Workspace {
    /// Makes a workspace, or completes the one that is there.
    ///
    /// # Errors
    /// When git tracks files of its `runtime/`, or the folder cannot be written.
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
        // Inside a repository the runtime must never be committed, least of all by `git add .`.
        write_once(&runtime.join(".gitignore"), b"*\n")?;
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let id = files::random_hex(16).map_err(io_error("draw an id for", &root))?;
        let marker = Marker { version: MARKER_VERSION, id, created_at: now };
        let mut json = serde_json::to_vec_pretty(&marker).unwrap_or_default();
        json.push(b'\n');
        let marker = runtime.join("workspace.json");
        if !marker.exists() {
            // A new workspace knows nothing else than this build.
            write_once(&runtime.join(CHANGES_FILE), changes::all_names().as_bytes())?;
        }
        write_once(&marker, &json)?;
        // These are made only now: a half-made workspace is none, and is completed by the next init.
        for name in ["logs", "sessions", "gates", "locks", "kept", "trash"] {
            make(&runtime.join(name))?;
        }
        Self::open(&root, is_tracked)
    }

    /// Opens the workspace in exactly this folder.
    ///
    /// # Errors
    /// When it is none, or must not be trusted.
    pub fn open(root: &Path, is_tracked: IsTracked) -> Result<Self, WorkspaceError> {
        let none = || WorkspaceError::NotAWorkspace(root.to_path_buf());
        let root = root.canonicalize().map_err(|_| none())?;
        let marker_path = root.join("runtime/workspace.json");
        let bytes = match fs::read(&marker_path) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(none());
            }
            Err(error) => return Err(io_error("read", &marker_path)(error)),
        };
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

    /// Finds the workspace that is meant: `--root`, PADDOCK_ROOT, the nearest fit parent of `cwd`, else the
    /// user's own one, which is made on first use.
    ///
    /// # Errors
    /// When the named folder is no workspace, or the user's own one cannot be made.
    pub fn find(
        root: Option<&Path>,
        environment: &Environment,
        cwd: &Path,
        is_tracked: IsTracked,
    ) -> Result<Self, WorkspaceError> {
        match Self::find_made(root, environment, cwd, is_tracked)? {
            Some(workspace) => Ok(workspace),
            None => Self::init(&Self::own(environment)?, is_tracked),
        }
    }

    /// The same without making anything; none: the user's own one, which is not made yet.
    ///
    /// # Errors
    /// When the named folder is no workspace, or the user's own one must not be trusted.
    pub fn find_made(
        root: Option<&Path>,
        environment: &Environment,
        cwd: &Path,
        is_tracked: IsTracked,
    ) -> Result<Option<Self>, WorkspaceError> {
        if let Some(named) = root.or_else(|| environment.path("PADDOCK_ROOT")) {
            return Self::open(&cwd.join(named), is_tracked).map(Some);
        }
        let near = cwd.ancestors().find_map(|folder| {
            // A repository that libgit2 cannot read might track it: a folder nobody named must be beyond doubt.
            let workspace = Self::open(folder, is_tracked).ok()?;
            (is_tracked(&workspace.runtime()) == Some(false)).then_some(workspace)
        });
        match near {
            Some(workspace) => Ok(Some(workspace)),
            // A half-made one is completed.
            None if !Self::own(environment)?.join("runtime/workspace.json").exists() => Ok(None),
            None => Self::init(&Self::own(environment)?, is_tracked).map(Some),
        }
    }

    /// Where the user's own workspace is, or would be.
    ///
    /// # Errors
    /// When neither XDG_DATA_HOME nor HOME says so.
    pub fn own(environment: &Environment) -> Result<PathBuf, WorkspaceError> {
        // The XDG rules say that a relative path is to be ignored.
        let data = environment.path("XDG_DATA_HOME").filter(|path| path.is_absolute()).map(Path::to_path_buf);
        let home = || environment.path("HOME").map(|home| home.join(".local/share"));
        Ok(data.or_else(home).ok_or(WorkspaceError::NoHome)?.join("paddock"))
    }

    /// The same with PADDOCK_DB honoured, relative to the workspace.
    #[must_use]
    pub fn with_environment(mut self, environment: &Environment) -> Self {
        if let Some(db) = environment.path("PADDOCK_DB") {
            self.db = self.root.join(db);
        }
        self
    }

    /// The folder itself, canonical.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The random id it got when it was made.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Project files.
    #[must_use]
    pub fn projects(&self) -> PathBuf {
        self.root.join("projects")
    }

    /// The file of a project.
    #[must_use]
    pub fn project_file(&self, slug: &ProjectSlug) -> PathBuf {
        self.projects().join(format!("{slug}.yaml"))
    }

    /// Overrides of the built-in prompts.
    #[must_use]
    pub fn templates(&self) -> PathBuf {
        self.root.join("templates")
    }

    /// Everything Paddock writes.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.root.join("runtime")
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> &Path {
        &self.db
    }

    /// The file that counts the changes of behaviour that `status` has printed here ([`crate::changes`]).
    #[must_use]
    pub fn changes_file(&self) -> PathBuf {
        self.runtime().join(CHANGES_FILE)
    }

    /// Paddock's own log.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.runtime().join("logs")
    }

    /// All folders of sessions.
    #[must_use]
    pub(crate) fn sessions(&self) -> PathBuf {
        self.runtime().join("sessions")
    }

    /// The folder of a session.
    #[must_use]
    pub fn session_dir(&self, session: SessionId) -> PathBuf {
        self.sessions().join(session.to_string())
    }

    /// All folders of gate runs.
    #[must_use]
    pub(crate) fn gates(&self) -> PathBuf {
        self.runtime().join("gates")
    }

    /// The folder of a gate run.
    #[must_use]
    pub fn gate_dir(&self, gate: GateId) -> PathBuf {
        self.gates().join(gate.to_string())
    }

    /// Worktrees that hold something which must not be deleted.
    #[must_use]
    pub fn kept_dir(&self) -> PathBuf {
        self.runtime().join("kept")
    }

    /// What is about to be deleted in the background.
    #[must_use]
    pub fn trash_dir(&self) -> PathBuf {
        self.runtime().join("trash")
    }
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WorkspaceError {
    let path = path.to_path_buf();
    move |source| WorkspaceError::Io { doing, path, source }
}

/// Writes a file unless it is there: of two that make a workspace at once, the first one's id stays.
fn write_once(path: &Path, bytes: &[u8]) -> Result<(), WorkspaceError> {
    if path.exists() {
        return Ok(());
    }
    match files::write_new(path, bytes, PRIVATE_FILE_MODE) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(io_error("write", path)(error)),
        _ => Ok(()),
    }
}

/// Fails if a runtime folder is not the user's own and private.
fn require_private(runtime: &Path) -> Result<(), UnfitRuntime> {
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
