//! Opening a repository by its git directory. Each reason why Paddock cannot work on a repository has a name.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::ErrorCode;

use super::error::GitError;
use super::obstacles::refuse_in_repository;
use super::user_config::UserConfig;
use paddock_model::ids::ObjectId;
use paddock_os::files::{Flush, write_atomic};
use paddock_os::plain;

/// A git repository that Paddock manages. Cheap to clone and to share: each call opens libgit2 anew by the
/// git directory, so that nothing in a working tree is ever followed.
#[derive(Debug, Clone)]
pub struct Repository {
    inner: Arc<Inner>,
    agreed: Arc<BTreeMap<String, String>>,
}

#[derive(Debug)]
struct Inner {
    repo_root: PathBuf,
    common_dir: PathBuf,
    main_worktree: Option<PathBuf>,
}

/// Repository extensions that both libgit2 1.9 and Paddock support.
const KNOWN_EXTENSIONS: [&str; 5] =
    ["noop", "worktreeconfig", "preciousobjects", "relativeworktrees", "objectformat"];

impl Repository {
    /// Opens the repository whose folder (or bare git directory) is `repo_root`.
    ///
    /// # Errors
    /// Names each kind of repository that Paddock cannot work on: missing, without commits, another user's,
    /// or in an unsupported format.
    pub fn open(repo_root: &Path) -> Result<Self, GitError> {
        if !repo_root.exists() {
            return Err(GitError::Missing(repo_root.to_owned()));
        }
        let root = fs::canonicalize(repo_root).map_err(GitError::io(repo_root))?;
        let git_dir = git_dir_of(&root).ok_or_else(|| GitError::NotARepository(root.clone()))?;
        let common_dir = common_dir_of(&git_dir)?;
        let config = check_format(&root, &common_dir)?;
        let main_worktree = main_worktree_of(&root, &git_dir, &common_dir, &config);
        let inner = Inner { repo_root: root, common_dir, main_worktree };
        let repository = Self { inner: Arc::new(inner), agreed: Arc::default() };
        repository.check_has_commits()?;
        Ok(repository)
    }

    /// Returns the same repository, in which git may run what a record of trust covers: entries by name, with
    /// the hash of their values. A repository that was just opened lets git run nothing but the filters of
    /// git LFS.
    #[must_use]
    pub fn agreeing(&self, entries: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { inner: Arc::clone(&self.inner), agreed: Arc::new(entries.into_iter().collect()) }
    }

    /// Returns what git may run, as names and hashes of entries.
    pub(crate) fn agreed(&self) -> &BTreeMap<String, String> {
        &self.agreed
    }

    /// Returns the folder that was opened, absolute and without symbolic links.
    #[must_use]
    pub fn repo_root(&self) -> &Path {
        &self.inner.repo_root
    }

    /// Returns the git directory that all worktrees share, absolute.
    #[must_use]
    pub fn common_dir(&self) -> &Path {
        &self.inner.common_dir
    }

    /// Returns the working tree that belongs to the git directory itself, or `None` for a bare repository.
    #[must_use]
    pub fn main_worktree(&self) -> Option<&Path> {
        self.inner.main_worktree.as_deref()
    }

    /// Opens libgit2 on the git directory, without a working tree.
    pub(crate) fn library(&self) -> Result<git2::Repository, GitError> {
        refuse_in_repository(&self.inner.common_dir)?;
        let opened = git2::Repository::open_bare(&self.inner.common_dir);
        let library = opened.map_err(|e| open_error(&self.inner.repo_root, e))?;
        UserConfig::from_environment().apply(&mut library.config()?)?;
        Ok(library)
    }

    /// Like [`Self::library`], with a configuration that makes libgit2 flush the refs it writes.
    pub(crate) fn durable_library(&self) -> Result<git2::Repository, GitError> {
        let library = self.library()?;
        // libgit2 takes the setting from a file alone. It must not come from the repository's own
        // configuration, which belongs to the user.
        let file = self.own_folder()?.join("durable.gitconfig");
        const TEXT: &str = "[core]\n\tfsyncObjectFiles = true\n";
        if plain::read_to_string(&file).ok().as_deref() != Some(TEXT) {
            // Not a secret: every user of a shared repository may read it. It need not be flushed, because
            // each call compares the text and writes it again.
            write_atomic(&file, TEXT.as_bytes(), 0o644, Flush::Later).map_err(GitError::io(&file))?;
        }
        library.config()?.add_file(&file, git2::ConfigLevel::App, true)?;
        Ok(library)
    }

    /// Checks that the repository is where it was, and that git can read it.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn check(&self) -> Result<(), GitError> {
        if !self.inner.repo_root.exists() {
            return Err(GitError::Missing(self.inner.repo_root.clone()));
        }
        self.library()?;
        self.execution_config().map(drop)
    }

    /// Returns Paddock's own folder in the git directory; creates it if it is missing.
    pub(crate) fn own_folder(&self) -> Result<PathBuf, GitError> {
        let folder = self.inner.common_dir.join("paddock");
        fs::create_dir_all(&folder).map_err(GitError::io(&folder))?;
        Ok(folder)
    }

    fn check_has_commits(&self) -> Result<(), GitError> {
        let library = self.library()?;
        let has_commits = match library.head() {
            Ok(_) => true,
            Err(e) if matches!(e.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
                // HEAD may name a branch that nobody has made (a bare repository's `master`) while others
                // have commits.
                library.references_glob("refs/heads/*")?.next().is_some()
            }
            Err(e) => return Err(e.into()),
        };
        if has_commits { Ok(()) } else { Err(GitError::WithoutCommits(self.inner.repo_root.clone())) }
    }
}

