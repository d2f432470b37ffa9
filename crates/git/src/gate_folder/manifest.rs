//! The record without which a base copy is none: what lies in it, and what the working copy was when both were
//! the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::table::{Kind, Seen, Stat, StatTrust, read_stored, write_stored};
use crate::error::GitError;
use paddock_model::path::RepoPath;
use paddock_os::files::make_private_dir;

/// Name of the file among the private files of a gate folder.
const FILE: &str = "cache-base";

/// What a base copy holds.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Key of the caches.
    pub(super) key: String,
    /// Key of the set-up that the state was made with.
    pub(super) set_up: Option<String>,
    /// The kept folders themselves.
    pub(super) roots: BTreeSet<RepoPath>,
    /// Time of the last look at the working copy. What changed then or later is not trusted.
    pub(super) looked_ns: i128,
    /// Time of the last look at the base copy.
    pub(super) base_looked_ns: i128,
    /// Everything in the kept folders, the folders included.
    pub(super) entries: BTreeMap<RepoPath, Entry>,
}

/// A file, link or folder of the base copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The working copy when it was last the same: it has the kind, mode, size and modification time that a
    /// restored one gets.
    pub(super) work: Stat,
    /// The copy in the base; of no meaning for a folder.
    pub(super) base: Stat,
    /// SHA-256 of the file's bytes or of the link's target; of nothing for a folder.
    pub(super) content: [u8; 32],
}

impl Manifest {
    /// Reads the record. Returns `None` if there is no valid base copy.
    pub(super) fn read(private: &Path) -> Option<Self> {
        read_stored(&file_in(private))
    }

    /// Makes the base copy valid.
    pub(super) fn write(&self, private: &Path) -> Result<(), GitError> {
        let file = file_in(private);
        make_private_dir(private).and_then(|()| write_stored(self, &file)).map_err(GitError::io(&file))
    }

    /// Makes the base copy invalid, until the record is written again.
    pub(super) fn remove(private: &Path) -> Result<(), GitError> {
        let file = file_in(private);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io(&file)(error)),
            _ => Ok(()),
        }
    }

    /// Returns whether the `stat` data prove that the working copy is still as recorded.
    pub(super) fn is_in_step(&self, entry: &Entry, stat: &Stat, trust: StatTrust) -> bool {
        trust == StatTrust::ChangeTime && *stat == entry.work && stat.changed_ns < self.looked_ns
    }

    /// Returns whether the base copy of a file or link still is what the record says. Code under test runs as
    /// the user and can write there.
    pub(super) fn is_base_right(&self, entry: &Entry, path: &Path, trust: StatTrust) -> io::Result<bool> {
        let Some(stat) = Stat::read(path)? else { return Ok(false) };
        if trust == StatTrust::ChangeTime && stat == entry.base && stat.changed_ns < self.base_looked_ns {
            return Ok(true);
        }
        if stat.kind != entry.work.kind || stat.size != entry.work.size {
            return Ok(false);
        }
        let seen = Seen::read(path)?;
        Ok(seen.is_some_and(|seen| seen.stat.kind == entry.work.kind && seen.content == entry.content))
    }

    /// Returns the folders, the deepest first.
    pub(super) fn folders_up(&self) -> impl Iterator<Item = (&RepoPath, &Entry)> {
        self.entries.iter().rev().filter(|(_, entry)| entry.work.kind == Kind::Folder)
    }
}

fn file_in(private: &Path) -> PathBuf {
    private.join(FILE)
}
