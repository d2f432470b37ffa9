//! Searches and filters, which examine a log in slices of lines.

use super::doc::{Doc, Mode};
use super::lens::Place;
use super::matcher::Matcher;

/// Matches that a filter keeps, at most: bounds its memory. Nobody reads that many; the count is shown with a
/// `+`.
pub(crate) const HITS_MAX: usize = 200_000;

/// Returns the place after another, folds ignored: what is hidden in a fold is found, too.
fn next(doc: &Doc, mode: Mode, place: Place) -> Option<Place> {
    let Place { entry, line } = place;
    match mode {
        Mode::Raw(_) => (line + 1 < doc.settled_lines(mode)).then_some(Place { entry: 0, line: line + 1 }),
        Mode::Readable => {
            // An entry that was dropped since has no next place: a filter stops there, a search wraps around.
            let lines = doc.entries().get(entry)?.body.lines();
            if line + 1 < lines {
                return Some(Place { entry, line: line + 1 });
            }
            (entry + 1 < doc.entries().end()).then_some(Place { entry: entry + 1, line: 0 })
        }
    }
}

/// Returns the place before another, folds ignored.
fn before(doc: &Doc, mode: Mode, place: Place) -> Option<Place> {
    let Place { entry, line } = place;
    if line > 0 {
        return Some(Place { entry, line: line - 1 });
    }
    let before = entry.checked_sub(1).filter(|_| mode == Mode::Readable)?;
    let lines = doc.entries().get(before)?.body.lines();
    Some(Place { entry: before, line: lines.saturating_sub(1) })
}

fn first(doc: &Doc, mode: Mode) -> Place {
    let entry = if mode == Mode::Readable { doc.entries().first() } else { 0 };
    Place { entry, line: 0 }
}

fn last(doc: &Doc, mode: Mode) -> Place {
    match mode {
        Mode::Raw(_) => Place { entry: 0, line: doc.lines(mode).saturating_sub(1) },
        Mode::Readable => {
            let entry = doc.entries().end().saturating_sub(1);
            let lines = doc.entries().get(entry).map_or(0, |entry| entry.body.lines());
            Place { entry, line: lines.saturating_sub(1) }
        }
    }
}

/// The result of one slice of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A line matches.
    Found(Place),
    /// No line matched so far; the search continues after this place.
    GoOn(Place),
    /// No line of the log matches.
    Nowhere,
}

/// A search from one place once around the whole log.
#[derive(Debug, Clone)]
pub struct Search {
    /// Mode whose lines are searched.
    pub mode: Mode,
    /// Pattern to find.
    pub matcher: Matcher,
    /// Place at which the search began. Its line is examined last.
    pub from: Place,
    /// Whether the search goes towards the end of the log.
    pub forward: bool,
    /// Whether the search has wrapped around.
    pub has_turned: bool,
}

impl Search {
    /// Examines up to `lines` more lines, beginning after `at`. Stops early before a line whose text must be
    /// read from disk first.
    pub fn go_on(&mut self, doc: &mut Doc, mut at: Place, lines: usize) -> Step {
        if doc.lines(self.mode) == 0 {
            return Step::Nowhere;
        }
        for _ in 0..lines {
            let ahead = if self.forward { next(doc, self.mode, at) } else { before(doc, self.mode, at) };
            let (before, had_turned) = (at, self.has_turned);
            at = match ahead {
                Some(place) => place,
                None if self.has_turned => return Step::Nowhere,
                None => {
                    self.has_turned = true;
                    if self.forward { first(doc, self.mode) } else { last(doc, self.mode) }
                }
            };
            let Some(content) = doc.content(self.mode, at.entry, at.line) else {
                // The same line is examined again once its text is there; wrapping around must not count
                // twice.
                self.has_turned = had_turned;
                return Step::GoOn(before);
            };
            if self.matcher.matches(&content.text()) {
                return Step::Found(at);
            }
            // After wrapping around, the line where the search began is the last one to examine.
            let is_round = if self.forward { at >= self.from } else { at <= self.from };
            if self.has_turned && is_round {
                return Step::Nowhere;
            }
        }
        Step::GoOn(at)
    }
}

/// A filter over a log, with the matching lines found so far.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Mode whose lines are filtered.
    pub mode: Mode,
    /// Pattern of the lines to show.
    pub matcher: Matcher,
    /// Places of the matching lines, in order.
    pub hits: Vec<Place>,
    /// Last place that was examined; `None` at the beginning.
    last_examined: Option<Place>,
}

impl Filter {
    /// Creates a filter that has examined no line.
    #[must_use]
    pub(crate) fn new(mode: Mode, matcher: Matcher) -> Self {
        Self { mode, matcher, hits: Vec::new(), last_examined: None }
    }

    /// Returns whether the filter has stopped at [`HITS_MAX`] matches.
    #[must_use]
    pub(crate) fn is_full(&self) -> bool {
        self.hits.len() >= HITS_MAX
    }

    /// Examines up to `lines` more lines. Stops early before a line whose text must be read from disk first.
    /// Returns whether any lines are left.
    pub fn go_on(&mut self, doc: &mut Doc, lines: usize) -> bool {
        for _ in 0..lines {
            // The open line of a stream is left out: it may match only once the rest of it has arrived.
            let ahead = match self.last_examined {
                Some(place) => next(doc, self.mode, place),
                None => (doc.settled_lines(self.mode) > 0).then(|| first(doc, self.mode)),
            };
            let Some(place) = ahead.filter(|_| !self.is_full()) else { return false };
            // The same line is examined again once the follower has read its text.
            let Some(content) = doc.content(self.mode, place.entry, place.line) else { return true };
            if self.matcher.matches(&content.text()) {
                self.hits.push(place);
            }
            self.last_examined = Some(place);
        }
        true
    }
}
