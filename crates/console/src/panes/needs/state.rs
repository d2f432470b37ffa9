//! What the pane remembers.

use std::cell::Cell;
use std::collections::BTreeMap;

use paddock_model::ids::GateId;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {
    /// The need that is selected, by its name; none: the first.
    pub at: Option<String>,
    /// The telling lines of gate runs, once they were read.
    pub reported: BTreeMap<GateId, Vec<String>>,
    pub(super) top: Cell<usize>,
    /// The need that was selected last, by its place.
    pub(super) near: Cell<usize>,
    /// The rows of the selected card, as drawn last.
    pub(super) rows: Cell<usize>,
}
