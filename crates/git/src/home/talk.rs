//! What the frames between the supervisor and a place's helper hold.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::stash::StashEntry;
use paddock_model::ids::ObjectId;

/// Header of a request to bring. Its body is empty, or the project's tags as JSON, which the helper keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bring {
    /// Whether the session has ended, so that what is only staged comes as well.
    pub(crate) last: bool,
    /// Largest blob that may come, in bytes.
    pub(crate) blob_bytes: u64,
    /// Largest commit, tag or tree that may come, in bytes.
    pub(crate) other_bytes: u64,
    /// Number of objects that may come.
    pub(crate) objects: u32,
}

/// Header of a request to wait for a change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Watch {
    /// Longest wait, in milliseconds.
    pub(crate) timeout_ms: u64,
}

/// Header of the answer to a wait.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Changed {
    /// Whether the refs differ from those of the last answer.
    pub(crate) changed: bool,
}

/// Header of a fault, or of a thing that stays in the place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reported {
    /// The ref or path that is at fault; empty for the whole place.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) path: String,
    /// What is wrong, as the second half of a sentence.
    pub(crate) reason: String,
}

/// The project's tags by name, with the objects that they name.
pub(crate) type Tags = BTreeMap<String, ObjectId>;

/// Where HEAD of a place is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlaceHead {
    /// The commit; `None` on a branch without commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<ObjectId>,
    /// The whole name of the ref that HEAD follows; `None` if HEAD is detached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// The refs of a place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct PlaceRefs {
    /// HEAD.
    pub(crate) head: PlaceHead,
    /// Value of the work branch; `None` if the place has no such branch.
    pub(crate) branch: Option<ObjectId>,
    /// All other refs but the stash and the project's own tags, by name.
    pub(crate) others: BTreeMap<String, ObjectId>,
    /// Entries of the stash, oldest first.
    pub(crate) stashes: Vec<StashEntry>,
}

/// The body of a `refs` frame.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Listed {
    /// The refs.
    pub(crate) refs: PlaceRefs,
    /// Of the last answer: blobs that are staged and that HEAD does not have.
    pub(crate) staged: Vec<ObjectId>,
    /// Of the last answer: names of what stands for an operation in progress, of [`OPERATIONS`].
    pub(crate) operations: Vec<String>,
}

/// What git puts into a git directory while an operation is in progress, and whether it is a folder.
pub(crate) const OPERATIONS: [(&str, bool); 6] = [
    ("MERGE_HEAD", false),
    ("CHERRY_PICK_HEAD", false),
    ("REVERT_HEAD", false),
    ("BISECT_LOG", false),
    ("rebase-merge", true),
    ("rebase-apply", true),
];
