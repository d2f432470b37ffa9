//! A log: its lines, what happened in it, and the text of any place.

use ratatui::style::Style;

use super::ansi::{self, Run};
use super::cut::line_length;
use super::entry::{Body, Entries, Entry};
use super::index::Block;
use super::index::LineIndex;
use super::scripted::{Meaning, PREFIX_BYTES, Sense};
use super::seek::Filter;
use super::source::{Cache, Stream};
use paddock_agents::transcript::{self, LineKind, Reader, Setting};

/// Which reading of a log is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// What happened.
    #[default]
    Readable,
    /// The bytes of a stream as lines.
    Raw(Raw),
}

/// A stream as it is.
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
    /// What its entry tells of; none in a raw view.
    pub kind: Option<LineKind>,
    /// Whether it is the first of its entry.
    pub is_first: bool,
    /// When its entry happened, in Unix milliseconds.
    pub at_ms: Option<i64>,
    /// Its text.
    pub runs: Vec<Run>,
}

impl Content {
    /// Its text without styles.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        self.runs.iter().map(|run| run.text.as_str()).collect()
    }
}

/// The lines of one stream, their meanings as far as plain text has any, and their text.
#[derive(Debug, Default)]
struct Channel {
    index: LineIndex,
    cache: Cache,
    /// The beginning of the line whose end has not come.
    prefix: Vec<u8>,
    before: usize,
    line: u64,
}

impl Channel {
    /// The beginnings of the lines that these bytes complete, with their numbers.
    fn complete(&mut self, mut bytes: &[u8], mut with: impl FnMut(u64, &[u8])) {
        while let Some(length) = line_length(bytes, self.before) {
            self.keep(&bytes[..length]);
            with(self.line, &self.prefix);
            self.prefix.clear();
            self.before = 0;
            self.line += 1;
            bytes = &bytes[length..];
        }
        self.keep(bytes);
        self.before += bytes.len();
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = PREFIX_BYTES.saturating_sub(self.prefix.len());
        self.prefix.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// None: not at hand; it is wanted now.
    fn runs(&mut self, line: u64, skip: usize) -> Option<Vec<Run>> {
        let Some(block) = self.index.block_of(line) else { return Some(Vec::new()) };
        if let Some(bytes) = block.gap_bytes {
            return Some(note(&format!("… {} dropped here to keep the log small", size(bytes))));
        }
        let bytes = self.cache.line(&block, line)?;
        if bytes.is_empty() {
            return Some(note("… no longer kept"));
        }
        Some(ansi::runs(bytes.get(skip..).unwrap_or_default()))
    }
}

fn note(text: &str) -> Vec<Run> {
    vec![Run { text: text.to_owned(), style: Style::new() }]
}

/// An amount of bytes for people.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=9_999_999 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// A log.
#[derive(Debug)]
pub struct Doc {
    out: Channel,
    err: Channel,
    entries: Entries,
    sense: Sense,
    /// Reads the format of agents that do not write plain text.
    reader: Option<Reader>,
    is_over: bool,
    /// A line was looked at that is not at hand.
    has_missed: bool,
}

impl Doc {
    /// An empty log of an agent that writes in this format.
    #[must_use]
    pub fn new(format: &str, setting: Setting) -> Self {
        let is_plain = matches!(format, "plain" | "scripted");
        Self {
            out: Channel::default(),
            err: Channel::default(),
            entries: Entries::default(),
            sense: Sense::default(),
            reader: (!is_plain).then(|| Reader::new(format, setting)),
            is_over: false,
            has_missed: false,
        }
    }

    /// Where the next byte of a stream stands.
    #[must_use]
    pub fn end(&self, stream: Stream) -> u64 {
        self.channel(stream).index.end()
    }

    /// Whether nothing more comes.
    #[must_use]
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    fn channel(&self, stream: Stream) -> &Channel {
        match stream {
            Stream::Stdout => &self.out,
            Stream::Stderr => &self.err,
        }
    }

