//! The last results of the conflict radars of all projects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use paddock_git::Radar;
use paddock_model::ids::{ObjectId, ObjectiveId, ProjectSlug};

/// The inputs of a scan: the tip, and every live branch with its head.
pub(super) type ScanInputs = (ObjectId, Vec<(ObjectiveId, ObjectId)>);

/// The radar of one project.
#[derive(Default)]
pub(super) struct RadarState {
    /// Keeps the results of pairs, so that a new commit costs only the pairs of its branch.
    pub(super) radar: Radar,
    /// Inputs of the last scan that succeeded.
    pub(super) scanned: Option<ScanInputs>,
}

/// The radars of all projects.
#[derive(Default)]
pub(super) struct Radars {
    pub(super) states: Mutex<BTreeMap<ProjectSlug, RadarState>>,
    /// Projects for which a scan is ordered and has not begun. A second scan would see the same.
    pub(super) due: Mutex<BTreeSet<ProjectSlug>>,
}
