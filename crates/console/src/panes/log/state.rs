//! The state of the log pane.

use crate::log::Book;

/// The state of the log pane.
#[derive(Debug, Default)]
pub struct Local {
    /// Open logs, including those that other panes show.
    pub book: Book,
}
