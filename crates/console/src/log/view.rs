//! The view of one log in one pane: its scroll position, folds, filter and search.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ratatui::style::Modifier;

use super::ansi::Run;
use super::doc::{Mode, Raw, Shared};
use super::lens::{Lens, Place};
use super::matcher::Matcher;
use super::rows::{RowLayout, ScreenRow, lay_out};
use super::seek::Filter;

/// The view of a log. It follows the end until a person scrolls; after that it never moves by itself.
#[derive(Debug, Default)]
pub struct View {
    mode: Mode,
    /// Scroll position while the view is held; `None` while it follows the end.
    paused: Option<Pause>,
    /// Numbers of the entries that a person has unfolded.
    unfolded: BTreeSet<u64>,
    /// Whether the view shows only the matches of the log's filter. The filter is the log's, so that the
    /// follower can extend it; the pane and the grid's tile are two views of one log, and only one of them
    /// filters.
    filters: bool,
    /// Search text whose matches are highlighted.
    find: Option<Matcher>,
    /// Whether long lines are cut instead of wrapped.
    cuts: bool,
    /// Width and height of the last frame.
    size: (usize, usize),
    /// Rows still to scroll by, because text in between was not in the cache.
    owed_rows: i64,
    /// Rows of the last complete frame, shown until the text of the next one has been read.
    drawn: Vec<ScreenRow>,
    /// Time since which the view has waited for text.
    waits_since: Option<Instant>,
}

