//! What the pane remembers.

use std::cell::Cell;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {
    /// The number of the selected event; none: the newest, whatever comes.
    pub at: Option<u64>,
    /// Only lines with this in them.
    pub filter: String,
    pub(super) top: Cell<usize>,
}