/// Finds the git directory of a folder from its files alone. libgit2's discovery would also search the
/// parents and obey environment variables.
pub(crate) fn git_dir_of(root: &Path) -> Option<PathBuf> {
    let dot_git = root.join(".git");
    if dot_git.is_dir() {
        return fs::canonicalize(dot_git).ok();
    }
    if dot_git.is_file() {
        let text = plain::read_to_string(&dot_git).ok()?;
        let target = text.strip_prefix("gitdir:")?.trim();
        return fs::canonicalize(root.join(target)).ok();
    }
    let bare = root.join("HEAD").is_file() && root.join("objects").is_dir() && root.join("refs").is_dir();
    bare.then(|| root.to_owned())
}

fn common_dir_of(git_dir: &Path) -> Result<PathBuf, GitError> {
    let file = git_dir.join("commondir");
    match plain::read_to_string(&file) {
        Ok(text) => fs::canonicalize(git_dir.join(text.trim_end())).map_err(GitError::io(git_dir)),
        // Only linked worktrees have the file: this git directory is the shared one.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(git_dir.to_owned()),
        Err(error) => Err(GitError::io(&file)(error)),
    }
}

/// Refuses formats that libgit2 cannot open or would misread. Reads the configuration itself first, because
/// libgit2's own refusals do not say how to convert the repository.
fn check_format(root: &Path, common_dir: &Path) -> Result<git2::Config, GitError> {
    refuse_in_repository(common_dir)?;
    let file = common_dir.join("config");
    let config = git2::Config::open(&file)?;
    let mut entries = config.entries(None)?;
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.name().unwrap_or_default().to_owned();
        // The library panics at a key without a value, which git takes for true.
        let value = if entry.has_value() { entry.value_bytes() } else { b"true" };
        let value = String::from_utf8_lossy(value).to_lowercase();
        if let Some(fault) = format_fault(&name, &value) {
            return Err(fault);
        }
    }
    // Ends the borrow of `config`, which is returned.
    drop(entries);
    if common_dir.join("reftable").is_dir() {
        return Err(unsupported("the reftable ref format", REFTABLE_WAY_OUT));
    }
    // libgit2 takes the oldest commits of a shallow clone for commits whose parents are missing.
    if fs::metadata(common_dir.join("shallow")).is_ok_and(|file| file.len() > 0) {
        return Err(unsupported(
            "a shallow clone",
            "fetch the rest of its history with `git fetch --unshallow`",
        ));
    }
    // libgit2 checks ownership itself, and refuses whatever else it does not support.
    let opened = git2::Repository::open_bare(common_dir);
    opened.map(|_| config).map_err(|error| open_error(root, error))
}

const REFTABLE_WAY_OUT: &str = "run `git refs migrate --ref-format=files` in the repository";

fn format_fault(name: &str, value: &str) -> Option<GitError> {
    if name.starts_with("remote.") && name.ends_with(".promisor") && value != "false" {
        // libgit2 does not fetch objects on demand: it would report them as missing.
        return Some(partial_clone());
    }
    match name.strip_prefix("extensions.")? {
        "objectformat" if value == "sha1" => None,
        "objectformat" => Some(unsupported(
            &format!("the {value} object format"),
            "use a repository made with `git init --object-format=sha1`",
        )),
        "refstorage" if value == "files" => None,
        "refstorage" => Some(unsupported(&format!("the {value} ref format"), REFTABLE_WAY_OUT)),
        "partialclone" => Some(partial_clone()),
        known if KNOWN_EXTENSIONS.contains(&known) => None,
        other => Some(unsupported(
            &format!("the repository extension `{other}`"),
            "use a clone without it (`git config --get-regexp extensions` lists them)",
        )),
    }
}

fn partial_clone() -> GitError {
    unsupported(
        "a partial clone",
        "fetch what is missing with `git fetch --refetch --no-filter`, then unset `remote.*.promisor` and \
         `extensions.partialClone`; or use a full clone",
    )
}

fn unsupported(what: &str, way_out: &str) -> GitError {
    GitError::Unsupported { what: what.to_owned(), way_out: way_out.to_owned() }
}

fn open_error(root: &Path, error: git2::Error) -> GitError {
    match error.code() {
        ErrorCode::NotFound => GitError::NotARepository(root.to_owned()),
        ErrorCode::Owner => GitError::Owner(root.to_owned()),
        _ => GitError::Library(error),
    }
}

fn main_worktree_of(root: &Path, git_dir: &Path, common: &Path, config: &git2::Config) -> Option<PathBuf> {
    if config.get_bool("core.bare").unwrap_or(false) {
        return None;
    }
    if let Ok(configured) = config.get_path("core.worktree") {
        // git reads a relative `core.worktree` from the git directory.
        return fs::canonicalize(common.join(configured)).ok();
    }
    if git_dir == common && root != common {
        return Some(root.to_owned());
    }
    let named_dot_git = common.file_name().is_some_and(|name| name == ".git");
    if named_dot_git { common.parent().map(Path::to_owned) } else { None }
}

/// Converts an id to libgit2's type.
/// Checks that a git directory is there, after something was not found in it: what a repository held that is
/// moved away meanwhile was not removed from it.
pub(crate) fn check_there(common_dir: &Path) -> Result<(), GitError> {
    fs::metadata(common_dir).map(drop).map_err(GitError::io(common_dir))
}

pub(crate) fn oid(id: &ObjectId) -> Result<git2::Oid, GitError> {
    Ok(git2::Oid::from_str(id.as_str())?)
}

/// Converts an id from libgit2's type.
pub(crate) fn object_id(oid: git2::Oid) -> Result<ObjectId, GitError> {
    ObjectId::new(oid.to_string()).map_err(|error| GitError::Unexpected(error.to_string()))
}
