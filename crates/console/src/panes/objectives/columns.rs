//! One objective in one row.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::{Model, text};
use paddock_model::objective::{Objective, Status};
use paddock_model::session::Session;

/// Columns of the state's word.
const WORD: usize = 9;
/// `12×`
const ATTEMPTS: usize = 4;
/// `3h05`
const ELAPSED: usize = 5;
/// `$12.34`
const COST: usize = 7;
/// The mark of the longest chain.
const MARK: usize = 2;
/// A title is shown from this many columns on.
const TITLE_LEAST: usize = 12;
/// The longest id that is shown whole.
const NAME_MOST: usize = 28;
/// The longest title that is shown whole.
const TITLE_MOST: usize = 44;
/// The shortest that ids are cut to before a column is dropped for them.
const NAME_LEAST: usize = 14;

/// Which columns there is room for. They go in this order: title, cost, attempts, elapsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Columns {
    /// Columns of the id.
    pub name: usize,
    /// Columns of the title; 0: none.
    pub title: usize,
    /// Columns of the state: its word, or what it waits for.
    word: usize,
    attempts: bool,
    elapsed: bool,
    cost: bool,
}

impl Columns {
    /// For rows of this many columns, with ids and titles of at most so many.
    #[must_use]
    pub(crate) fn new(columns: usize, longest: (usize, usize), has_cost: bool) -> Self {
        let (longest_name, longest_title) = longest;
        let name = longest_name.clamp(6, NAME_MOST);
        let least = name.min(NAME_LEAST);
        let mut shown = Self { name, title: 0, word: WORD, attempts: true, elapsed: true, cost: has_cost };
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
        let room = columns.saturating_sub(shown.right() + 1);
        shown.name = name.min(room);
        let left = room.saturating_sub(shown.name + 2);
        shown.title = if left >= TITLE_LEAST { left.min(longest_title).min(TITLE_MOST) } else { 0 };
        let used = shown.right() + 1 + shown.name + if shown.title > 0 { shown.title + 2 } else { 0 };
        shown.word = WORD + columns.saturating_sub(used).min(WORD * 4);
        shown
    }

    /// What stands to the right of id and title.
    fn right(self) -> usize {
        let part = |is: bool, columns: usize| if is { columns + 1 } else { 0 };
        WORD + MARK + part(self.attempts, ATTEMPTS) + part(self.elapsed, ELAPSED) + part(self.cost, COST)
    }
}

fn sessions<'m>(model: &'m Model, one: &'m Objective) -> impl DoubleEndedIterator<Item = &'m Session> {
    one.sessions.iter().filter_map(|id| model.facts.state.session(*id))
}

/// How long it has been worked on, or has waited for a person; none before anything began.
#[must_use]
pub(crate) fn elapsed_ms(model: &Model, one: &Objective) -> Option<i64> {
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

/// What its sessions cost together, in dollars, as far as their agents told.
#[must_use]
pub(crate) fn cost(model: &Model, one: &Objective) -> Option<f64> {
    let reported: Vec<f64> = sessions(model, one).filter_map(|session| session.account.usage.usd()).collect();
    (!reported.is_empty()).then(|| reported.iter().sum())
}

/// What a row needs besides its objective.
pub(crate) struct Setting<'a> {
    /// The model.
    pub model: &'a Model,
    /// The theme.
    pub theme: &'a Theme,
    /// The columns.
    pub columns: Columns,
    /// Whether it has to do with the selected one.
    pub is_kin: bool,
    /// Whether it is on the longest chain of what is left.
    pub is_critical: bool,
}

/// Draws the row of an objective; `area` begins at its glyph.
pub(crate) fn draw(one: &Objective, setting: &Setting<'_>, area: Rect, buf: &mut Buffer) {
    let Setting { model, theme, columns, .. } = setting;
    let look = theme.objective(one);
    let end = area.right();
    let put = |buf: &mut Buffer, x: u16, columns: usize, text: &str, style| {
        text::put(buf, x, area.y, narrow(columns).min(end.saturating_sub(x)), text, style)
    };
    put(buf, area.x, 1, look.glyph, look.style);
    let mut x = area.x + 2;
    let name = if one.status == Status::Done { theme.dim } else { theme.plain };
    let name = if setting.is_kin { name.patch(theme.strong) } else { name };
    put(buf, x, columns.name, one.key.id.as_str(), name);
    x += narrow(columns.name + 1);
    if columns.title > 0 {
        put(buf, x + 1, columns.title, &one.spec.title, theme.dim);
        x += narrow(columns.title + 2);
    }
    let mark_x = end.saturating_sub(narrow(MARK));
    if setting.is_critical {
        put(buf, mark_x + 1, 1, theme.glyphs.critical, theme.strong);
    }
    if let Some(waits) = waits_for(model, one) {
        let room = usize::from(mark_x.saturating_sub(x));
        put(buf, x, room, &format!("{}: {waits}", look.word), look.style);
        return;
    }
    put(buf, x, WORD, look.word, look.style);
    x += narrow(columns.word);
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
    let cost = cost(model, one).map_or_else(|| dash.to_owned(), |usd| format!("${usd:.2}"));
    right(buf, columns.cost, COST, &cost);
}

/// The unfinished ones that it waits for, by name.
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
    fn columns_go_in_the_stated_order_when_it_gets_narrow() {
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
