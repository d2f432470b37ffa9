//! The characters that the graph is drawn with.

/// The characters of a gutter. Two of them may be equal if they look alike in a character set, as long as the
/// arms stay readable: up, down, or passing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlyphSet {
    /// A graph lane that passes the row without a connection.
    pub pass: char,
    /// The horizontal stroke to the node.
    pub across: char,
    /// The row's own lane begins; nothing further left is connected.
    pub begin: char,
    /// The row's own lane begins; the stroke continues to the left.
    pub begin_across: char,
    /// A lane ends here; nothing further left is connected.
    pub end: char,
    /// A lane ends here; the stroke continues to the left.
    pub end_across: char,
    /// The row needs a lane that continues downward; nothing further left is connected.
    pub tap: char,
    /// The row needs a lane that continues downward; the stroke continues to the left.
    pub tap_across: char,
    /// A dependency of the row could not be drawn.
    pub more: char,
}

/// Box-drawing characters, for terminals with UTF-8.
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

/// ASCII characters, for any terminal.
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
