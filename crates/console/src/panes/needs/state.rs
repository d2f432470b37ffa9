//! The state of the pane of needs.

use std::cell::Cell;
use std::collections::BTreeMap;

use paddock_model::ids::GateId;

/// The state of the pane of needs.
#[derive(Debug, Default)]
pub struct Local {
    /// Occurrence of the selected need; `None` selects the first.
    pub at: Option<String>,
    /// Failure lines of gate runs that were read; empty while a run is being read, or if it cannot be.
    pub failures: BTreeMap<GateId, Vec<String>>,
    /// Index of the first card on the screen.
    pub(super) top: Cell<usize>,
    /// Index of the need that was selected last.
    pub(super) near: Cell<usize>,
    /// Rows of the selected card, as drawn last.
    pub(super) rows: Cell<usize>,
}
