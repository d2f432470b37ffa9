//! One log: the lines of both streams, the entries of its transcript, and the text of any line.

use ratatui::style::Style;

use super::ansi::{self, Run};
use super::cut::line_length;
use super::entry::{Body, Entries, Entry};
use super::index::Block;
use super::index::LineIndex;
use super::scripted::{LineClass, LineClassifier, PREFIX_BYTES};
use super::seek::Filter;
use super::source::{Cache, Stream};
use paddock_agents::transcript::{self, LineKind, Reader, Setting};

/// How a log is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// As a transcript: entries with verbs and times.
    #[default]
    Readable,
    /// As the lines that the job wrote to one stream.
    Raw(Raw),
}

/// The stream of a raw view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raw {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl Raw {
    fn stream(self) -> Stream {
        match self {
            Self::Out => Stream::Stdout,
            Self::Err => Stream::Stderr,
        }
    }
}

/// One line of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Kind of its entry; `None` in a raw view.
    pub kind: Option<LineKind>,
    /// Whether the line is the first of its entry.
    pub is_first: bool,
    /// Time of the entry, in Unix milliseconds; `None` if unknown.
    pub at_ms: Option<i64>,
    /// Text of the line, with styles.
    pub runs: Vec<Run>,
}

impl Content {
    /// Returns the text without styles.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        self.runs.iter().map(|run| run.text.as_str()).collect()
    }
}

/// The lines of one stream: where they are on disk, and the cached text of some.
#[derive(Debug, Default)]
struct StreamLines {
    index: LineIndex,
    cache: Cache,
    /// First bytes of the open line (the last line, whose end has not arrived), at most [`PREFIX_BYTES`].
    prefix: Vec<u8>,
    /// Bytes of the open line so far.
    open_bytes: usize,
    /// Number of the open line.
    open_line: u64,
}

impl StreamLines {
    /// Calls `on_line` with the number and the first bytes of each line that `bytes` completes.
    fn complete(&mut self, mut bytes: &[u8], mut on_line: impl FnMut(u64, &[u8])) {
        while let Some(length) = line_length(bytes, self.open_bytes) {
            self.extend_prefix(&bytes[..length]);
            on_line(self.open_line, &self.prefix);
            self.prefix.clear();
            self.open_bytes = 0;
            self.open_line += 1;
            bytes = &bytes[length..];
        }
        self.extend_prefix(bytes);
        self.open_bytes += bytes.len();
    }

    fn extend_prefix(&mut self, bytes: &[u8]) {
        let free = PREFIX_BYTES.saturating_sub(self.prefix.len());
        self.prefix.extend_from_slice(&bytes[..bytes.len().min(free)]);
    }

    /// Returns the text of a line without its first `skip` bytes. Returns `None`, and records the text as
    /// wanted, if it is not in the cache.
    fn runs(&mut self, line: u64, skip: usize) -> Option<Vec<Run>> {
        let Some(block) = self.index.block_of(line) else { return Some(Vec::new()) };
        if let Some(bytes) = block.gap_bytes {
            return Some(note(&format!("… {} dropped here to keep the log small", size(bytes))));
        }
        let bytes = self.cache.line(&block, line)?;
        // A line has at least one byte. None are returned if the keeper has dropped the segment since the
        // line was indexed, or if it cannot be read.
        if bytes.is_empty() {
            return Some(note("… no longer kept"));
        }
        Some(ansi::runs(bytes.get(skip..).unwrap_or_default()))
    }
}

fn note(text: &str) -> Vec<Run> {
    vec![Run { text: text.to_owned(), style: Style::new() }]
}

/// Formats a number of bytes for people: `512 bytes`, `5000 kB`, `12 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=9_999_999 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// One log.
#[derive(Debug)]
pub struct Doc {
    out: StreamLines,
    err: StreamLines,
    entries: Entries,
    classifier: LineClassifier,
    /// Parser of the agent's transcript format; `None` for plain text.
    reader: Option<Reader>,
    is_over: bool,
    /// Whether a line was requested whose text was not in the cache.
    has_missed: bool,
}

impl Doc {
    /// Creates an empty log of an agent that writes transcripts in `format`.
    #[must_use]
    pub fn new(format: &str, setting: Setting) -> Self {
        // The scripted agent writes plain text, too; its lines are classified by their first words.
        let is_plain = matches!(format, "plain" | "scripted");
        Self {
            out: StreamLines::default(),
            err: StreamLines::default(),
            entries: Entries::default(),
            classifier: LineClassifier::default(),
            reader: (!is_plain).then(|| Reader::new(format, setting)),
            is_over: false,
            has_missed: false,
        }
    }

    /// Returns the offset at which the next byte of a stream belongs.
    #[must_use]
    pub fn end(&self, stream: Stream) -> u64 {
        self.lines_of(stream).index.end()
    }

    /// Returns whether the job is over and its whole log was read.
    #[must_use]
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    fn lines_of(&self, stream: Stream) -> &StreamLines {
        match stream {
            Stream::Stdout => &self.out,
            Stream::Stderr => &self.err,
        }
    }

