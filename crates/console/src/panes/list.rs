//! What panes that are lists share: the selected row, scrolling, and what an empty one says.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::text;
use crate::theme::Theme;

/// Says something in the middle of an empty pane: what would be here, and how it gets here.
pub(crate) fn teach(lines: &[&str], area: Rect, buf: &mut Buffer, theme: &Theme) {
    let columns = area.width.saturating_sub(2);
    let lines = lines.iter().flat_map(|line| text::wrap(line, usize::from(columns)));
    for (row, line) in (area.y..area.bottom()).zip(lines) {
        text::put(buf, area.x + 1, row, columns, &line, theme.dim);
    }
}

/// The row of a list that is selected: that of the name which was chosen; the first where none was. None when
/// what was chosen is no longer in the list: no other row takes its place by itself, for the next key would act
/// on it.
#[must_use]
pub(crate) fn chosen<R, N: PartialEq>(
    rows: &[R],
    at: Option<&N>,
    name: impl Fn(&R) -> Option<N>,
) -> Option<usize> {
    match at {
        Some(at) => rows.iter().position(|row| name(row).as_ref() == Some(at)),
        None => (!rows.is_empty()).then_some(0),
    }
}

/// Where a key leads that moves by so many of `count` rows. Without a selection, to the nearest of where it was.
#[must_use]
pub(crate) fn stepped(at: Option<usize>, near: usize, by: i32, count: usize) -> usize {
    let last = count.saturating_sub(1);
    at.map_or(near, |at| at.saturating_add_signed(by as isize)).min(last)
}

/// What keys are refused with when the chosen row has left a list.
#[must_use]
pub(crate) fn gone(what: &str) -> String {
    format!("the selected {what} is no longer here: j or k selects another")
}

/// Rows that scroll so that the selected one is seen: gives the first row to show. `top` is where it was, so
/// that the screen moves only when it must.
#[must_use]
pub(crate) fn scrolled(top: usize, selected: usize, height: usize, count: usize) -> usize {
    let last_top = count.saturating_sub(height);
    let lowest = (selected + 1).saturating_sub(height);
    top.min(selected).max(lowest).min(last_top)
}
