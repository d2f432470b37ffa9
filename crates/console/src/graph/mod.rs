//! The graph of objectives as lanes: one line per objective, the lines between them in a gutter to the left.
//!
//! Every objective that others need owns one vertical lane, from its own line down to the last one that needs
//! it. On a line, what comes from above into the horizontal stroke is needed here; what leaves it downward is
//! the line's own lane; a lane that only passes interrupts the stroke. So each stroke belongs to one
//! objective, and no crossing can be read in two ways:
//!
//! ```text
//! ╭───● schema        two need it
//! ├─┬─● tokens        needs schema; one needs it
//! ╰─│─○ pages         needs schema only: the lane of tokens passes
//!   ╰─○ billing       needs tokens
//! ```
//!
//! Lines are ordered by what needs what, never by state, so they do not jump while work goes on. Pure: what
//! is drawn follows from the nodes alone, and [`Drawing`] hides how.

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

/// One objective, as far as drawing cares. Nodes are named by their place in the list, and that place also
/// decides between nodes that could stand on the same line: give them oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// The nodes it needs; unknown ones are left out by the caller.
    pub needs: Vec<u32>,
    /// The heading it stands under: lower ones come first.
    pub group: u32,
    /// Whether it is done, so that it may be folded away.
    pub is_done: bool,
}

/// One character of the gutter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// What to draw.
    pub glyph: char,
    /// Whether it belongs to a way from or to the selection.
    pub is_lit: bool,
}

/// Draws the gutter of a list of lines. Behind a trait, so that another way of drawing can take its place
/// without the pane's knowing.
pub(crate) trait Drawing: std::fmt::Debug + Send {
    /// How many characters wide every gutter is; the node's own glyph comes right after it.
    fn width(&self) -> usize;

    /// The gutter of a line, exactly [`Drawing::width`] characters.
    fn gutter(&self, row: usize, kin: &dyn Fn(usize) -> Kin, glyphs: &GlyphSet) -> Vec<Piece>;

    /// Whether any dependency could not be drawn.
    fn is_cut(&self) -> bool;
}

#[cfg(test)]
mod tests;