    /// Appends the next bytes of a stream. `at_ms` is the time at which they were written; `None` if they
    /// were written before the follower reached the end of the log.
    pub fn push(&mut self, stream: Stream, chunk: Chunk<'_>, at_ms: Option<i64>) {
        let Self { out, err, entries, classifier, reader, .. } = self;
        let lines = match stream {
            Stream::Stdout => out,
            Stream::Stderr => err,
        };
        lines.index.push(chunk.offset, chunk.gap_bytes, chunk.bytes);
        lines.cache.push(chunk.offset, chunk.bytes);
        if chunk.gap_bytes > 0 {
            // The index counts the gap as one line, and closes an open line before it. This count must agree
            // with the index's, since entries name lines by number.
            lines.open_line += 1 + u64::from(lines.open_bytes > 0);
            (lines.open_bytes, lines.prefix) = (0, Vec::new());
            let text = format!("{} of output were dropped to keep the log small", size(chunk.gap_bytes));
            entries.push_line(transcript::Line { kind: LineKind::Note, text, at_ms: None }, at_ms);
        }
        // Entries of a parsed transcript hold their own text: what the agent wrote is JSON, and a range of
        // its lines would not be readable.
        if let Some(reader) = reader {
            let stream = match stream {
                Stream::Stdout => transcript::Stream::Out,
                Stream::Stderr => transcript::Stream::Err,
            };
            reader.push(stream, chunk.bytes);
            for line in reader.take_lines() {
                entries.push_line(line, at_ms);
            }
            return;
        }
        // Plain text is not held in memory: its entries name lines of the index.
        lines.complete(chunk.bytes, |line, prefix| match stream {
            Stream::Stdout => add_stdout_line(entries, classifier, line, prefix, at_ms),
            Stream::Stderr => append_line(entries, stream, line, LineKind::Error, at_ms),
        });
    }

    /// Ends the log: adds the open lines of both streams as they are. Later calls do nothing.
    pub(crate) fn finish(&mut self) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        if let Some(reader) = self.reader.take() {
            // The session's account (usage, failure) is the supervisor's to record; only the lines are shown.
            let (_, lines) = reader.finish(None);
            for line in lines {
                self.entries.push_line(line, None);
            }
            return;
        }
        let Self { out, err, entries, classifier, .. } = self;
        if out.open_bytes > 0 {
            add_stdout_line(entries, classifier, out.open_line, &out.prefix, None);
        }
        if err.open_bytes > 0 {
            append_line(entries, Stream::Stderr, err.open_line, LineKind::Error, None);
        }
    }

    /// Returns the entries of the transcript.
    #[must_use]
    pub(crate) fn entries(&self) -> &Entries {
        &self.entries
    }

    /// Returns the number of lines that were ever added to a mode.
    #[must_use]
    pub(crate) fn lines(&self, mode: Mode) -> u64 {
        match mode {
            Mode::Readable => self.entries.lines(),
            Mode::Raw(raw) => self.lines_of(raw.stream()).index.lines(),
        }
    }

    /// Returns the number of each kept entry with its count of lines. In a raw mode, the whole stream is
    /// entry 0.
    #[must_use]
    pub(crate) fn entry_lengths(&self, mode: Mode) -> Vec<(u64, u64)> {
        match mode {
            Mode::Raw(_) => vec![(0, self.lines(mode))],
            Mode::Readable => {
                let numbers = self.entries.first()..self.entries.end();
                let lines = |number| self.entries.get(number).map_or(0, |entry| entry.body.lines());
                numbers.map(|number| (number, lines(number))).collect()
            }
        }
    }

    /// Returns the number of lines whose text is final: in a raw mode, all but the open line.
    #[must_use]
    pub(crate) fn settled_lines(&self, mode: Mode) -> u64 {
        match mode {
            Mode::Raw(raw) if !self.is_over => self.lines_of(raw.stream()).index.complete(),
            _ => self.lines(mode),
        }
    }

    /// Returns a line of an entry; in a raw mode, a line of the stream. Returns `None` if the text is not in
    /// the cache: the text is then recorded as wanted, and available once it was [filled in](Doc::fill).
    pub(crate) fn content(&mut self, mode: Mode, entry: u64, line: u64) -> Option<Content> {
        let content = match mode {
            Mode::Raw(raw) => {
                let runs = self.lines_of_mut(raw.stream()).runs(line, 0);
                runs.map(|runs| Content { kind: None, is_first: true, at_ms: None, runs })
            }
            Mode::Readable => self.readable(entry, line),
        };
        self.has_missed |= content.is_none();
        content
    }

    /// Returns whether text was missing for any [`Doc::content`] since the last call.
    pub(crate) fn take_missed(&mut self) -> bool {
        std::mem::take(&mut self.has_missed)
    }

    /// Returns whether any text is wanted.
    #[must_use]
    pub(crate) fn wants(&self) -> bool {
        self.out.cache.wants() || self.err.cache.wants()
    }

    /// Takes the list of wanted blocks. The caller reads them from disk and passes them to [`Doc::fill`].
    pub fn take_wanted(&mut self) -> Vec<(Stream, Block)> {
        let out = self.out.cache.take_wanted().into_iter().map(|block| (Stream::Stdout, block));
        let err = self.err.cache.take_wanted().into_iter().map(|block| (Stream::Stderr, block));
        out.chain(err).collect()
    }

    /// Fills in a wanted block. `bytes` may be shorter than the block if a part of it was dropped meanwhile.
    pub fn fill(&mut self, stream: Stream, block: &Block, bytes: &[u8]) {
        self.lines_of_mut(stream).cache.fill(block, bytes);
    }

    fn lines_of_mut(&mut self, stream: Stream) -> &mut StreamLines {
        match stream {
            Stream::Stdout => &mut self.out,
            Stream::Stderr => &mut self.err,
        }
    }

    fn readable(&mut self, number: u64, line: u64) -> Option<Content> {
        let Some(entry) = self.entries.get(number) else {
            // A cursor or a filter may name an entry that the bound on entries has dropped since.
            let runs = note("… no longer kept");
            return Some(Content { kind: None, is_first: false, at_ms: None, runs });
        };
        let (kind, at_ms, is_first) = (Some(entry.kind), entry.at_ms, line == 0);
        let runs = match &entry.body {
            Body::Text { text, .. } => {
                let index = usize::try_from(line).unwrap_or(usize::MAX);
                ansi::runs(text.split('\n').nth(index).unwrap_or_default().as_bytes())
            }
            Body::Lines { stream, first, skip, .. } => {
                let (stream, line) = (*stream, *first + line);
                let skip = if is_first { *skip } else { 0 };
                self.lines_of_mut(stream).runs(line, skip)?
            }
        };
        Some(Content { kind, is_first, at_ms, runs })
    }
}

