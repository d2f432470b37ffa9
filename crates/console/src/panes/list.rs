//! Functions shared by panes that are lists: the selected row, scrolling, and the text of an empty pane.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::text;
use crate::theme::Theme;

/// Draws the text of an empty pane: what appears here, and when.
pub(crate) fn teach(lines: &[&str], area: Rect, buf: &mut Buffer, theme: &Theme) {
    let columns = area.width.saturating_sub(2);
    let lines = lines.iter().flat_map(|line| text::wrap(line, usize::from(columns)));
    for (row, line) in (area.y..area.bottom()).zip(lines) {
        text::put(buf, area.x + 1, row, columns, &line, theme.dim);
    }
}

/// Returns the index of the selected row: the one with the selected name, or the first if no name was
/// selected.
///
/// Returns `None` if the selected name is no longer in the list. No other row takes its place by itself,
/// because the next key, already on its way, would act on a row that the person has not seen selected.
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

/// Returns the index after a move by `by` rows in a list of `count`. Without a selection, returns the index
/// nearest to `near`, where the selection was last.
#[must_use]
pub(crate) fn stepped(at: Option<usize>, near: usize, by: i32, count: usize) -> usize {
    let last = count.saturating_sub(1);
    at.map_or(near, |at| at.saturating_add_signed(by as isize)).min(last)
}

/// Returns why a key is refused after the selected row has left the list.
#[must_use]
pub(crate) fn gone(what: &str) -> String {
    format!("the selected {what} is no longer here: j or k selects another")
}

/// Returns the first row to show so that the selected one is visible. `top` is the first row of the last
/// frame; the list scrolls only as far as it must.
#[must_use]
pub(crate) fn scrolled(top: usize, selected: usize, height: usize, count: usize) -> usize {
    let last_top = count.saturating_sub(height);
    // The selected row is the last one on the screen if the list must scroll down.
    let lowest = (selected + 1).saturating_sub(height);
    top.min(selected).max(lowest).min(last_top)
}
