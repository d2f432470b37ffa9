//! Looking through a log step by step: for the next match, or for all that a filter lets through.

use super::doc::{Doc, Mode};
use super::lens::Place;
use super::matcher::Matcher;

/// Lines that a filter shows at most; who sees them narrows it.
pub(crate) const HITS_MAX: usize = 200_000;

/// The lines of a log one after the other, folds or not.
fn next(doc: &Doc, mode: Mode, place: Place) -> Option<Place> {
    let Place { entry, line } = place;
    match mode {
        Mode::Raw(_) => (line + 1 < doc.settled_lines(mode)).then_some(Place { entry: 0, line: line + 1 }),
        Mode::Readable => {
            let lines = doc.entries().get(entry)?.body.lines();
            if line + 1 < lines {
                return Some(Place { entry, line: line + 1 });
            }
            (entry + 1 < doc.entries().end()).then_some(Place { entry: entry + 1, line: 0 })
        }
    }
}

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

/// How far a search has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There.
    Found(Place),
    /// Go on from here.
    GoOn(Place),
    /// There is none.
    Nowhere,
}

/// A search from one place on, once around the whole log.
#[derive(Debug, Clone)]
pub struct Search {
    /// Which reading.
    pub mode: Mode,
    /// What is looked for.
    pub matcher: Matcher,
    /// Where it began; looked at last.
    pub from: Place,
    /// Towards the end, or the beginning.
    pub forward: bool,
    /// Whether the end was passed.
    pub has_turned: bool,
}

impl Search {
    /// Looks at up to `lines` more lines, beginning after `at`; stops before one whose text is not at hand.
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
                // Looked at again once its text is there.
                self.has_turned = had_turned;
                return Step::GoOn(before);
            };
            if self.matcher.matches(&content.text()) {
                return Step::Found(at);
            }
            let is_round = if self.forward { at >= self.from } else { at <= self.from };
            if self.has_turned && is_round {
                return Step::Nowhere;
            }
        }
        Step::GoOn(at)
    }
}

/// The lines that a filter lets through, as far as they have been looked at.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Which reading.
    pub mode: Mode,
    /// What is let through.
    pub matcher: Matcher,
    /// The lines, in order.
    pub hits: Vec<Place>,
    looked_at: Option<Place>,
}

impl Filter {
    /// Nothing has been looked at yet.
    #[must_use]
    pub(crate) fn new(mode: Mode, matcher: Matcher) -> Self {
        Self { mode, matcher, hits: Vec::new(), looked_at: None }
    }

    /// Whether there were more than are shown.
    #[must_use]
    pub(crate) fn is_full(&self) -> bool {
        self.hits.len() >= HITS_MAX
    }

    /// Looks at up to `lines` more lines, and stops before one whose text is not at hand; says whether any are
    /// left.
    pub fn go_on(&mut self, doc: &mut Doc, lines: usize) -> bool {
        for _ in 0..lines {
            let ahead = match self.looked_at {
                Some(place) => next(doc, self.mode, place),
                None => (doc.settled_lines(self.mode) > 0).then(|| first(doc, self.mode)),
            };
            let Some(place) = ahead.filter(|_| !self.is_full()) else { return false };
            let Some(content) = doc.content(self.mode, place.entry, place.line) else { return true };
            if self.matcher.matches(&content.text()) {
                self.hits.push(place);
            }
            self.looked_at = Some(place);
        }
        true
    }
}
