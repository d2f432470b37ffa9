//! Lays out lines of a log as rows of the screen.

use super::ansi::Run;
use super::doc::Content;
use super::lens::{Place, Shown};
use super::matcher::Matcher;
use super::view::marked;
use super::wrap::{WrapOptions, wrap};
use paddock_agents::transcript::LineKind;

/// Cells for `HH:MM:SS` and the gap after it.
const TIME_WIDTH: usize = 10;
/// Cells for a verb and the gap after it.
const VERB_WIDTH: usize = 7;
/// Cells from which on a row has a column for the time: with fewer, the text would be too narrow to read.
const TIME_FROM_WIDTH: usize = 48;

/// How rows are laid out.
#[derive(Debug, Clone)]
pub(crate) struct RowLayout {
    /// Cells of a row.
    pub width: usize,
    /// Whether the time of any entry is known.
    pub has_times: bool,
    /// Whether the view is raw: without times and verbs.
    pub is_raw: bool,
    /// Whether long lines are cut instead of wrapped.
    pub cuts: bool,
    /// Search whose matches are highlighted.
    pub find: Option<Matcher>,
}

/// One row of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenRow {
    /// Shown place of the line that the row belongs to.
    pub place: Place,
    /// Index of the row in its line.
    pub part: usize,
    /// Whether the row is the last of its line.
    pub is_last: bool,
    /// Whether the cursor is on the line.
    pub is_cursor: bool,
    /// Kind of the entry; `None` in a raw view.
    pub kind: Option<LineKind>,
    /// Time to show before the text, in Unix milliseconds.
    pub at_ms: Option<i64>,
    /// Verb to show before the text.
    pub verb: Option<&'static str>,
    /// Cells of time and verb together.
    pub indent: usize,
    /// Cells of the time.
    pub time_width: usize,
    /// Text of the row.
    pub runs: Vec<Run>,
    /// Number of lines that a fold hides, if the row shows a fold.
    pub folded: Option<u64>,
}

/// Returns the verb of a kind of entry. Messages of the agent and output of commands have none.
#[must_use]
pub fn verb(kind: LineKind) -> Option<&'static str> {
    match kind {
        LineKind::Read => Some("reads"),
        LineKind::Edit => Some("edits"),
        LineKind::Run => Some("runs"),
        LineKind::Commit => Some("commit"),
        LineKind::Error => Some("error"),
        LineKind::Say | LineKind::Output | LineKind::Note => None,
    }
}

/// Returns the placeholder for a line whose text has not been read yet.
fn awaited() -> Vec<Run> {
    vec![Run { text: "…".to_owned(), style: ratatui::style::Style::new() }]
}

/// Returns the rows of a line, at least one.
#[must_use]
pub(crate) fn lay_out(row_layout: &RowLayout, place: Place, shown: Shown) -> Vec<ScreenRow> {
    let (content, folded) = match shown {
        Shown::Text(content) => (Some(content), None),
        Shown::Fold(lines) => (None, Some(lines)),
        // The placeholder is one row: the height of the line is not known yet.
        Shown::Awaited => (Some(Content { kind: None, is_first: false, at_ms: None, runs: awaited() }), None),
    };
    // A fold has no content; it is always a fold of output.
    let kind = content.as_ref().map_or(Some(LineKind::Output), |content| content.kind);
    let has_time = row_layout.has_times && row_layout.width >= TIME_FROM_WIDTH;
    let time_width = if has_time { TIME_WIDTH } else { 0 };
    // Output is indented below the verb of its command; prose uses the whole width.
    let indent = match kind {
        _ if row_layout.is_raw => 0,
        Some(LineKind::Say | LineKind::Note) | None => time_width,
        Some(_) => time_width + VERB_WIDTH,
    };
    let options =
        WrapOptions { width: row_layout.width.saturating_sub(indent).max(1), at_blanks: !row_layout.is_raw };
    let is_first = content.as_ref().is_some_and(|content| content.is_first);
    // Time and verb are shown once for an entry, on its first row.
    let at_ms = content.as_ref().and_then(|content| content.at_ms).filter(|_| has_time && is_first);
    let verb = kind.and_then(verb).filter(|_| is_first && !row_layout.is_raw);
    let runs = content.map(|content| content.runs).unwrap_or_default();
    let runs = row_layout.find.as_ref().map_or_else(|| runs.clone(), |find| marked(&runs, find));
    let mut broken = wrap(&runs, options);
    if row_layout.cuts {
        broken.truncate(1);
    }
    // `wrap` returns at least one row.
    let last = broken.len() - 1;
    let row = |(part, runs): (usize, Vec<Run>)| ScreenRow {
        place,
        part,
        is_last: part == last,
        is_cursor: false,
        kind,
        at_ms: at_ms.filter(|_| part == 0),
        verb: verb.filter(|_| part == 0),
        indent,
        time_width,
        runs,
        folded,
    };
    broken.into_iter().enumerate().map(row).collect()
}