/// A log and its filter, shared by the follower thread and the renderer under a mutex.
#[derive(Debug)]
pub struct Shared {
    /// The log.
    pub doc: Doc,
    /// Filter over the log, with the matches found so far.
    pub filter: Option<Filter>,
    /// Lines of each mode when the follower first reached the end of the log; `None` before that.
    caught_up_lines: Option<[u64; 3]>,
}

impl Shared {
    /// Marks the backlog as read: lines that follow count as new. Later calls do nothing.
    pub(crate) fn catch_up(&mut self) {
        let all = [Mode::Readable, Mode::Raw(Raw::Out), Mode::Raw(Raw::Err)];
        self.caught_up_lines.get_or_insert(all.map(|mode| self.doc.lines(mode)));
    }

    /// Returns whether the backlog (what was written before the log was opened) has been read.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.caught_up_lines.is_some()
    }

    /// Returns the number of lines after the first `seen`, without the lines of the backlog.
    #[must_use]
    pub(crate) fn new_since(&self, mode: Mode, seen: u64) -> u64 {
        let index = match mode {
            Mode::Readable => 0,
            Mode::Raw(Raw::Out) => 1,
            Mode::Raw(Raw::Err) => 2,
        };
        // While the backlog is being read, every line is old: a held view would otherwise announce as new
        // what was written hours ago.
        let backlog = self.caught_up_lines.map_or(u64::MAX, |lines| lines[index]);
        self.doc.lines(mode).saturating_sub(seen.max(backlog))
    }

    /// Wraps a log, without a filter.
    #[must_use]
    pub fn new(doc: Doc) -> Self {
        Self { doc, filter: None, caught_up_lines: None }
    }

    /// Lets the filter examine up to `lines` more lines. Returns whether any lines are left.
    pub(crate) fn filter_on(&mut self, lines: usize) -> bool {
        self.filter.as_mut().is_some_and(|filter| filter.go_on(&mut self.doc, lines))
    }
}

/// Bytes of a stream, as read from its segment files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Offset of the first byte in the stream.
    pub offset: u64,
    /// Number of bytes right before `offset` that were dropped and cannot be read.
    pub gap_bytes: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// Adds a line of plain standard output to the entries, as its beginning classifies it.
fn add_stdout_line(
    entries: &mut Entries,
    classifier: &mut LineClassifier,
    line: u64,
    prefix: &[u8],
    at_ms: Option<i64>,
) {
    match classifier.classify(&String::from_utf8_lossy(prefix)) {
        LineClass::Hidden => {}
        LineClass::Continues => append_line(entries, Stream::Stdout, line, LineKind::Say, at_ms),
        LineClass::Outcome(text) => {
            entries.push_line(transcript::Line { kind: LineKind::Note, text, at_ms: None }, at_ms);
        }
        LineClass::Starts { kind, skip } => {
            let body = Body::Lines { stream: Stream::Stdout, first: line, count: 1, skip };
            entries.push(Entry { kind, at_ms, body });
        }
    }
}

/// Appends a line to the last entry if that holds the line before; otherwise starts a new entry of `kind`.
fn append_line(entries: &mut Entries, stream: Stream, line: u64, kind: LineKind, at_ms: Option<i64>) {
    // Lines of the two streams arrive interleaved, so that the last entry may be the other stream's.
    if entries.extend_lines(stream, line).is_none() {
        entries.push(Entry { kind, at_ms, body: Body::Lines { stream, first: line, count: 1, skip: 0 } });
    }
}
