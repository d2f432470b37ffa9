//! Draws an objective as one row.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::{Model, text};
use paddock_model::objective::{Objective, Status};
use paddock_model::session::Session;
use paddock_model::usage::usd_of;

/// Columns of the word of the state.
const STATE: usize = 9;
/// Columns of the number of sessions: `12×`.
const ATTEMPTS: usize = 4;
/// Columns of the elapsed time: `3h05`.
const ELAPSED: usize = 5;
/// Columns of the cost: `$12.34`.
const COST: usize = 7;
/// Columns of the mark of the longest chain.
const MARK: usize = 2;
/// Columns of the shortest title that is worth showing.
const TITLE_MIN: usize = 12;
/// Columns of an id, at most.
const NAME_MAX: usize = 28;
/// Columns of a title, at most.
const TITLE_MAX: usize = 44;
/// Columns to which ids are cut before another column is dropped.
const NAME_MIN: usize = 14;

/// The columns of the list that fit. In a narrow pane they are dropped in this order: title, cost, attempts,
/// elapsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Columns {
    /// Columns of the id.
    pub name: usize,
    /// Columns of the title; 0 if it is not shown.
    pub title: usize,
    /// Columns of the state, or of the objectives that it waits for.
    state: usize,
    attempts: bool,
    elapsed: bool,
    cost: bool,
}

impl Columns {
    /// Fits the columns into rows of `columns`. `longest` is the width of the longest id and of the longest
    /// title.
    #[must_use]
    pub(crate) fn new(columns: usize, longest: (usize, usize), has_cost: bool) -> Self {
        let (longest_name, longest_title) = longest;
        let name = longest_name.clamp(6, NAME_MAX);
        let least = name.min(NAME_MIN);
        let mut shown = Self { name, title: 0, state: STATE, attempts: true, elapsed: true, cost: has_cost };
        // The title is dropped below, as it takes only what the others leave.
        for drop in 0..3 {
            if shown.right() + least < columns {
                break;
            }
            match drop {
                0 => shown.cost = false,
                1 => shown.attempts = false,
                _ => shown.elapsed = false,
            }
        }
        let free = columns.saturating_sub(shown.right() + 1);
        shown.name = name.min(free);
        let left = free.saturating_sub(shown.name + 2);
        shown.title = if left >= TITLE_MIN { left.min(longest_title).min(TITLE_MAX) } else { 0 };
        let used = shown.right() + 1 + shown.name + if shown.title > 0 { shown.title + 2 } else { 0 };
        // Free columns go to the state: a waiting objective names there what it waits for.
        shown.state = STATE + columns.saturating_sub(used).min(STATE * 4);
        shown
    }

    /// Returns the width of everything to the right of id and title.
    fn right(self) -> usize {
        let part = |is: bool, columns: usize| if is { columns + 1 } else { 0 };
        STATE + MARK + part(self.attempts, ATTEMPTS) + part(self.elapsed, ELAPSED) + part(self.cost, COST)
    }
}

fn sessions<'m>(model: &'m Model, one: &'m Objective) -> impl DoubleEndedIterator<Item = &'m Session> {
    one.sessions.iter().filter_map(|id| model.facts.state.session(*id))
}

/// Returns how long an objective has been worked on, or has waited for a person, in milliseconds; `None`
/// before its first session.
#[must_use]
pub(crate) fn elapsed_ms(model: &Model, one: &Objective) -> Option<i64> {
    // The first session that started: earlier ones may have failed to start.
    let begun = sessions(model, one).find_map(|session| session.started_ms);
    match one.status {
        Status::Todo => None,
        Status::Done => Some(one.landed.as_ref()?.at_ms - begun?),
        Status::Ready | Status::Active | Status::Review | Status::Queued => Some(model.now_ms - begun?),
        Status::NeedsReview | Status::Paused | Status::Skipped | Status::Failed | Status::Cancelled => {
            Some(model.now_ms - one.since_ms)
        }
    }
}

/// Returns the cost of an objective's sessions in dollars, as far as their agents reported it; `None` if none
/// did.
#[must_use]
pub(crate) fn cost(model: &Model, one: &Objective) -> Option<f64> {
    let reported: Vec<f64> = sessions(model, one).filter_map(|session| session.account.usage.usd()).collect();
    (!reported.is_empty()).then(|| reported.iter().sum())
}

