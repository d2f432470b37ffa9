//! The characters that lanes are drawn with.

/// The strokes of a gutter. Those that look alike in a set may be the same character; which arms a character
/// has must stay readable: up into the stroke, down out of it, or passing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlyphSet {
    /// A lane that only passes.
    pub pass: char,
    /// The stroke to the node.
    pub across: char,
    /// The line's own lane begins; nothing further left is connected.
    pub begin: char,
    /// The same with the stroke going on to the left.
    pub begin_across: char,
    /// A lane ends here; nothing further left is connected.
    pub end: char,
    /// The same with the stroke going on to the left.
    pub end_across: char,
    /// A lane is needed here and goes on; nothing further left is connected.
    pub tap: char,
    /// The same with the stroke going on to the left.
    pub tap_across: char,
    /// Something here could not be drawn.
    pub more: char,
}

/// Box drawing.
pub(crate) const UNICODE: GlyphSet = GlyphSet {
    pass: '│',
    across: '─',
    begin: '╭',
    begin_across: '┬',
    end: '╰',
    end_across: '┴',
    tap: '├',
    tap_across: '┼',
    more: '…',
};

/// Seven bits.
pub const ASCII: GlyphSet = GlyphSet {
    pass: '|',
    across: '-',
    begin: ',',
    begin_across: ',',
    end: '\'',
    end_across: '\'',
    tap: '+',
    tap_across: '+',
    more: '~',
};
