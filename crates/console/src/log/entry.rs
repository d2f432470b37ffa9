//! The entries of a transcript.

use std::collections::VecDeque;

use super::source::Stream;
use paddock_agents::transcript::{Line, LineKind};

/// Entries kept of one log: days of an agent's work. The oldest are dropped first; the raw view still has
/// them.
const ENTRIES_MAX: usize = 100_000;
/// Bytes of text kept of one log. With [`super::book`]'s bound on open logs, this bounds the console's
/// memory.
const TEXT_MAX_BYTES: usize = 48 << 20;
/// Consecutive output is joined into one entry up to this size, in bytes. Showing a line of an entry splits
/// its whole text, which must stay cheap.
const JOINED_MAX_BYTES: usize = 64 << 10;

/// The text of an entry, or where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Lines of the log, read from disk when they are shown. Used for plain text.
    Lines {
        /// Stream of the lines.
        stream: Stream,
        /// Number of the first line.
        first: u64,
        /// Number of lines.
        count: u64,
        /// Bytes at the front of the first line that the entry's verb replaces.
        skip: usize,
    },
    /// Text that the transcript's parser has produced.
    Text {
        /// Text, with line feeds between its lines.
        text: String,
        /// Number of lines.
        lines: u64,
    },
}

impl Body {
    /// Returns the number of lines.
    #[must_use]
    pub(crate) fn lines(&self) -> u64 {
        match self {
            Self::Lines { count, .. } => *count,
            Self::Text { lines, .. } => *lines,
        }
    }

    fn text_bytes(&self) -> usize {
        match self {
            Self::Lines { .. } => 0,
            Self::Text { text, .. } => text.len(),
        }
    }
}

/// One entry of a transcript: a message, a command, its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Kind of the entry.
    pub kind: LineKind,
    /// Time of the entry, in Unix milliseconds; `None` if unknown.
    pub at_ms: Option<i64>,
    /// Text of the entry.
    pub body: Body,
}

/// The newest entries of a log, numbered from its beginning.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    kept: VecDeque<Entry>,
    /// Number of entries dropped from the front.
    dropped: u64,
    /// Bytes of text in `kept`.
    text_bytes: usize,
    /// Lines ever added, those of dropped entries included.
    lines: u64,
    has_times: bool,
}

impl Entries {
    /// Returns whether the time of any entry is known.
    #[must_use]
    pub(crate) fn has_times(&self) -> bool {
        self.has_times
    }

    /// Returns the number of the first entry that is kept.
    #[must_use]
    pub(crate) fn first(&self) -> u64 {
        self.dropped
    }

    /// Returns the number after the last entry.
    #[must_use]
    pub(crate) fn end(&self) -> u64 {
        self.dropped + self.kept.len() as u64
    }

    /// Returns the number of lines ever added. It never falls, so that new lines can be counted from it.
    #[must_use]
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Returns an entry by its number, `None` if it was dropped or does not exist.
    #[must_use]
    pub(crate) fn get(&self, number: u64) -> Option<&Entry> {
        let index = usize::try_from(number.checked_sub(self.dropped)?).ok()?;
        self.kept.get(index)
    }

    /// Adds an entry, and drops the oldest ones beyond the bounds.
    pub(crate) fn push(&mut self, entry: Entry) {
        self.lines += entry.body.lines();
        self.text_bytes += entry.body.text_bytes();
        self.has_times |= entry.at_ms.is_some();
        self.kept.push_back(entry);
        // Many short entries reach the first bound; files that an agent reads reach the second.
        while self.kept.len() > ENTRIES_MAX || self.text_bytes > TEXT_MAX_BYTES {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.text_bytes -= oldest.body.text_bytes();
            self.dropped += 1;
        }
    }

    /// Adds a line of the log to the last entry. Returns `None`, and does nothing, if the last entry does not
    /// end with the line before.
    pub(crate) fn extend_lines(&mut self, of_stream: Stream, line: u64) -> Option<()> {
        match &mut self.kept.back_mut()?.body {
            Body::Lines { stream, first, count, .. } if *stream == of_stream && *first + *count == line => {
                *count += 1;
                self.lines += 1;
                Some(())
            }
            _ => None,
        }
    }

    /// Adds a line of a parsed transcript. Consecutive output is joined into one entry, so that it folds as
    /// one.
    pub(crate) fn push_line(&mut self, line: Line, at_ms: Option<i64>) {
        // One line of a transcript may hold several lines of text.
        let lines = line.text.split('\n').count() as u64;
        if let Some(last) = self.kept.back_mut()
            && last.kind == LineKind::Output
            && line.kind == LineKind::Output
            && let Body::Text { text, lines: before } = &mut last.body
            && text.len() + line.text.len() < JOINED_MAX_BYTES
        {
            text.push('\n');
            text.push_str(&line.text);
            *before += lines;
            self.lines += lines;
            self.text_bytes += line.text.len() + 1;
            return;
        }
        let body = Body::Text { text: line.text, lines };
        // The time in the transcript is exact; the time of reading is a substitute for formats without times.
        self.push(Entry { kind: line.kind, at_ms: line.at_ms.or(at_ms), body });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(text: &str) -> Line {
        Line { kind: LineKind::Output, text: text.to_owned(), at_ms: None }
    }

    #[test]
    fn consecutive_output_is_one_entry() {
        let mut entries = Entries::default();
        entries.push_line(output("a\nb"), None);
        entries.push_line(output("c"), None);
        entries.push_line(Line { kind: LineKind::Say, text: "done".into(), at_ms: Some(5) }, Some(9));
        assert_eq!((entries.end(), entries.lines()), (2, 4));
        assert_eq!(entries.get(0).unwrap().body, Body::Text { text: "a\nb\nc".into(), lines: 3 });
        assert_eq!(entries.get(1).unwrap().at_ms, Some(5));
    }

    #[test]
    fn the_oldest_entries_are_dropped_first() {
        let mut entries = Entries::default();
        for n in 0..ENTRIES_MAX + 10 {
            entries.push_line(Line { kind: LineKind::Say, text: n.to_string(), at_ms: None }, None);
        }
        assert_eq!((entries.first(), entries.end()), (10, ENTRIES_MAX as u64 + 10));
        assert!(entries.get(9).is_none());
        assert_eq!(entries.get(10).unwrap().body, Body::Text { text: "10".into(), lines: 1 });
        assert_eq!(entries.lines(), ENTRIES_MAX as u64 + 10);
    }
}
