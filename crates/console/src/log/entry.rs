//! What happened, one entry after the other.

use std::collections::VecDeque;

use super::source::Stream;
use paddock_agents::transcript::{Line, LineKind};

/// Entries kept of one session: days of an agent's work. The oldest go first; the raw view has them still.
const ENTRIES_MAX: usize = 100_000;
/// Bytes of text kept of one session.
const TEXT_MAX_BYTES: usize = 48 << 20;
/// Output that goes on is put together up to this length, in bytes; more of it begins a new entry.
const JOINED_MAX_BYTES: usize = 64 << 10;

/// Where the text of an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Lines of the log itself.
    Lines {
        /// Of this stream.
        stream: Stream,
        /// From this one on.
        first: u64,
        /// So many.
        count: u64,
        /// Bytes at the front of the first that its verb stands for.
        skip: usize,
    },
    /// Text that a reader has made.
    Text {
        /// With line feeds between lines.
        text: String,
        /// How many lines it has.
        lines: u64,
    },
}

impl Body {
    /// How many lines it has.
    #[must_use]
    pub(crate) fn lines(&self) -> u64 {
        match self {
            Self::Lines { count, .. } => *count,
            Self::Text { lines, .. } => *lines,
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Lines { .. } => 0,
            Self::Text { text, .. } => text.len(),
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What.
    pub kind: LineKind,
    /// When, in Unix milliseconds, if anybody knows.
    pub at_ms: Option<i64>,
    /// Its text.
    pub body: Body,
}

/// The newest entries of a session, numbered from its beginning.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    kept: VecDeque<Entry>,
    dropped: u64,
    weight: usize,
    lines: u64,
    has_times: bool,
}

impl Entries {
    /// Whether anybody knows when any of it happened.
    #[must_use]
    pub(crate) fn has_times(&self) -> bool {
        self.has_times
    }

    /// The number of the first that is kept.
    #[must_use]
    pub(crate) fn first(&self) -> u64 {
        self.dropped
    }

    /// The number after the last.
    #[must_use]
    pub(crate) fn end(&self) -> u64 {
        self.dropped + self.kept.len() as u64
    }

    /// Lines that ever came; what a reader counts as new.
    #[must_use]
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// An entry by its number.
    #[must_use]
    pub(crate) fn get(&self, number: u64) -> Option<&Entry> {
        let at = usize::try_from(number.checked_sub(self.dropped)?).ok()?;
        self.kept.get(at)
    }

    /// Adds an entry.
    pub(crate) fn push(&mut self, entry: Entry) {
        self.lines += entry.body.lines();
        self.weight += entry.body.weight();
        self.has_times |= entry.at_ms.is_some();
        self.kept.push_back(entry);
        while self.kept.len() > ENTRIES_MAX || self.weight > TEXT_MAX_BYTES {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.weight -= oldest.body.weight();
            self.dropped += 1;
        }
    }

    /// One more line of the log for the last entry; none when the last is not about the line before.
    pub(crate) fn extend_lines(&mut self, of: Stream, line: u64) -> Option<()> {
        match &mut self.kept.back_mut()?.body {
            Body::Lines { stream, first, count, .. } if *stream == of && *first + *count == line => {
                *count += 1;
                self.lines += 1;
                Some(())
            }
            _ => None,
        }
    }

    /// Adds what a reader has read; output that goes on is put together.
    pub(crate) fn push_line(&mut self, line: Line, at_ms: Option<i64>) {
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
            self.weight += line.text.len() + 1;
            return;
        }
        let body = Body::Text { text: line.text, lines };
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
    fn output_that_goes_on_is_one_entry() {
        let mut entries = Entries::default();
        entries.push_line(output("a\nb"), None);
        entries.push_line(output("c"), None);
        entries.push_line(Line { kind: LineKind::Say, text: "done".into(), at_ms: Some(5) }, Some(9));
        assert_eq!((entries.end(), entries.lines()), (2, 4));
        assert_eq!(entries.get(0).unwrap().body, Body::Text { text: "a\nb\nc".into(), lines: 3 });
        assert_eq!(entries.get(1).unwrap().at_ms, Some(5));
    }

    #[test]
    fn the_oldest_go_first() {
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
