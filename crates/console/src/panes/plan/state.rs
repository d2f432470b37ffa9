//! What the pane remembers.

use std::cell::Cell;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {
    /// The first line on the screen.
    pub top: Cell<usize>,
}
