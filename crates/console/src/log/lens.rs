//! Maps the lines of a log to the lines shown: folded, filtered, or all.

use std::collections::BTreeSet;

use super::doc::{Content, Doc, Mode};
use paddock_agents::transcript::LineKind;

/// Lines of a folded entry: one at its front, which says what was run, the fold itself, and two at its end,
/// which say how it ended. Shorter output is not folded.
const FOLDED_LINES: u64 = 4;
/// Lines shown before the fold.
const HEAD_LINES: u64 = 1;

/// The place of a line: the number of its entry, and of the line in the entry. A raw view and a filtered view
/// have one entry, 0, whose lines count from the beginning.
///
/// A *shown* place counts a fold as one line; an *unfolded* place counts all lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// Number of the entry.
    pub entry: u64,
    /// Number of the line in the entry.
    pub line: u64,
}

/// The content of a shown line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Text of the log.
    Text(Content),
    /// A fold, with the number of lines that it hides.
    Fold(u64),
    /// Text that has not been read yet.
    Awaited,
}

/// A log as a view shows it at the moment.
#[derive(Debug)]
pub(crate) struct Lens<'a> {
    /// The log.
    pub doc: &'a mut Doc,
    /// Mode of the view.
    pub mode: Mode,
    /// Numbers of the entries that a person has unfolded.
    pub unfolded: &'a BTreeSet<u64>,
    /// Unfolded places of a filter's matches, if the view is filtered.
    pub hits: Option<&'a [Place]>,
}

impl Lens<'_> {
    /// Returns the number of the first entry, and the number after the last.
    fn entry_range(&self) -> (u64, u64) {
        match (self.hits, self.mode) {
            (None, Mode::Readable) => (self.doc.entries().first(), self.doc.entries().end()),
            _ => (0, 1),
        }
    }

    /// Returns how many lines of an entry are shown, and whether it is folded.
    fn lines_of(&self, entry: u64) -> (u64, bool) {
        match (self.hits, self.mode) {
            (Some(hits), _) => (hits.len() as u64, false),
            (None, Mode::Raw(_)) => (self.doc.lines(self.mode), false),
            (None, Mode::Readable) => {
                let Some(found) = self.doc.entries().get(entry) else { return (0, false) };
                let lines = found.body.lines();
                // Only output is folded: what an agent says and does is what people read a log for.
                let folds = is_foldable(found.kind) && lines > FOLDED_LINES;
                if folds && !self.unfolded.contains(&entry) { (FOLDED_LINES, true) } else { (lines, false) }
            }
        }
    }

    /// Returns whether there is no line to show.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        let (first, end) = self.entry_range();
        first == end || (end - first == 1 && self.lines_of(first).0 == 0)
    }

    /// Returns the first shown place.
    #[must_use]
    pub(crate) fn first(&self) -> Place {
        Place { entry: self.entry_range().0, line: 0 }
    }

    /// Returns the last shown place.
    #[must_use]
    pub(crate) fn last(&self) -> Place {
        let entry = self.entry_range().1.saturating_sub(1);
        Place { entry, line: self.lines_of(entry).0.saturating_sub(1) }
    }

    /// Returns the shown place after another, `None` at the end.
    #[must_use]
    pub(crate) fn next(&self, place: Place) -> Option<Place> {
        if place.line + 1 < self.lines_of(place.entry).0 {
            return Some(Place { line: place.line + 1, ..place });
        }
        let entry = place.entry + 1;
        (entry < self.entry_range().1).then_some(Place { entry, line: 0 })
    }

    /// Returns the shown place before another, `None` at the beginning.
    #[must_use]
    pub(crate) fn before(&self, place: Place) -> Option<Place> {
        if place.line > 0 {
            return Some(Place { line: place.line - 1, ..place });
        }
        let entry = place.entry.checked_sub(1).filter(|entry| *entry >= self.entry_range().0)?;
        Some(Place { entry, line: self.lines_of(entry).0.saturating_sub(1) })
    }

    /// Returns the nearest shown place that exists. Entries may have been dropped or folded since a place was
    /// kept.
    #[must_use]
    pub(crate) fn clamp(&self, place: Place) -> Place {
        // The clamp compares entries first; the line must then be limited to those of the entry.
        let place = place.clamp(self.first(), self.last());
        let lines = self.lines_of(place.entry).0;
        Place { line: place.line.min(lines.saturating_sub(1)), ..place }
    }

    /// Returns the content of a shown place.
    pub(crate) fn show(&mut self, place: Place) -> Shown {
        if let Some(hits) = self.hits {
            let at = usize::try_from(place.line).unwrap_or(usize::MAX);
            let hit = hits.get(at).copied().unwrap_or_default();
            let content = self.doc.content(self.mode, hit.entry, hit.line);
            // A match may be shown without the first line of its entry: each has the time and verb of its
            // entry.
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

    /// Returns the number of lines that the fold of an entry hides.
    fn hidden(&self, entry: u64) -> u64 {
        let lines = self.doc.entries().get(entry).map_or(0, |entry| entry.body.lines());
        lines.saturating_sub(FOLDED_LINES - 1)
    }

    /// Returns whether an entry can be folded or unfolded.
    #[must_use]
    pub(crate) fn can_fold(&self, entry: u64) -> bool {
        let found =
            self.doc.entries().get(entry).filter(|_| self.hits.is_none() && self.mode == Mode::Readable);
        found.is_some_and(|entry| is_foldable(entry.kind) && entry.body.lines() > FOLDED_LINES)
    }

    /// Returns the shown place of an unfolded place. A line hidden by a fold is shown by the fold; a line
    /// that a filter leaves out, by the next match.
    #[must_use]
    pub(crate) fn shown_at(&self, full: Place) -> Place {
        if let Some(hits) = self.hits {
            // Hits are in the order of the log.
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

    /// Returns the unfolded place of a shown place; of a fold, the first line that it hides.
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
