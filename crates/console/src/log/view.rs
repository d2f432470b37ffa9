//! One person's view of a log: where it stands, what is folded, filtered, and looked for.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ratatui::style::Modifier;

use super::ansi::Run;
use super::doc::{Mode, Raw, Shared};
use super::lens::{Lens, Place};
use super::matcher::Matcher;
use super::rows::{ScreenRow, Sheet, lay_out};
use super::seek::Filter;

/// A view. It follows the log's end until somebody scrolls, and never moves by itself after that.
#[derive(Debug, Default)]
pub struct View {
    mode: Mode,
    /// None: follows.
    paused: Option<Pause>,
    unfolded: BTreeSet<u64>,
    /// Whether only what the log's filter lets through is shown.
    filters: bool,
    find: Option<Matcher>,
    /// Lines are cut instead of broken.
    cuts: bool,
    size: (usize, usize),
    /// Rows still to be scrolled by: the text in between was not at hand.
    owed_rows: i64,
    /// What was drawn last: it stays until the text of what comes next is there.
    drawn: Vec<ScreenRow>,
    /// Since when that is being waited for.
    waits_since: Option<Instant>,
}

/// A wait that is shorter is not worth a word.
const WAIT_SHOWN: Duration = Duration::from_millis(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pause {
    /// The line at the top, and how many of its rows are above the view.
    top: (Place, usize),
    cursor: Place,
    /// Lines there were when following ended.
    seen: u64,
}

impl View {
    /// Which reading is shown.
    #[must_use]
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether it follows the end.
    #[must_use]
    pub(crate) fn follows(&self) -> bool {
        self.paused.is_none()
    }

    /// What is looked for.
    #[must_use]
    pub(crate) fn find(&self) -> Option<&Matcher> {
        self.find.as_ref()
    }

    /// Lines that came since it stopped following.
    #[must_use]
    pub(crate) fn new_lines(&self, log: &Shared) -> u64 {
        self.paused.map_or(0, |pause| log.new_since(self.mode, pause.seen))
    }

    /// Whether text that it is to show is being read, and has been for a while.
    #[must_use]
    pub(crate) fn is_reading(&self) -> bool {
        self.waits_since.is_some_and(|since| since.elapsed() >= WAIT_SHOWN)
    }

    fn lens<'a>(&'a self, log: &'a mut Shared) -> Lens<'a> {
        let hits = log.filter.as_ref().filter(|_| self.filters).map(|filter| filter.hits.as_slice());
        Lens { doc: &mut log.doc, mode: self.mode, unfolded: &self.unfolded, hits }
    }

    /// The rows of a view of this size. Where their text is not at hand it is wanted from now on, and what was
    /// drawn before stays until it has come.
    pub fn draw(&mut self, log: &mut Shared, width: usize, height: usize) -> Vec<ScreenRow> {
        self.size = (width, height);
        self.scroll_owed(log);
        log.doc.take_missed();
        let (rows, paused) = self.laid_out(log, height);
        if !log.doc.take_missed() {
            (self.paused, self.waits_since) = (paused, None);
            self.drawn.clone_from(&rows);
            return rows;
        }
        self.waits_since.get_or_insert_with(Instant::now);
        if self.drawn.is_empty() { rows } else { self.drawn.clone() }
    }

    fn laid_out(&self, log: &mut Shared, height: usize) -> (Vec<ScreenRow>, Option<Pause>) {
        let sheet = self.sheet(log);
        let mut lens = self.lens(log);
        if lens.is_empty() || height == 0 {
            return (Vec::new(), self.paused);
        }
        let Some(pause) = self.paused else {
            let last = lens.last();
            return (tail(&mut lens, &sheet, last, height), None);
        };
        let (top, cursor) = ((lens.clamp(pause.top.0), pause.top.1), lens.clamp(pause.cursor));
        let mut rows = page(&mut lens, &sheet, top, height);
        let is_above = cursor < top.0;
        let last_shown = rows.last().map_or(top.0, |row| row.place);
        let is_cut = rows.last().is_some_and(|row| row.place == cursor && !row.is_last);
        if is_above {
            rows = page(&mut lens, &sheet, (cursor, 0), height);
        } else if cursor > last_shown || (is_cut && cursor != top.0) {
            rows = tail(&mut lens, &sheet, cursor, height);
        }
        if rows.len() < height {
            let last = lens.last();
            rows = tail(&mut lens, &sheet, last, height);
        }
        for row in &mut rows {
            row.is_cursor = row.place == cursor;
        }
        let top = rows.first().map_or(top, |row| (row.place, row.part));
        (rows, Some(Pause { top, cursor, ..pause }))
    }

    fn sheet(&self, log: &Shared) -> Sheet {
        Sheet {
            width: self.size.0,
            has_times: self.mode == Mode::Readable && log.doc.entries().has_times(),
            is_raw: self.mode != Mode::Readable,
            cuts: self.cuts,
            find: self.find.clone(),
        }
    }

    /// Stops following where the view stands; the cursor is on the last line shown.
    pub(crate) fn pause(&mut self, log: &mut Shared) {
        if self.paused.is_some() {
            return;
        }
        let (sheet, height) = (self.sheet(log), self.size.1.max(1));
        let seen = log.doc.lines(self.mode);
        let mut lens = self.lens(log);
        let cursor = lens.last();
        let rows = if lens.is_empty() { Vec::new() } else { tail(&mut lens, &sheet, cursor, height) };
        let top = rows.first().map_or((cursor, 0), |row| (row.place, row.part));
        self.paused = Some(Pause { top, cursor, seen });
    }

    /// Goes on following.
    pub(crate) fn follow(&mut self) {
        (self.paused, self.owed_rows) = (None, 0);
    }

    /// Moves the cursor by lines; going up ends following.
    pub(crate) fn move_by(&mut self, log: &mut Shared, lines: i64) {
        if self.paused.is_none() && lines > 0 {
            return;
        }
        self.pause(log);
        let Some(mut pause) = self.paused else { return };
        let lens = self.lens(log);
        let mut cursor = lens.clamp(pause.cursor);
        for _ in 0..lines.unsigned_abs() {
            let next = if lines < 0 { lens.before(cursor) } else { lens.next(cursor) };
            let Some(next) = next else { break };
            cursor = next;
        }
        pause.cursor = cursor;
        self.paused = Some(pause);
    }

    /// Moves the view by rows, and the cursor with it as far as it must; going up ends following.
    pub fn scroll_by(&mut self, log: &mut Shared, rows: i64) {
        if self.paused.is_none() && rows > 0 {
            return;
        }
        self.pause(log);
        self.owed_rows = self.owed_rows.saturating_add(rows);
        self.scroll_owed(log);
    }

    /// Scrolls by what is owed; where text is not at hand that is done with the next frame.
    fn scroll_owed(&mut self, log: &mut Shared) {
        let (rows, Some(pause)) = (self.owed_rows, self.paused) else { return };
        if rows == 0 {
            return;
        }
        log.doc.take_missed();
        let scrolled = self.scrolled(log, pause, rows);
        if !log.doc.take_missed() {
            (self.paused, self.owed_rows) = (Some(scrolled), 0);
        }
    }

    fn scrolled(&self, log: &mut Shared, mut pause: Pause, rows: i64) -> Pause {
        let (sheet, height) = (self.sheet(log), self.size.1.max(1));
        let mut lens = self.lens(log);
        if lens.is_empty() {
            return pause;
        }
        let top = (lens.clamp(pause.top.0), pause.top.1);
        let far = usize::try_from(rows.unsigned_abs()).unwrap_or(usize::MAX).min(10_000);
        let moved = if rows < 0 {
            let above = above(&mut lens, &sheet, top, far);
            above.first().map_or(top, |row| (row.place, row.part))
        } else {
            let below = page(&mut lens, &sheet, top, height + far);
            let at = below.len().saturating_sub(height).min(far);
            below.get(at).map_or(top, |row| (row.place, row.part))
        };
        let shown = page(&mut lens, &sheet, moved, height);
        let last = shown.iter().rev().find(|row| row.is_last).map_or(moved.0, |row| row.place);
        let first = shown.iter().find(|row| row.part == 0).map_or(moved.0, |row| row.place);
        let cursor = if first <= last { pause.cursor.clamp(first, last) } else { moved.0 };
        // At either end the cursor goes on alone.
        let stuck = moved == top;
        let cursor = match (stuck, rows < 0) {
            (true, true) => lens.first(),
            (true, false) => lens.last(),
            _ => cursor,
        };
        (pause.top, pause.cursor) = (moved, cursor);
        pause
    }

    /// To the beginning.
    pub fn to_top(&mut self, log: &mut Shared) {
        self.pause(log);
        self.owed_rows = 0;
        let first = self.lens(log).first();
        if let Some(pause) = &mut self.paused {
            (pause.top, pause.cursor) = ((first, 0), first);
        }
    }

    /// Shows a line of the log itself, unfolding what hides it.
    pub(crate) fn go_to(&mut self, log: &mut Shared, full: Place) {
        self.pause(log);
        self.owed_rows = 0;
        let lens = self.lens(log);
        if lens.can_fold(full.entry) && lens.full_at(lens.shown_at(full)) != full {
            self.unfolded.insert(full.entry);
        }
        let cursor = self.lens(log).shown_at(full);
        if let Some(pause) = &mut self.paused {
            pause.cursor = cursor;
        }
    }

    /// The line of the log itself that the cursor is on; where there is none, the last.
    #[must_use]
    pub(crate) fn cursor(&self, log: &mut Shared) -> Place {
        let lens = self.lens(log);
        let shown = self.paused.map_or_else(|| lens.last(), |pause| lens.clamp(pause.cursor));
        lens.full_at(shown)
    }

    /// The text of the line that the cursor is on; none while it is being read.
    #[must_use]
    pub(crate) fn cursor_text(&self, log: &mut Shared) -> Option<String> {
        let place = self.cursor(log);
        log.doc.content(self.mode, place.entry, place.line).map(|content| content.text())
    }

    /// Folds or unfolds what the cursor is on, else the nearest above it that is in view; false when there is
    /// nothing to fold.
    pub(crate) fn toggle_fold(&mut self, log: &mut Shared) -> bool {
        let full = self.cursor(log);
        let lens = self.lens(log);
        let near = full.entry.saturating_sub(self.size.1 as u64)..=full.entry;
        let Some(entry) = near.rev().find(|&entry| lens.can_fold(entry)) else { return false };
        self.pause(log);
        if !self.unfolded.remove(&entry) {
            self.unfolded.insert(entry);
        }
        let cursor = Place { entry, line: 0 };
        if let Some(pause) = &mut self.paused {
            pause.cursor = cursor;
        }
        true
    }

    /// The next reading: what happened, standard output as it is, standard error as it is.
    pub fn next_mode(&mut self, log: &mut Shared) {
        self.mode = match self.mode {
            Mode::Readable => Mode::Raw(Raw::Out),
            Mode::Raw(Raw::Out) => Mode::Raw(Raw::Err),
            Mode::Raw(Raw::Err) => Mode::Readable,
        };
        log.filter = log.filter.take().map(|filter| Filter::new(self.mode, filter.matcher));
        self.follow();
    }

    /// Breaks long lines, or cuts them.
    pub(crate) fn toggle_wrap(&mut self) {
        self.cuts = !self.cuts;
    }

    /// Marks what is looked for; none: nothing is.
    pub(crate) fn set_find(&mut self, matcher: Option<Matcher>) {
        self.find = matcher;
    }

    /// Shows only what this lets through; none: everything. The place that was looked at stays in view.
    pub(crate) fn set_filter(&mut self, log: &mut Shared, matcher: Option<Matcher>) {
        let full = self.paused.is_some().then(|| self.cursor(log));
        self.filters = matcher.is_some();
        log.filter = matcher.map(|matcher| Filter::new(self.mode, matcher));
        if let (Some(full), false) = (full, self.filters) {
            self.go_to(log, full);
        }
    }
}

/// Rows from here on, at most `height`.
fn page(lens: &mut Lens<'_>, sheet: &Sheet, top: (Place, usize), height: usize) -> Vec<ScreenRow> {
    let mut rows = Vec::new();
    let mut at = Some(top.0);
    let mut skip = top.1;
    while let Some(place) = at.filter(|_| rows.len() < height) {
        let shown = lens.show(place);
        let laid = lay_out(sheet, place, shown);
        let skipped = skip.min(laid.len().saturating_sub(1));
        rows.extend(laid.into_iter().skip(skipped));
        skip = 0;
        at = lens.next(place);
    }
    rows.truncate(height);
    rows
}

/// The rows that end with this line, at most `height`.
fn tail(lens: &mut Lens<'_>, sheet: &Sheet, last: Place, height: usize) -> Vec<ScreenRow> {
    let mut rows = std::collections::VecDeque::new();
    let mut at = Some(last);
    while let Some(place) = at.filter(|_| rows.len() < height) {
        let shown = lens.show(place);
        for row in lay_out(sheet, place, shown).into_iter().rev() {
            rows.push_front(row);
        }
        at = lens.before(place);
    }
    let over = rows.len().saturating_sub(height);
    rows.into_iter().skip(over).collect()
}

/// At most `far` rows above a row.
fn above(lens: &mut Lens<'_>, sheet: &Sheet, top: (Place, usize), far: usize) -> Vec<ScreenRow> {
    let shown = lens.show(top.0);
    let mut rows: std::collections::VecDeque<ScreenRow> =
        lay_out(sheet, top.0, shown).into_iter().take(top.1).collect();
    let mut at = lens.before(top.0);
    while let Some(place) = at.filter(|_| rows.len() < far) {
        let shown = lens.show(place);
        for row in lay_out(sheet, place, shown).into_iter().rev() {
            rows.push_front(row);
        }
        at = lens.before(place);
    }
    let over = rows.len().saturating_sub(far);
    rows.into_iter().skip(over).collect()
}

/// The runs with what is looked for reversed.
#[must_use]
pub(crate) fn marked(runs: &[Run], find: &Matcher) -> Vec<Run> {
    let text: String = runs.iter().map(|run| run.text.as_str()).collect();
    let places = find.places(&text);
    if places.is_empty() {
        return runs.to_vec();
    }
    let mut out = Vec::new();
    let mut from = 0;
    for run in runs {
        let end = from + run.text.len();
        let mut at = from;
        for place in places.iter().filter(|place| place.start < end && place.end > from) {
            let (start, stop) = (place.start.max(from), place.end.min(end));
            push(&mut out, run, &text[at..start], false);
            push(&mut out, run, &text[start..stop], true);
            at = stop;
        }
        push(&mut out, run, &text[at..end], false);
        from = end;
    }
    out
}

fn push(out: &mut Vec<Run>, run: &Run, text: &str, is_match: bool) {
    if !text.is_empty() {
        let style =
            if is_match { run.style.add_modifier(Modifier::REVERSED | Modifier::BOLD) } else { run.style };
        out.push(Run { text: text.to_owned(), style });
    }
}
