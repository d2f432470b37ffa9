//! What the kernel knows about the reading of project files, and the commands that wait for it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use super::message::ReplyTo;
use super::stamps::Stamp;
use paddock_model::command::Command;
use paddock_model::ids::ProjectSlug;

/// What the kernel knows about the reading of project files.
#[derive(Default)]
pub(super) struct Reading {
    /// The version of each project's file that was read last.
    pub(super) read: BTreeMap<ProjectSlug, Stamp>,
    /// Commands that wait for their project's file, in the order of their arrival. Bounded by the clients,
    /// each of which waits for its answers.
    pub(super) waiting: Vec<Waiting>,
    /// Versions of files that could not be taken up, so that each is named in the log once.
    pub(super) refused: BTreeMap<PathBuf, Stamp>,
}

/// A command that waits for its project's file.
pub(super) struct Waiting {
    pub(super) project: ProjectSlug,
    pub(super) command: Box<Command>,
    pub(super) reply_to: ReplyTo,
    pub(super) since: Instant,
}

impl Reading {
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Takes the commands out that are due: those of a project, or those that have waited for too long.
    pub(super) fn due(&mut self, is_due: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        let (due, left) = std::mem::take(&mut self.waiting).into_iter().partition(|one| is_due(one));
        self.waiting = left;
        due
    }
}