/// What a row needs in addition to its objective.
pub(crate) struct RowContext<'a> {
    /// Model of the console.
    pub model: &'a Model,
    /// Colours and glyphs.
    pub theme: &'a Theme,
    /// Columns that fit.
    pub columns: Columns,
    /// Whether the objective is a dependency or dependent of the selected one, or the selected one itself.
    pub is_kin: bool,
    /// Whether the objective is on the longest chain of unfinished ones.
    pub is_critical: bool,
}

/// Draws the row of an objective. `area` begins at the glyph of its state.
pub(crate) fn draw(one: &Objective, context: &RowContext<'_>, area: Rect, buf: &mut Buffer) {
    let RowContext { model, theme, columns, .. } = context;
    let look = theme.objective(one);
    let end = area.right();
    let put = |buf: &mut Buffer, x: u16, columns: usize, text: &str, style| {
        text::put(buf, x, area.y, narrow(columns).min(end.saturating_sub(x)), text, style)
    };
    put(buf, area.x, 1, look.glyph, look.style);
    let mut x = area.x + 2;
    // Finished objectives recede, and relatives of the selected one stand out.
    let name = if one.status == Status::Done { theme.dim } else { theme.plain };
    let name = if context.is_kin { name.patch(theme.strong) } else { name };
    put(buf, x, columns.name, one.key.id.as_str(), name);
    x += narrow(columns.name + 1);
    if columns.title > 0 {
        put(buf, x + 1, columns.title, &one.spec.title, theme.dim);
        x += narrow(columns.title + 2);
    }
    let mark_x = end.saturating_sub(narrow(MARK));
    if context.is_critical {
        put(buf, mark_x + 1, 1, theme.glyphs.critical, theme.strong);
    }
    if let Some(waits) = waits_for(model, one) {
        // A waiting objective has no session yet: the names of what it waits for replace the figures.
        let columns = usize::from(mark_x.saturating_sub(x));
        put(buf, x, columns, &format!("{}: {waits}", look.word), look.style);
        return;
    }
    put(buf, x, STATE, look.word, look.style);
    x += narrow(columns.state);
    let dash = theme.glyphs.dash;
    let mut right = |buf: &mut Buffer, is: bool, columns: usize, text: &str| {
        if is {
            put(buf, x + 1, columns, &text::fit_right(text, columns), theme.plain);
            x += narrow(columns + 1);
        }
    };
    let times = if theme.glyphs.ascii { "x" } else { "×" };
    let attempts =
        if one.sessions.is_empty() { dash.to_owned() } else { format!("{}{times}", one.sessions.len()) };
    right(buf, columns.attempts, ATTEMPTS, &attempts);
    let elapsed = elapsed_ms(model, one).map_or_else(|| dash.to_owned(), text::short_time);
    right(buf, columns.elapsed, ELAPSED, &elapsed);
    let cost = cost(model, one).map_or_else(|| dash.to_owned(), usd_of);
    right(buf, columns.cost, COST, &cost);
}

/// Returns the ids of the unfinished objectives that an objective waits for.
fn waits_for(model: &Model, one: &Objective) -> Option<String> {
    if one.status != Status::Todo {
        return None;
    }
    let names: Vec<&str> = model.facts.state.unmet(one).iter().map(|need| need.key.id.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn narrow(columns: usize) -> u16 {
    u16::try_from(columns).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_rows_drop_columns_in_the_stated_order() {
        let of = |columns| {
            let shown = Columns::new(columns, (16, 30), true);
            (shown.name, shown.title > 0, shown.cost, shown.attempts, shown.elapsed)
        };
        assert_eq!(of(90), (16, true, true, true, true));
        assert_eq!(of(48), (16, false, true, true, true));
        assert_eq!(of(40), (16, false, false, true, true));
        assert_eq!(of(34), (16, false, false, false, true));
        assert_eq!(of(28), (16, false, false, false, false));
        assert_eq!(of(20), (8, false, false, false, false));
    }
}