    /// Takes the next bytes of a stream. `at_ms` says when they came, if they were seen to come.
    pub fn push(&mut self, stream: Stream, chunk: Chunk<'_>, at_ms: Option<i64>) {
        let Self { out, err, entries, sense, reader, .. } = self;
        let channel = match stream {
            Stream::Stdout => out,
            Stream::Stderr => err,
        };
        channel.index.push(chunk.offset, chunk.gap_bytes, chunk.bytes);
        channel.cache.push(chunk.offset, chunk.bytes);
        if chunk.gap_bytes > 0 {
            // The line that was cut off is one, and so is the gap.
            channel.line += 1 + u64::from(channel.before > 0);
            (channel.before, channel.prefix) = (0, Vec::new());
            let text = format!("{} of output were dropped to keep the log small", size(chunk.gap_bytes));
            entries.push_line(transcript::Line { kind: LineKind::Note, text, at_ms: None }, at_ms);
        }
        if let Some(reader) = reader {
            let of = match stream {
                Stream::Stdout => transcript::Stream::Out,
                Stream::Stderr => transcript::Stream::Err,
            };
            reader.push(of, chunk.bytes);
            for line in reader.take_lines() {
                entries.push_line(line, at_ms);
            }
            return;
        }
        channel.complete(chunk.bytes, |line, prefix| match stream {
            Stream::Stdout => add(entries, sense, line, prefix, at_ms),
            Stream::Stderr => extend(entries, stream, line, LineKind::Error, at_ms),
        });
    }

    /// Nothing more comes: what was waiting for its end is taken as it is.
    pub(crate) fn finish(&mut self) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        if let Some(reader) = self.reader.take() {
            let (_, lines) = reader.finish(None);
            for line in lines {
                self.entries.push_line(line, None);
            }
            return;
        }
        let Self { out, err, entries, sense, .. } = self;
        if out.before > 0 {
            add(entries, sense, out.line, &out.prefix, None);
        }
        if err.before > 0 {
            extend(entries, Stream::Stderr, err.line, LineKind::Error, None);
        }
    }

    /// What happened.
    #[must_use]
    pub(crate) fn entries(&self) -> &Entries {
        &self.entries
    }

    /// How many lines a reading has: what a reader counts as new.
    #[must_use]
    pub(crate) fn lines(&self, mode: Mode) -> u64 {
        match mode {
            Mode::Readable => self.entries.lines(),
            Mode::Raw(raw) => self.channel(raw.stream()).index.lines(),
        }
    }

    /// The entries of a reading with their lines; raw, all lines as one.
    #[must_use]
    pub(crate) fn whole(&self, mode: Mode) -> Vec<(u64, u64)> {
        match mode {
            Mode::Raw(_) => vec![(0, self.lines(mode))],
            Mode::Readable => {
                let numbers = self.entries.first()..self.entries.end();
                let lines = |number| self.entries.get(number).map_or(0, |entry| entry.body.lines());
                numbers.map(|number| (number, lines(number))).collect()
            }
        }
    }

    /// How many of them will not change any more.
    #[must_use]
    pub(crate) fn settled_lines(&self, mode: Mode) -> u64 {
        match mode {
            Mode::Raw(raw) if !self.is_over => self.channel(raw.stream()).index.complete(),
            _ => self.lines(mode),
        }
    }

    /// A line of an entry, or, raw, of the stream. None: its text is not at hand; it is wanted now, and there
    /// once somebody has [filled](Doc::fill) it in.
    pub(crate) fn content(&mut self, mode: Mode, entry: u64, line: u64) -> Option<Content> {
        let content = match mode {
            Mode::Raw(raw) => {
                let runs = self.channel_mut(raw.stream()).runs(line, 0);
                runs.map(|runs| Content { kind: None, is_first: true, at_ms: None, runs })
            }
            Mode::Readable => self.readable(entry, line),
        };
        self.has_missed |= content.is_none();
        content
    }

    /// Whether a line was looked at, since this was asked last, that was not at hand.
    pub(crate) fn take_missed(&mut self) -> bool {
        std::mem::take(&mut self.has_missed)
    }

    /// Whether text is wanted.
    #[must_use]
    pub(crate) fn wants(&self) -> bool {
        self.out.cache.wants() || self.err.cache.wants()
    }

    /// The text that is wanted; whoever takes it reads it and fills it in.
    pub fn take_wanted(&mut self) -> Vec<(Stream, Block)> {
        let out = self.out.cache.take_wanted().into_iter().map(|block| (Stream::Stdout, block));
        let err = self.err.cache.take_wanted().into_iter().map(|block| (Stream::Stderr, block));
        out.chain(err).collect()
    }

