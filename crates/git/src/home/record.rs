//! What came home last from a place: a file in the place's shadow.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::talk::PlaceHead;
use crate::error::GitError;
use crate::stash::StashEntry;
use paddock_model::facts::LeftBehind;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, write_atomic};
use paddock_os::plain;

/// Name of the file in the shadow.
const FILE: &str = "home.json";

/// Something that could not be brought home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotHome {
    /// A path in the place, or the name of a ref.
    pub path: String,
    /// Why not, as the second half of a sentence.
    pub reason: String,
}

/// What came home last from a place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Home {
    /// Value of the work branch; `None` before its first commit came home.
    #[serde(default)]
    pub branch: Option<ObjectId>,
    /// HEAD of the place.
    #[serde(default)]
    pub head: PlaceHead,
    /// Other refs of the place by name; not the project's own tags.
    #[serde(default)]
    pub refs: BTreeMap<String, ObjectId>,
    /// Entries of the place's stash, oldest first.
    #[serde(default)]
    pub stashes: Vec<StashEntry>,
    /// What could not be brought home.
    #[serde(default)]
    pub left: Vec<NotHome>,
    /// What the work branch and HEAD name beyond git's objects, and what is nowhere on this machine where it
    /// could be taken from: files of git LFS, commits of submodules. As the last bring of a session found it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<LeftBehind>,
    /// The value that the work branch is about to get. A crash may come before or after it has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) moving: Option<ObjectId>,
}

impl Home {
    /// Reads the record of a shadow. `None` if nothing has come home yet, or the record cannot be read: the
    /// next bring makes it anew.
    #[must_use]
    pub fn read(shadow: &Path) -> Option<Self> {
        serde_json::from_slice(&plain::read(shadow.join(FILE)).ok()?).ok()
    }

    /// Returns what could not be brought home, as the review is to know it. Broken copies of what a remote has,
    /// and tags, are nobody's work.
    #[must_use]
    pub fn left_behind(&self) -> Vec<LeftBehind> {
        let is_work =
            |left: &&NotHome| !["refs/remotes/", "refs/tags/"].iter().any(|of| left.path.starts_with(of));
        let left = self.left.iter().filter(is_work).map(|left| LeftBehind {
            path: RepoPath::new(left.path.as_bytes()),
            reason: left.reason.clone(),
        });
        self.missing.iter().cloned().chain(left).collect()
    }

    /// Records that a new place begins with its work branch at this commit.
    ///
    /// # Errors
    /// Fails if the shadow cannot be written.
    pub fn begin(shadow: &Path, branch: &ObjectId) -> Result<(), GitError> {
        Self { branch: Some(branch.clone()), ..Self::default() }.write(shadow)
    }

    /// Records that Paddock has moved the work branch, and has given the place the same.
    ///
    /// # Errors
    /// Fails if the shadow cannot be written.
    pub fn follow(shadow: &Path, branch: &ObjectId) -> Result<(), GitError> {
        let before = Self::read(shadow).unwrap_or_default();
        Self { branch: Some(branch.clone()), moving: None, ..before }.write(shadow)
    }

    /// Writes the record. Not flushed: what it lacks after a power loss comes home again.
    pub(crate) fn write(&self, shadow: &Path) -> Result<(), GitError> {
        let file = shadow.join(FILE);
        let text = serde_json::to_vec(self).map_err(|error| GitError::Unexpected(error.to_string()))?;
        write_atomic(&file, &text, PRIVATE_FILE_MODE, Flush::Later).map_err(GitError::io(&file))
    }
}
