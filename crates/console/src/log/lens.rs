//! The lines that are shown, in order: folded, filtered, or all.

use std::collections::BTreeSet;

use super::doc::{Content, Doc, Mode};
use paddock_agents::transcript::LineKind;

/// Output longer than this is folded: one line at its front, two at its end, and what says how much lies
/// between. Its end tells how it went; its front, what it was.
const FOLDED_LINES: u64 = 4;
/// Lines shown before the fold.
const HEAD_LINES: u64 = 1;

/// The place of a line: an entry's number and a line of it. In a raw view and under a filter the entry is 0,
/// and the line counts from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The entry's number.
    pub entry: u64,
    /// The line of it, as shown: a fold is one line.
    pub line: u64,
}

/// What a shown line holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Text.
    Text(Content),
    /// So many lines lie behind it.
    Fold(u64),
    /// Text that is not at hand yet.
    Awaited,
}

/// A log as it is shown at the moment.
#[derive(Debug)]
pub(crate) struct Lens<'a> {
    /// The log.
    pub doc: &'a mut Doc,
    /// Which reading.
    pub mode: Mode,
    /// Entries that a person has unfolded.
    pub unfolded: &'a BTreeSet<u64>,
    /// Only these lines, unfolded.
    pub hits: Option<&'a [Place]>,
}

impl Lens<'_> {
    fn entry_range(&self) -> (u64, u64) {
        match (self.hits, self.mode) {
            (None, Mode::Readable) => (self.doc.entries().first(), self.doc.entries().end()),
            _ => (0, 1),
        }
    }

    /// How many lines an entry shows, and whether they are folded.
    fn lines_of(&self, entry: u64) -> (u64, bool) {
        match (self.hits, self.mode) {
            (Some(hits), _) => (hits.len() as u64, false),
            (None, Mode::Raw(_)) => (self.doc.lines(self.mode), false),
            (None, Mode::Readable) => {
                let Some(found) = self.doc.entries().get(entry) else { return (0, false) };
                let lines = found.body.lines();
                let folds = is_foldable(found.kind) && lines > FOLDED_LINES;
                if folds && !self.unfolded.contains(&entry) { (FOLDED_LINES, true) } else { (lines, false) }
            }
        }
    }

    /// Whether nothing is shown.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        let (first, end) = self.entry_range();
        first == end || (end - first == 1 && self.lines_of(first).0 == 0)
    }

    /// The first line.
    #[must_use]
    pub(crate) fn first(&self) -> Place {
        Place { entry: self.entry_range().0, line: 0 }
    }

    /// The last line.
    #[must_use]
    pub(crate) fn last(&self) -> Place {
        let entry = self.entry_range().1.saturating_sub(1);
        Place { entry, line: self.lines_of(entry).0.saturating_sub(1) }
    }

    /// The line after.
    #[must_use]
    pub(crate) fn next(&self, place: Place) -> Option<Place> {
        if place.line + 1 < self.lines_of(place.entry).0 {
            return Some(Place { line: place.line + 1, ..place });
        }
        let entry = place.entry + 1;
        (entry < self.entry_range().1).then_some(Place { entry, line: 0 })
    }

    /// The line before.
    #[must_use]
    pub(crate) fn before(&self, place: Place) -> Option<Place> {
        if place.line > 0 {
            return Some(Place { line: place.line - 1, ..place });
        }
        let entry = place.entry.checked_sub(1).filter(|entry| *entry >= self.entry_range().0)?;
        Some(Place { entry, line: self.lines_of(entry).0.saturating_sub(1) })
    }

    /// The nearest place that exists.
    #[must_use]
    pub(crate) fn clamp(&self, place: Place) -> Place {
        let place = place.clamp(self.first(), self.last());
        let lines = self.lines_of(place.entry).0;
        Place { line: place.line.min(lines.saturating_sub(1)), ..place }
    }

    /// What is shown there.
    pub(crate) fn show(&mut self, place: Place) -> Shown {
        if let Some(hits) = self.hits {
            let at = usize::try_from(place.line).unwrap_or(usize::MAX);
            let hit = hits.get(at).copied().unwrap_or_default();
            let content = self.doc.content(self.mode, hit.entry, hit.line);
            // Lines of one entry may stand alone: each says what it belongs to.
            return content
                .map_or(Shown::Awaited, |content| Shown::Text(Content { is_first: true, ..content }));
        }
        let line = match self.lines_of(place.entry) {
            (_, true) if place.line == HEAD_LINES => return Shown::Fold(self.hidden(place.entry)),
            (_, true) if place.line > HEAD_LINES => place.line + self.hidden(place.entry) - 1,
            _ => place.line,
        };
        self.doc.content(self.mode, place.entry, line).map_or(Shown::Awaited, Shown::Text)
    }

    /// Lines that the fold of an entry hides.
    fn hidden(&self, entry: u64) -> u64 {
        let lines = self.doc.entries().get(entry).map_or(0, |entry| entry.body.lines());
        lines.saturating_sub(FOLDED_LINES - 1)
    }

    /// Whether there is something to fold or unfold at this entry.
    #[must_use]
    pub(crate) fn can_fold(&self, entry: u64) -> bool {
        let found =
            self.doc.entries().get(entry).filter(|_| self.hits.is_none() && self.mode == Mode::Readable);
        found.is_some_and(|entry| is_foldable(entry.kind) && entry.body.lines() > FOLDED_LINES)
    }

    /// The place of a line of the log itself, unfolded, as it is shown now.
    #[must_use]
    pub(crate) fn shown_at(&self, full: Place) -> Place {
        if let Some(hits) = self.hits {
            let at = hits.partition_point(|hit| *hit < full);
            return Place { entry: 0, line: at as u64 };
        }
        match self.lines_of(full.entry) {
            (_, true) => {
                let hidden = self.hidden(full.entry);
                let line = match full.line {
                    line if line < HEAD_LINES => line,
                    line if line < HEAD_LINES + hidden => HEAD_LINES,
                    line => line - hidden + 1,
                };
                Place { line, ..full }
            }
            _ => full,
        }
    }

    /// The line of the log itself that is shown there; of a fold, the first behind it.
    #[must_use]
    pub(crate) fn full_at(&self, shown: Place) -> Place {
        if let Some(hits) = self.hits {
            let at = usize::try_from(shown.line).unwrap_or(usize::MAX);
            return hits.get(at).or(hits.last()).copied().unwrap_or_default();
        }
        match self.lines_of(shown.entry) {
            (_, true) if shown.line > HEAD_LINES => {
                Place { line: shown.line + self.hidden(shown.entry) - 1, ..shown }
            }
            _ => shown,
        }
    }
}

fn is_foldable(kind: LineKind) -> bool {
    kind == LineKind::Output
}
