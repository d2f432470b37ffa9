//! What the pane remembers.

use paddock_model::ids::SessionId;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {
    /// The selected tile's session.
    pub selected: Option<SessionId>,
    /// The tile that was selected last, by its place.
    pub(super) near: usize,
}