/// A shorter wait for text is not announced: the word would only flicker.
const WAIT_SHOWN: Duration = Duration::from_millis(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pause {
    /// Line at the top, and the number of its rows that are above the view.
    top: (Place, usize),
    cursor: Place,
    /// Lines of the log when following ended.
    seen: u64,
}

impl View {
    /// Returns the mode that is shown.
    #[must_use]
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns whether the view follows the end.
    #[must_use]
    pub(crate) fn follows(&self) -> bool {
        self.paused.is_none()
    }

    /// Returns the search, if any.
    #[must_use]
    pub(crate) fn find(&self) -> Option<&Matcher> {
        self.find.as_ref()
    }

    /// Returns the number of lines that arrived since the view stopped following.
    #[must_use]
    pub(crate) fn new_lines(&self, log: &Shared) -> u64 {
        self.paused.map_or(0, |pause| log.new_since(self.mode, pause.seen))
    }

    /// Returns whether the view has waited for text for longer than [`WAIT_SHOWN`].
    #[must_use]
    pub(crate) fn is_reading(&self) -> bool {
        self.waits_since.is_some_and(|since| since.elapsed() >= WAIT_SHOWN)
    }

    fn lens<'a>(&'a self, log: &'a mut Shared) -> Lens<'a> {
        // A view that does not filter ignores the filter that another view has set on the log.
        let hits = log.filter.as_ref().filter(|_| self.filters).map(|filter| filter.hits.as_slice());
        Lens { doc: &mut log.doc, mode: self.mode, unfolded: &self.unfolded, hits }
    }

    /// Returns the rows of a frame of this size. If text is missing, it is recorded as wanted, and the rows
    /// of the last complete frame are returned instead.
    pub fn draw(&mut self, log: &mut Shared, width: usize, height: usize) -> Vec<ScreenRow> {
        self.size = (width, height);
        self.scroll_owed(log);
        // Cleared first: other views of the same log may have missed text before.
        log.doc.take_missed();
        let (rows, paused) = self.laid_out(log, height);
        if !log.doc.take_missed() {
            (self.paused, self.waits_since) = (paused, None);
            self.drawn.clone_from(&rows);
            return rows;
        }
        self.waits_since.get_or_insert_with(Instant::now);
        // The new position is not kept: it was computed from placeholders of one row each, not from the real
        // heights of the lines.
        if self.drawn.is_empty() { rows } else { self.drawn.clone() }
    }

    /// Lays out a frame: its rows, and the position that results from it.
    fn laid_out(&self, log: &mut Shared, height: usize) -> (Vec<ScreenRow>, Option<Pause>) {
        let row_layout = self.row_layout(log);
        let mut lens = self.lens(log);
        if lens.is_empty() || height == 0 {
            return (Vec::new(), self.paused);
        }
        let Some(pause) = self.paused else {
            let last = lens.last();
            return (tail(&mut lens, &row_layout, last, height), None);
        };
        let (top, cursor) = ((lens.clamp(pause.top.0), pause.top.1), lens.clamp(pause.cursor));
        let mut rows = page(&mut lens, &row_layout, top, height);
        let is_above = cursor < top.0;
        let last_shown = rows.last().map_or(top.0, |row| row.place);
        let is_cut = rows.last().is_some_and(|row| row.place == cursor && !row.is_last);
        // The frame moves as little as possible so that the cursor's line is in it. A line higher than the
        // frame is shown from where it was scrolled to: aligning its end would jump.
        if is_above {
            rows = page(&mut lens, &row_layout, (cursor, 0), height);
        } else if cursor > last_shown || (is_cut && cursor != top.0) {
            rows = tail(&mut lens, &row_layout, cursor, height);
        }
        // Near the end (or after a fold closed) the frame is filled from the end upwards, so that no blank
        // rows are shown below the last line while there are lines above.
        if rows.len() < height {
            let last = lens.last();
            rows = tail(&mut lens, &row_layout, last, height);
        }
        for row in &mut rows {
            row.is_cursor = row.place == cursor;
        }
        let top = rows.first().map_or(top, |row| (row.place, row.part));
        (rows, Some(Pause { top, cursor, ..pause }))
    }

    fn row_layout(&self, log: &Shared) -> RowLayout {
        RowLayout {
            width: self.size.0,
            has_times: self.mode == Mode::Readable && log.doc.entries().has_times(),
            is_raw: self.mode != Mode::Readable,
            cuts: self.cuts,
            find: self.find.clone(),
        }
    }

    /// Stops following at the present position, with the cursor on the last line.
    pub(crate) fn pause(&mut self, log: &mut Shared) {
        if self.paused.is_some() {
            return;
        }
        let (row_layout, height) = (self.row_layout(log), self.size.1.max(1));
        let seen = log.doc.lines(self.mode);
        let mut lens = self.lens(log);
        let cursor = lens.last();
        let rows = if lens.is_empty() { Vec::new() } else { tail(&mut lens, &row_layout, cursor, height) };
        let top = rows.first().map_or((cursor, 0), |row| (row.place, row.part));
        self.paused = Some(Pause { top, cursor, seen });
    }

    /// Resumes following the end.
    pub(crate) fn follow(&mut self) {
        (self.paused, self.owed_rows) = (None, 0);
    }

    /// Moves the cursor by a number of lines; negative is up, and ends following.
    pub(crate) fn move_by(&mut self, log: &mut Shared, lines: i64) {
        // Nothing is below the end; holding the view there would only stop it from following.
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

    /// Scrolls by a number of rows; negative is up, and ends following. The cursor moves only if it would
    /// leave the frame.
    pub fn scroll_by(&mut self, log: &mut Shared, rows: i64) {
        if self.paused.is_none() && rows > 0 {
            return;
        }
        self.pause(log);
        self.owed_rows = self.owed_rows.saturating_add(rows);
        self.scroll_owed(log);
    }

    /// Scrolls by the owed rows. If text is missing, the scroll stays owed and is tried again with the next
    /// frame: a dropped scroll would make pages turned faster than the disk reads go lost.
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
        let (row_layout, height) = (self.row_layout(log), self.size.1.max(1));
        let mut lens = self.lens(log);
        if lens.is_empty() {
            return pause;
        }
        let top = (lens.clamp(pause.top.0), pause.top.1);
        // Bounded, since every row in between is laid out.
        let far = usize::try_from(rows.unsigned_abs()).unwrap_or(usize::MAX).min(10_000);
        let moved = if rows < 0 {
            let above = above(&mut lens, &row_layout, top, far);
            above.first().map_or(top, |row| (row.place, row.part))
        } else {
            let below = page(&mut lens, &row_layout, top, height + far);
            let new_top = below.len().saturating_sub(height).min(far);
            below.get(new_top).map_or(top, |row| (row.place, row.part))
        };
        // The cursor stays on a line that is shown whole. If a single line fills the frame, none is: `first`
        // is then after `last`.
        let shown = page(&mut lens, &row_layout, moved, height);
        let last = shown.iter().rev().find(|row| row.is_last).map_or(moved.0, |row| row.place);
        let first = shown.iter().find(|row| row.part == 0).map_or(moved.0, |row| row.place);
        let cursor = if first <= last { pause.cursor.clamp(first, last) } else { moved.0 };
        // At either end the frame cannot move any further: the cursor goes to the first or last line.
        let stuck = moved == top;
        let cursor = match (stuck, rows < 0) {
            (true, true) => lens.first(),
            (true, false) => lens.last(),
            _ => cursor,
        };
        (pause.top, pause.cursor) = (moved, cursor);
        pause
    }

    /// Goes to the first line.
    pub fn to_top(&mut self, log: &mut Shared) {
        self.pause(log);
        self.owed_rows = 0;
        let first = self.lens(log).first();
        if let Some(pause) = &mut self.paused {
            (pause.top, pause.cursor) = ((first, 0), first);
        }
    }

    /// Puts the cursor on an unfolded place of the log (see [`Lens::full_at`]), and unfolds the entry that
    /// hides it.
    pub(crate) fn go_to(&mut self, log: &mut Shared, full: Place) {
        self.pause(log);
        self.owed_rows = 0;
        let lens = self.lens(log);
        // The line is hidden if its shown place leads to another line.
        if lens.can_fold(full.entry) && lens.full_at(lens.shown_at(full)) != full {
            self.unfolded.insert(full.entry);
        }
        let cursor = self.lens(log).shown_at(full);
        if let Some(pause) = &mut self.paused {
            pause.cursor = cursor;
        }
    }

    /// Returns the unfolded place of the cursor; while the view follows, that of the last line.
    #[must_use]
    pub(crate) fn cursor(&self, log: &mut Shared) -> Place {
        let lens = self.lens(log);
        let shown = self.paused.map_or_else(|| lens.last(), |pause| lens.clamp(pause.cursor));
        lens.full_at(shown)
    }

    /// Returns the text of the cursor's line, `None` while it is being read.
    #[must_use]
    pub(crate) fn cursor_text(&self, log: &mut Shared) -> Option<String> {
        let place = self.cursor(log);
        log.doc.content(self.mode, place.entry, place.line).map(|content| content.text())
    }

    /// Folds or unfolds the cursor's entry, or the nearest foldable entry above it. Returns false if there is
    /// none near enough to be in view.
    pub(crate) fn toggle_fold(&mut self, log: &mut Shared) -> bool {
        let full = self.cursor(log);
        let lens = self.lens(log);
        // Every entry has at least one row: no entry further up than the frame is high can be in view.
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

    /// Switches to the next mode: transcript, standard output, standard error. The filter starts anew, since
    /// its matches are places of the mode it was made for.
    pub fn next_mode(&mut self, log: &mut Shared) {
        self.mode = match self.mode {
            Mode::Readable => Mode::Raw(Raw::Out),
            Mode::Raw(Raw::Out) => Mode::Raw(Raw::Err),
            Mode::Raw(Raw::Err) => Mode::Readable,
        };
        // Places of hits differ between modes.
        log.filter = log.filter.take().map(|filter| Filter::new(self.mode, filter.matcher));
        self.follow();
    }

    /// Switches between wrapping and cutting long lines.
    pub(crate) fn toggle_wrap(&mut self) {
        self.cuts = !self.cuts;
    }

    /// Sets the search whose matches are highlighted; `None` ends it.
    pub(crate) fn set_find(&mut self, matcher: Option<Matcher>) {
        self.find = matcher;
    }

    /// Shows only the lines that match; `None` shows all. When the filter ends, the cursor stays on its line.
    pub(crate) fn set_filter(&mut self, log: &mut Shared, matcher: Option<Matcher>) {
        let full = self.paused.is_some().then(|| self.cursor(log));
        self.filters = matcher.is_some();
        log.filter = matcher.map(|matcher| Filter::new(self.mode, matcher));
        // With a new filter the old place may not be shown: the cursor is clamped with the next frame.
        if let (Some(full), false) = (full, self.filters) {
            self.go_to(log, full);
        }
    }
}

/// Returns the rows from `top` on, at most `height`.
fn page(lens: &mut Lens<'_>, row_layout: &RowLayout, top: (Place, usize), height: usize) -> Vec<ScreenRow> {
    let mut rows = Vec::new();
    let mut at = Some(top.0);
    let mut skip = top.1;
    while let Some(place) = at.filter(|_| rows.len() < height) {
        let shown = lens.show(place);
        let laid = lay_out(row_layout, place, shown);
        // The line may have fewer rows than when `top` was set, if the frame became wider: one is always
        // shown.
        let skipped = skip.min(laid.len().saturating_sub(1));
        rows.extend(laid.into_iter().skip(skipped));
        skip = 0;
        at = lens.next(place);
    }
    rows.truncate(height);
    rows
}

/// Returns the rows that end with the line `last`, at most `height`.
fn tail(lens: &mut Lens<'_>, row_layout: &RowLayout, last: Place, height: usize) -> Vec<ScreenRow> {
    let mut rows = std::collections::VecDeque::new();
    let mut at = Some(last);
    while let Some(place) = at.filter(|_| rows.len() < height) {
        let shown = lens.show(place);
        for row in lay_out(row_layout, place, shown).into_iter().rev() {
            rows.push_front(row);
        }
        at = lens.before(place);
    }
    let over = rows.len().saturating_sub(height);
    rows.into_iter().skip(over).collect()
}

/// Returns the rows above `top`, nearest last, at most `far`.
fn above(lens: &mut Lens<'_>, row_layout: &RowLayout, top: (Place, usize), far: usize) -> Vec<ScreenRow> {
    let shown = lens.show(top.0);
    let mut rows: std::collections::VecDeque<ScreenRow> =
        lay_out(row_layout, top.0, shown).into_iter().take(top.1).collect();
    let mut at = lens.before(top.0);
    while let Some(place) = at.filter(|_| rows.len() < far) {
        let shown = lens.show(place);
        for row in lay_out(row_layout, place, shown).into_iter().rev() {
            rows.push_front(row);
        }
        at = lens.before(place);
    }
    let over = rows.len().saturating_sub(far);
    rows.into_iter().skip(over).collect()
}

/// Returns the runs with the matches of `find` reversed and bold.
#[must_use]
pub(crate) fn marked(runs: &[Run], find: &Matcher) -> Vec<Run> {
    let text: String = runs.iter().map(|run| run.text.as_str()).collect();
    let places = find.places(&text);
    if places.is_empty() {
        return runs.to_vec();
    }
    // Matches are found in the joined text, because one may begin in one run and end in another; each run is
    // then split where a match begins or ends.
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
