//! Taking an entry out of the pool for a commit.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::super::error::GitError;
use super::super::gate_folder::{clear, exact::Exact};
use super::super::repository::Repository;
use super::ready::Ready;
use super::shelf::{Entry, Pool};
use super::tend::PLACE_FILE;
use paddock_model::ids::ObjectId;
use paddock_os::fail_points::fail_point;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, write_atomic};

/// Working files that hold exactly a commit, and that are to become those of a place.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    repository: &'a Repository,
    pool: &'a Pool,
    entry: Entry,
    /// Inode and device of the folder that was proven.
    identity: (u64, u64),
}

impl Pool {
    /// Takes an entry out of the pool and brings it to a commit. Returns `None` if the pool has none: an
    /// entry of which anything is in doubt, or that cannot be brought there, is left to be reset.
    pub(crate) fn take<'a>(&'a self, repository: &'a Repository, commit: &ObjectId) -> Option<Taken<'a>> {
        // Ends: each round makes one entry count no more.
        while let Some((entry, ready)) = self.ready_entry(commit) {
            let taken = Taken { repository, pool: self, identity: identity_of(&entry.folder)?, entry };
            match taken.bring(ready, commit) {
                Ok(true) => return Some(taken),
                Ok(false) => {}
                Err(error) => {
                    tracing::info!(%error, folder = %taken.entry.folder.display(), "an entry of a pool is reset");
                }
            }
            if let Err(error) = Ready::remove(&taken.entry.private) {
                tracing::warn!(%error, "the pool cannot be used");
                return None;
            }
        }
        None
    }
}

impl Taken<'_> {
    fn exact(&self) -> Exact<'_> {
        Exact::new(self.repository, &self.entry.folder, &self.entry.private, self.pool.trust)
    }

    /// Brings the entry to the commit. Returns `false` if it is not what it was.
    fn bring(&self, ready: Ready, commit: &ObjectId) -> Result<bool, GitError> {
        if ready.fingerprint != self.repository.checkout_fingerprint()? {
            return Ok(false);
        }
        let Some(proven) = self.exact().prove(ready.submodules) else {
            tracing::warn!(folder = %self.entry.folder.display(), "something wrote into an entry of a pool");
            return Ok(false);
        };
        // From here on the entry belongs to a place: after a crash it is reset.
        Ready::remove(&self.entry.private)?;
        let is_there = self.exact().advance(proven, commit)?.is_some();
        fail_point!("pool.taken");
        Ok(is_there)
    }

    /// Returns a path among the private files, for what is made before the folder has its place.
    pub(crate) fn aside(&self, name: &str) -> PathBuf {
        self.entry.private.join(name)
    }

    /// Copies the index to a file, and renames the folder to a path where nothing lies, or an empty folder.
    ///
    /// # Errors
    /// Fails if the file system reports an error, or if the folder is no longer the one that was proven. The
    /// caller clears away what lies at the path then.
    pub(crate) fn give(&self, path: &Path, index: &Path) -> Result<(), GitError> {
        self.exact().give_index(index)?;
        fs::rename(&self.entry.folder, path).map_err(GitError::io(path))?;
        fail_point!("pool.renamed");
        if identity_of(path) != Some(self.identity) {
            let path = path.display();
            return Err(GitError::Unexpected(format!("something replaced the folder that became {path}")));
        }
        Ok(())
    }

    /// Keeps what is known of the files at a path, so that they are reset the faster once they come back.
    ///
    /// # Errors
    /// Fails if the file system reports an error.
    pub(crate) fn settle(self, path: &Path) -> Result<(), GitError> {
        if let Err(error) = self.keep_records(path) {
            tracing::debug!(%error, "what is known of a worktree's files is not kept");
            clear(&self.entry.private).map_err(GitError::io(&self.entry.private))?;
        }
        Ok(())
    }

    fn keep_records(&self, path: &Path) -> Result<(), GitError> {
        let out = self.pool.out_of(path)?;
        clear(&out).map_err(GitError::io(&out))?;
        let file = self.entry.private.join(PLACE_FILE);
        let text = path.as_os_str().as_bytes();
        write_atomic(&file, text, PRIVATE_FILE_MODE, Flush::Later).map_err(GitError::io(&file))?;
        fs::rename(&self.entry.private, &out).map_err(GitError::io(&out))
    }
}

/// Returns inode and device of a folder; `None` if there is none.
fn identity_of(folder: &Path) -> Option<(u64, u64)> {
    let facts = fs::symlink_metadata(folder).ok().filter(fs::Metadata::is_dir)?;
    Some((facts.ino(), facts.dev()))
}