    /// Puts in what was wanted, or as much of it as is still there.
    pub fn fill(&mut self, stream: Stream, block: &Block, bytes: &[u8]) {
        let channel = match stream {
            Stream::Stdout => &mut self.out,
            Stream::Stderr => &mut self.err,
        };
        channel.cache.fill(block, bytes);
    }

    fn channel_mut(&mut self, stream: Stream) -> &mut Channel {
        match stream {
            Stream::Stdout => &mut self.out,
            Stream::Stderr => &mut self.err,
        }
    }

    fn readable(&mut self, number: u64, line: u64) -> Option<Content> {
        let Some(entry) = self.entries.get(number) else {
            let runs = note("… no longer kept");
            return Some(Content { kind: None, is_first: false, at_ms: None, runs });
        };
        let (kind, at_ms, is_first) = (Some(entry.kind), entry.at_ms, line == 0);
        let runs = match &entry.body {
            Body::Text { text, .. } => {
                let place = usize::try_from(line).unwrap_or(usize::MAX);
                ansi::runs(text.split('\n').nth(place).unwrap_or_default().as_bytes())
            }
            Body::Lines { stream, first, skip, .. } => {
                let (stream, at) = (*stream, *first + line);
                let skip = if is_first { *skip } else { 0 };
                self.channel_mut(stream).runs(at, skip)?
            }
        };
        Some(Content { kind, is_first, at_ms, runs })
    }
}

/// A log with the filter that is laid over it; whoever reads it on and whoever shows it take turns.
#[derive(Debug)]
pub struct Shared {
    /// The log.
    pub doc: Doc,
    /// What a filter lets through, as far as it has come.
    pub filter: Option<Filter>,
    /// How many lines each reading had when what was written before it was opened had been read; none before.
    had: Option<[u64; 3]>,
}

impl Shared {
    /// What was written before it was opened has been read: what comes now is new.
    pub(crate) fn catch_up(&mut self) {
        let all = [Mode::Readable, Mode::Raw(Raw::Out), Mode::Raw(Raw::Err)];
        self.had.get_or_insert(all.map(|mode| self.doc.lines(mode)));
    }

    /// Whether that has come to pass.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.had.is_some()
    }

    /// Lines that came after this many, those that were there before it was opened not counted.
    #[must_use]
    pub(crate) fn new_since(&self, mode: Mode, seen: u64) -> u64 {
        let at = match mode {
            Mode::Readable => 0,
            Mode::Raw(Raw::Out) => 1,
            Mode::Raw(Raw::Err) => 2,
        };
        let had = self.had.map_or(u64::MAX, |had| had[at]);
        self.doc.lines(mode).saturating_sub(seen.max(had))
    }

    /// A log without a filter.
    #[must_use]
    pub fn new(doc: Doc) -> Self {
        Self { doc, filter: None, had: None }
    }

    /// Lets the filter look at up to `lines` more lines; says whether any are left.
    pub(crate) fn filter_on(&mut self, lines: usize) -> bool {
        self.filter.as_mut().is_some_and(|filter| filter.go_on(&mut self.doc, lines))
    }
}

/// Bytes of a stream as they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Where they begin.
    pub offset: u64,
    /// How many right before them are gone.
    pub gap_bytes: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}

fn add(entries: &mut Entries, sense: &mut Sense, line: u64, prefix: &[u8], at_ms: Option<i64>) {
    match sense.meaning(&String::from_utf8_lossy(prefix)) {
        Meaning::Hidden => {}
        Meaning::More => extend(entries, Stream::Stdout, line, LineKind::Say, at_ms),
        Meaning::Outcome(text) => {
            entries.push_line(transcript::Line { kind: LineKind::Note, text, at_ms: None }, at_ms);
        }
        Meaning::Verb { kind, skip } => {
            let body = Body::Lines { stream: Stream::Stdout, first: line, count: 1, skip };
            entries.push(Entry { kind, at_ms, body });
        }
    }
}

fn extend(entries: &mut Entries, stream: Stream, line: u64, kind: LineKind, at_ms: Option<i64>) {
    if entries.extend_lines(stream, line).is_none() {
        entries.push(Entry { kind, at_ms, body: Body::Lines { stream, first: line, count: 1, skip: 0 } });
    }
}
