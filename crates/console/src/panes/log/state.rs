//! What the pane remembers.

use crate::log::Book;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {
    /// The open logs, those of the other panes among them.
    pub book: Book,
}
