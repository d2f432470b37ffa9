//! What Paddock remembers of a gate folder between its runs, out of the way of the code that runs in it.
//!
//! Three files: `table` (what lies at each tracked path), `index` (git's index as git wrote it), and
//! `record.json`. While the folder is being changed the table is missing, so that after a crash the folder
//! is made anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use git2::Oid;
use serde::{Deserialize, Serialize};

use super::super::error::GitError;
use super::super::objects::changed_paths;
use super::conversion::Conversion;
use super::table::{Seen, Table};
use super::tree::name;
use paddock_model::path::RepoPath;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, write_atomic};
use paddock_os::plain;

/// Facts about a gate folder that no table of files holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The folder that the record is about.
    pub(super) folder: PathBuf,
    /// The folder's own git directory.
    pub(super) git_dir: PathBuf,
    /// What decided how git wrote the files.
    pub(super) conversion: String,
    /// Submodules that the set-up filled.
    pub(super) submodules: BTreeMap<RepoPath, SetUp>,
    /// Untracked configuration of test runners that the set-up made, with its content.
    pub(super) made: BTreeMap<RepoPath, [u8; 32]>,
}

/// A submodule as the set-up left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SetUp {
    /// Its git directory.
    pub(super) git_dir: PathBuf,
    /// Hash of the files in there that can make git run something.
    pub(super) guard: String,
}

/// The last state of a gate folder.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) table: Table,
    pub(super) record: Record,
    /// Paths at which the table says nothing about the commit: their entries differ from the commit's.
    pub(super) changed: BTreeSet<RepoPath>,
}

impl Known {
    /// Reads the state. Returns `None` if a part of it is missing or damaged.
    pub(super) fn read(private: &Path) -> Option<Self> {
        let record = serde_json::from_slice(&plain::read(private.join("record.json")).ok()?).ok()?;
        let table = Table::read(&table_file(private))?;
        let is_whole = fs::symlink_metadata(index_file(private)).is_ok_and(|index| index.is_file());
        is_whole.then_some(Self { table, record, changed: BTreeSet::new() })
    }

    /// Stores the state; from here on it counts.
    pub(super) fn write(&self, private: &Path) -> Result<(), GitError> {
        let file = private.join("record.json");
        let text = serde_json::to_vec(&self.record)
            .map_err(|error| GitError::Unexpected(format!("{}: {error}", file.display())))?;
        write_atomic(&file, &text, PRIVATE_FILE_MODE, Flush::Later).map_err(GitError::io(&file))?;
        // The table goes last: without it nothing counts.
        let file = table_file(private);
        self.table.write(&file).map_err(GitError::io(&file))
    }

    /// Finds the paths whose entries differ between the known tree and `tree`. Returns `false` if an
    /// unchanged entry may be checked out differently now, or if the known tree is gone.
    pub(super) fn reach(
        &mut self,
        library: &git2::Repository,
        tree: Oid,
        conversion: &Conversion,
    ) -> Result<bool, GitError> {
        let before = Oid::from_str(&self.table.of).ok().filter(|id| library.find_tree(*id).is_ok());
        let (Some(before), true) = (before, self.record.conversion == conversion.fingerprint) else {
            return Ok(false);
        };
        // A part of the old tree may be gone: then nobody knows what git wrote.
        let Ok(changed) = changed_paths(library, Some(before), Some(tree)) else { return Ok(false) };
        self.changed = changed;
        Ok(!self.changed.iter().any(|path| name(path) == b".gitattributes"))
    }

    /// Returns what must lie at a path, if git has written this entry before.
    pub(super) fn expected(&self, path: &RepoPath) -> Option<&Seen> {
        if self.changed.contains(path) { None } else { self.table.entries.get(path) }
    }
}

/// Makes the stored state count no more.
pub(super) fn forget(private: &Path) -> Result<(), GitError> {
    let file = table_file(private);
    match fs::remove_file(&file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io(&file)(error)),
        _ => Ok(()),
    }
}

fn table_file(private: &Path) -> PathBuf {
    private.join("table")
}

/// Returns the path of the private copy of git's index.
pub(super) fn index_file(private: &Path) -> PathBuf {
    private.join("index")
}
