//! Draws the dependency graph of objectives: one row per objective, with the edges in a gutter to the left.
//!
//! Every objective that others need owns one vertical *lane* of the graph, from its own row down to the last
//! row that needs it. Within a row, a lane that joins the horizontal stroke from above is needed there; the
//! lane that leaves the stroke downward is the row's own; a lane that only passes interrupts the stroke. Each
//! stroke therefore belongs to one objective, and no crossing is ambiguous:
//!
//! ```text
//! ╭───● schema        needed by two
//! ├─┬─● tokens        needs schema; needed by one
//! ╰─│─○ pages         needs only schema; the lane of tokens passes
//!   ╰─○ billing       needs tokens
//! ```
//!
//! Rows are ordered by dependency, never by state, so that they do not jump while work continues. The module
//! is pure: the picture depends on the nodes alone. [`Drawing`] hides how it is drawn.

mod fold;
mod glyphs;
mod order;
mod paths;
mod rails;

pub use fold::{Folds, Row, rows};
pub use glyphs::ASCII;
pub(crate) use glyphs::{GlyphSet, UNICODE};
pub use order::order;
pub use paths::critical;
pub(crate) use paths::{Kin, kin};
pub use rails::Rails;

/// One objective, as far as drawing needs to know it. A node is identified by its index in the slice of
/// nodes. Pass them oldest first: the index also decides between nodes whose order is otherwise free.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// Indices of the nodes that it needs. The caller leaves out objectives that are not in the list.
    pub needs: Vec<u32>,
    /// The group (heading) that it belongs to. Lower groups come first.
    pub group: u32,
    /// Whether it is done and may therefore be folded.
    pub is_done: bool,
}

/// One character of the gutter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The character.
    pub glyph: char,
    /// Whether it is highlighted as part of a path to or from the selection.
    pub is_lit: bool,
}

/// Draws the gutter of a list of rows. A trait, so that another way
/// of drawing can replace this one without a change to the pane.
pub(crate) trait Drawing: std::fmt::Debug + Send {
    /// Returns the width of every gutter, in characters. The node's glyph follows directly.
    fn width(&self) -> usize;

    /// Returns the gutter of a row: exactly [`Drawing::width`]
    /// characters. `kin` relates a row to the selection.
    fn gutter(&self, row: usize, kin: &dyn Fn(usize) -> Kin, glyphs: &GlyphSet) -> Vec<Piece>;

    /// Returns whether any dependency could not be drawn.
    fn is_cut(&self) -> bool;
}

#[cfg(test)]
mod tests;
