//! Lines as rows of the screen.

use super::ansi::Run;
use super::doc::Content;
use super::lens::{Place, Shown};
use super::matcher::Matcher;
use super::view::marked;
use super::wrap::{Breaking, rows};
use paddock_agents::transcript::LineKind;

/// Cells for `HH:MM:SS` and what parts it from the text.
const TIME_WIDTH: usize = 10;
/// Cells for a verb.
const VERB_WIDTH: usize = 7;
/// Narrower texts have no time beside them.
const TIME_FROM_WIDTH: usize = 48;

/// How rows are laid out.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    /// Cells of a row.
    pub width: usize,
    /// Whether any time is known.
    pub has_times: bool,
    /// Whether it is the log as it is.
    pub is_raw: bool,
    /// Whether long lines are cut instead of broken.
    pub cuts: bool,
    /// What is marked.
    pub find: Option<Matcher>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenRow {
    /// The line it belongs to.
    pub place: Place,
    /// Which row of that line, from 0.
    pub part: usize,
    /// Whether it is the last row of that line.
    pub is_last: bool,
    /// Whether the cursor is on its line.
    pub is_cursor: bool,
    /// What it tells of; none in a raw view.
    pub kind: Option<LineKind>,
    /// The time before the text, in Unix milliseconds.
    pub at_ms: Option<i64>,
    /// The verb before the text.
    pub verb: Option<&'static str>,
    /// Cells that time and verb take.
    pub indent: usize,
    /// Cells of them that the time takes.
    pub time_width: usize,
    /// The text.
    pub runs: Vec<Run>,
    /// It stands for so many lines that are folded.
    pub folded: Option<u64>,
}

/// One word for what an agent does; what it says and what comes out of commands needs none.
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

/// What stands for a line whose text is not at hand yet.
fn awaited() -> Vec<Run> {
    vec![Run { text: "…".to_owned(), style: ratatui::style::Style::new() }]
}

/// The rows of a line.
#[must_use]
pub(crate) fn lay_out(sheet: &Sheet, place: Place, shown: Shown) -> Vec<ScreenRow> {
    let (content, folded) = match shown {
        Shown::Text(content) => (Some(content), None),
        Shown::Fold(lines) => (None, Some(lines)),
        Shown::Awaited => (Some(Content { kind: None, is_first: false, at_ms: None, runs: awaited() }), None),
    };
    let kind = content.as_ref().map_or(Some(LineKind::Output), |content| content.kind);
    let has_time = sheet.has_times && sheet.width >= TIME_FROM_WIDTH;
    let time_width = if has_time { TIME_WIDTH } else { 0 };
    let indent = match kind {
        _ if sheet.is_raw => 0,
        Some(LineKind::Say | LineKind::Note) | None => time_width,
        Some(_) => time_width + VERB_WIDTH,
    };
    let breaking = Breaking { width: sheet.width.saturating_sub(indent).max(1), at_blanks: !sheet.is_raw };
    let is_first = content.as_ref().is_some_and(|content| content.is_first);
    let at_ms = content.as_ref().and_then(|content| content.at_ms).filter(|_| has_time && is_first);
    let verb = kind.and_then(verb).filter(|_| is_first && !sheet.is_raw);
    let runs = content.map(|content| content.runs).unwrap_or_default();
    let runs = sheet.find.as_ref().map_or_else(|| runs.clone(), |find| marked(&runs, find));
    let mut broken = rows(&runs, breaking);
    if sheet.cuts {
        broken.truncate(1);
    }
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
