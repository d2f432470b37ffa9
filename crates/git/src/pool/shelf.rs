//! Where the entries of a pool lie, and which of them somebody works on.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::super::error::GitError;
use super::super::gate_folder::{StatTrust, clear};
use super::super::repository::Repository;
use super::super::worktree::absolute;
use super::ready::Ready;
use paddock_model::ids::ObjectId;
use paddock_os::files::{make_private_dir, random_hex};

/// Name of the folder of a pool, beside the worktrees of its project. No objective has such an id.
const FOLDER: &str = "_pool";
/// End of the names of files by which the time of a file system is read.
const CLOCK: &str = ".clock";
/// Beginning of the names under which the records of folders lie that are out of the pool.
const OUT: &str = "out-";

/// Entries that a thread of this process works on.
static BUSY: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The pool of a project's worktrees.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Folder of the entries.
    folder: PathBuf,
    /// Folder with what is known of each.
    private: PathBuf,
    pub(super) trust: StatTrust,
}

/// An entry that no other thread works on meanwhile.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) folder: PathBuf,
    pub(super) private: PathBuf,
}

impl Drop for Entry {
    fn drop(&mut self) {
        BUSY.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.folder);
    }
}

impl Pool {
    /// Names the pool beside the worktrees in a folder; makes nothing.
    ///
    /// # Errors
    /// Fails if the folder's path cannot be made absolute.
    pub fn new(repository: &Repository, worktrees: &Path, trust: StatTrust) -> Result<Self, GitError> {
        let folder = absolute(&worktrees.join(FOLDER))?;
        let private = repository.common_dir().join("paddock/pool").join(hash_of(&folder)?);
        Ok(Self { folder, private, trust })
    }

    /// Returns whether a worktree at a path belongs beside this pool, on the same file system.
    #[must_use]
    pub fn is_for(&self, worktree: &Path) -> bool {
        absolute(worktree).is_ok_and(|path| path.parent() == self.folder.parent())
    }

    /// Makes the folders of the pool. Something else in the place of the first is removed: an agent can put a
    /// link there, and entries would be made elsewhere.
    pub(super) fn make(&self) -> Result<(), GitError> {
        match fs::symlink_metadata(&self.folder) {
            Ok(facts) if !facts.is_dir() => clear(&self.folder).map_err(GitError::io(&self.folder))?,
            _ => {}
        }
        make_private_dir(&self.private).map_err(GitError::io(&self.private))?;
        make_private_dir(&self.folder).map_err(GitError::io(&self.folder))
    }

    /// Returns the names of the folders in the pool.
    pub(super) fn names(&self) -> Result<BTreeSet<String>, GitError> {
        let mut names = self.all_names()?;
        names.retain(|name| !name.ends_with(CLOCK));
        Ok(names)
    }

    fn all_names(&self) -> Result<BTreeSet<String>, GitError> {
        if fs::symlink_metadata(&self.folder).is_ok_and(|facts| !facts.is_dir()) {
            return Ok(BTreeSet::new());
        }
        listed(&self.folder)
    }

    /// Removes what killed processes left beside the entries.
    pub(super) fn remove_probes(&self) -> Result<(), GitError> {
        for name in self.all_names()?.iter().filter_map(|name| name.strip_suffix(CLOCK)) {
            // While a thread works on an entry, the probe is its own.
            let Some(entry) = self.entry(name) else { continue };
            let probe = entry.folder.with_file_name(format!("{name}{CLOCK}"));
            clear(&probe).map_err(GitError::io(&probe))?;
        }
        Ok(())
    }

    /// Returns the names of the private folders, of entries and of folders that are out of the pool.
    pub(super) fn records(&self) -> Result<BTreeSet<String>, GitError> {
        listed(&self.private)
    }

    /// Takes an entry for this thread. Returns `None` if another one works on it.
    pub(super) fn entry(&self, name: &str) -> Option<Entry> {
        let entry = Entry { folder: self.folder.join(name), private: self.private.join(name) };
        let mut busy = BUSY.lock().unwrap_or_else(PoisonError::into_inner);
        if !busy.insert(entry.folder.clone()) {
            drop(busy);
            // The folder is another thread's: nothing is to be given back.
            std::mem::forget(entry);
            return None;
        }
        Some(entry)
    }

    /// Takes an entry with a new name.
    pub(super) fn new_entry(&self) -> Result<Entry, GitError> {
        let name = random_hex(6).map_err(GitError::io(&self.folder))?;
        self.entry(&name).ok_or_else(|| GitError::Unexpected(format!("{name} is in use")))
    }

    /// Takes an entry that is ready: one that holds the commit, if there is one.
    pub(super) fn ready_entry(&self, commit: &ObjectId) -> Option<(Entry, Ready)> {
        let names = self.names().ok()?;
        let ready = |name: String| Some((Ready::read(&self.private.join(&name))?, name));
        let mut found: Vec<(Ready, String)> = names.into_iter().filter_map(ready).collect();
        found.sort_by_key(|(ready, _)| ready.commit != *commit);
        found.into_iter().find_map(|(_, name)| {
            let entry = self.entry(&name)?;
            // Another thread may have had it since it was listed.
            let ready = Ready::read(&entry.private)?;
            Some((entry, ready))
        })
    }

    /// Returns the private folder of a folder that was taken out of the pool and lies at a path now.
    pub(super) fn out_of(&self, path: &Path) -> Result<PathBuf, GitError> {
        Ok(self.private.join(format!("{OUT}{}", hash_of(path)?)))
    }

    /// Returns whether a private folder is that of a folder which is out of the pool.
    pub(super) fn is_out(name: &str) -> bool {
        name.starts_with(OUT)
    }

    /// Returns the path of a private folder.
    pub(super) fn record(&self, name: &str) -> PathBuf {
        self.private.join(name)
    }

    /// Removes the folders of the pool, once nothing is in them.
    pub(super) fn remove_empty(&self) {
        // A folder that is not empty stays.
        for folder in [&self.folder, &self.private] {
            let _ = fs::remove_dir(folder);
        }
    }
}

impl Entry {
    /// Removes the folder, and then everything that is known of it.
    pub(super) fn remove(&self) -> Result<(), GitError> {
        Ready::remove(&self.private)?;
        clear(&self.folder).map_err(GitError::io(&self.folder))?;
        clear(&self.private).map_err(GitError::io(&self.private))
    }
}

/// Returns the names in a folder; none if it is missing.
fn listed(folder: &Path) -> Result<BTreeSet<String>, GitError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries.map_err(GitError::io(folder))?,
    };
    // Names that are no text are nobody's entries; they go with the folder.
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.collect())
}

/// Returns a name for a path.
fn hash_of(path: &Path) -> Result<String, GitError> {
    let id = git2::Oid::hash_object(git2::ObjectType::Blob, path.as_os_str().as_bytes())?;
    Ok(id.to_string())
}
