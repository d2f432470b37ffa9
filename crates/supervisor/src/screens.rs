//! What the conflict radars of all projects saw last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use paddock_git::Radar;
use paddock_model::ids::{ObjectId, ObjectiveId, ProjectSlug};

/// What a scan was made of: the tip, and every live branch with its head.
pub(super) type Seen = (ObjectId, Vec<(ObjectiveId, ObjectId)>);

/// What one project's radar saw last.
#[derive(Default)]
pub(super) struct Screen {
    pub(super) radar: Radar,
    pub(super) seen: Option<Seen>,
}

/// The radars of all projects.
#[derive(Default)]
pub(super) struct Radars {
    pub(super) screens: Mutex<BTreeMap<ProjectSlug, Screen>>,
    /// Projects that a scan waits for: another one would see nothing else.
    pub(super) due: Mutex<BTreeSet<ProjectSlug>>,
}
