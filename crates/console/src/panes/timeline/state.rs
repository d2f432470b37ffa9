//! What the pane remembers.

use std::cell::Cell;

use paddock_model::ids::ObjectiveId;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {
    /// How much is shown; none: as much as has run, within reason.
    pub span: Option<usize>,
    /// The objective whose lane is selected.
    pub at: Option<ObjectiveId>,
    pub(super) top: Cell<usize>,
    /// The lane that was selected last, by its place.
    pub(super) near: Cell<usize>,
}
