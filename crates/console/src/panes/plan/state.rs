//! The state of the pane of plans.

use std::cell::Cell;

/// The state of the pane of plans.
#[derive(Debug, Default)]
pub struct Local {
    /// First line on the screen.
    pub top: Cell<usize>,
}
