//! What the pane remembers.

use std::cell::Cell;
use std::path::PathBuf;

use crate::log::Matcher;
use paddock_git::{Difference, GitError, Range};
use paddock_model::ids::{ObjectId, ObjectiveKey};

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {
    /// What was asked for last.
    pub(super) asked: Option<Wanted>,
    /// What came of it.
    pub(super) got: Option<(Wanted, Result<Option<Difference>, GitError>)>,
    /// The first line on the screen.
    pub(super) top: usize,
    pub(super) bottom_top: Cell<usize>,
    pub(super) find: Option<Matcher>,
    /// Whether what was looked for last is nowhere in it.
    pub(super) is_nowhere: bool,
}

/// A diff at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) objective: ObjectiveKey,
    pub(super) repo_root: PathBuf,
    pub(super) range: Range,
    /// Sessions that are over and landings: what changes it.
    pub(super) age: (usize, Option<ObjectId>, Option<i64>),
}
