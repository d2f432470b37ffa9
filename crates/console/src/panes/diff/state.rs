//! The state of the diff.

use std::cell::Cell;
use std::path::PathBuf;

use crate::log::Matcher;
use paddock_git::{Difference, GitError, Range};
use paddock_model::ids::{ObjectId, ObjectiveKey};

/// The state of the diff.
#[derive(Debug, Default)]
pub struct Local {
    /// Last request.
    pub(super) asked: Option<Wanted>,
    /// Last answer, with its request. The answer is `None` if the branch does not exist.
    pub(super) got: Option<(Wanted, Result<Option<Difference>, GitError>)>,
    /// First line on the screen.
    pub(super) top: usize,
    /// Largest useful value of `top`, as drawn last.
    pub(super) bottom_top: Cell<usize>,
    /// Search, if any.
    pub(super) find: Option<Matcher>,
    /// Whether the last search found nothing.
    pub(super) not_found: bool,
}

/// A request for a diff. It is made again when any part changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) objective: ObjectiveKey,
    pub(super) repo_root: PathBuf,
    pub(super) range: Range,
    /// Number of finished sessions, head of the branch, and, while a session works, the time in steps of ten
    /// seconds: what may have changed the diff.
    pub(super) age: (usize, Option<ObjectId>, Option<i64>),
}
