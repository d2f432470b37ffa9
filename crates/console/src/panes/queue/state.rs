//! The state of the queue's pane.

use std::cell::Cell;

use paddock_model::ids::ObjectiveId;

/// The state of the queue's pane.
#[derive(Debug, Default)]
pub struct Local {
    /// Objective of the selected entry; `None` selects the first entry.
    pub at: Option<ObjectiveId>,
    /// Index of the first entry on the screen.
    pub(super) top: Cell<usize>,
    /// Index of the entry that was selected last.
    pub(super) near: Cell<usize>,
    /// Row of the pane at which the entries begin, and the number of entries on the screen, as drawn last.
    pub(super) shown: Cell<(usize, usize)>,
}
