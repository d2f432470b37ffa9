//! What the pane remembers.

use std::cell::Cell;

use paddock_model::ids::ObjectiveId;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {
    /// The objective that is selected; none: the first entry.
    pub at: Option<ObjectiveId>,
    pub(super) top: Cell<usize>,
    /// The entry that was selected last, by its place.
    pub(super) near: Cell<usize>,
    /// Where the entries begin, and how many are on the screen.
    pub(super) shown: Cell<(usize, usize)>,
}
