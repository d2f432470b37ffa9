//! The state of the grid.

use paddock_model::ids::SessionId;

/// The state of the grid.
#[derive(Debug, Default)]
pub struct Local {
    /// Session of the selected tile.
    pub selected: Option<SessionId>,
    /// Index of the tile that was selected last.
    pub(super) near: usize,
}
