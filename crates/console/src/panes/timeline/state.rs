//! The state of the timeline.

use std::cell::Cell;

use paddock_model::ids::ObjectiveId;

/// The state of the timeline.
#[derive(Debug, Default)]
pub struct Local {
    /// Index of the time span that a person has chosen; `None` shows all that has run, up to eight hours.
    pub span: Option<usize>,
    /// Objective whose row is selected.
    pub at: Option<ObjectiveId>,
    /// Index of the first row on the screen.
    pub(super) top: Cell<usize>,
    /// Index of the row that was selected last.
    pub(super) near: Cell<usize>,
}
