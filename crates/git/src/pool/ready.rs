//! The record that makes an entry of the pool count.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::error::GitError;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, write_atomic};
use paddock_os::plain;

/// Name of the file among the private files of an entry.
const FILE: &str = "ready.json";

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ready {
    /// Commit whose files lie in the folder.
    pub(super) commit: ObjectId,
    /// What decided how git wrote them.
    pub(super) fingerprint: String,
    /// Submodules of the commit, which are empty folders.
    pub(super) submodules: BTreeSet<RepoPath>,
}

impl Ready {
    /// Reads the record. Returns `None` if the entry does not count.
    pub(super) fn read(private: &Path) -> Option<Self> {
        serde_json::from_slice(&plain::read(private.join(FILE)).ok()?).ok()
    }

    /// Makes the entry count.
    pub(super) fn write(&self, private: &Path) -> Result<(), GitError> {
        let file = private.join(FILE);
        let text = serde_json::to_vec(self).map_err(|error| GitError::Unexpected(error.to_string()))?;
        write_atomic(&file, &text, PRIVATE_FILE_MODE, Flush::Later).map_err(GitError::io(&file))
    }

    /// Makes the entry count no more.
    pub(super) fn remove(private: &Path) -> Result<(), GitError> {
        let file = private.join(FILE);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io(&file)(error)),
            _ => Ok(()),
        }
    }
}
