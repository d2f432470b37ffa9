//! The selection of the list: an objective whose row is shown, or none.
//!
//! Some keys act on the selected row without asking. The selection must therefore be visible, and only keys
//! and clicks of the person may move it: when a selected objective leaves the filtered list, nothing is
//! selected.

use ratatui::layout::Rect;

use super::cache::{current_list, inside};
use super::list::List;
use super::state::Selection;
use crate::Model;
use crate::graph::Row;
use crate::panes::PaneId;
use paddock_model::ids::ObjectiveKey;
use paddock_report::text::counted;

/// Returns the row of the selected objective, if the list has one.
pub(super) fn row(model: &Model, list: &List) -> Option<usize> {
    list.row_of(model.selected.as_ref())
}

/// Returns the selected objective if it has a row of its own: neither hidden by the filter nor in a fold.
pub(super) fn shown(model: &Model) -> Option<ObjectiveKey> {
    let list = current_list(model, inside(model));
    let row = row(model, &list)?;
    matches!(list.rows.get(row), Some(Row::Node(_))).then(|| model.selected.clone()).flatten()
}

/// Returns why a key has no objective to act on, and what to do about it.
pub(super) fn why_none(model: &Model) -> String {
    let list = current_list(model, inside(model));
    if let Some(Row::Folded(nodes)) = row(model, &list).and_then(|row| list.rows.get(row)) {
        let folded = counted(nodes.len(), "finished objective");
        return format!("{folded} folded into this row: Enter shows each");
    }
    let filter = &model.panes.objectives.filter;
    match (filter.is_empty(), list.rows.is_empty()) {
        (true, true) => "there is no objective yet".to_owned(),
        (true, false) => "no objective is selected: j or k selects one".to_owned(),
        (false, true) => format!("no objective matches {filter:?}: Esc clears the filter"),
        (false, false) => {
            format!("no objective is selected (filter {filter:?}): j or k selects one, Esc clears the filter")
        }
    }
}

/// Sets the filter. The objective selected before the filter is selected again whenever its row is shown;
/// otherwise the first row is selected. An empty text ends the filter.
pub(super) fn filter(model: &mut Model, text: String) {
    let local = &mut model.panes.objectives;
    if local.filter.is_empty() && !text.is_empty() {
        // Remembered with the first letter only: later letters may have moved the selection.
        local.before = Some((model.selected.clone(), model.session));
    }
    local.filter = text;
    if model.panes.objectives.filter.is_empty() {
        // The text was deleted without a choice: the list is again as it was before.
        if let Some(before) = model.panes.objectives.before.take() {
            restore(model, before);
        }
        return;
    }
    let list = current_list(model, inside(model));
    let before = model.panes.objectives.before.clone();
    if let Some(before) = before.filter(|(key, _)| list.row_of(key.as_ref()).is_some()) {
        restore(model, before);
    } else if row(model, &list).is_none() {
        let first = (0..list.rows.len()).find_map(|row| list.key(row));
        model.select(first.cloned());
    }
}

/// Ends the filter and keeps the selection. If nothing is selected, the last selection that was lost is
/// restored.
pub(super) fn clear(model: &mut Model) {
    let local = &mut model.panes.objectives;
    local.filter.clear();
    let (hidden, before) = (local.hidden.take(), local.before.take());
    if model.selected.is_none()
        && let Some(lost) = hidden.or(before)
    {
        restore(model, lost);
    }
}

/// Restores a selection, unless its objective no longer exists.
fn restore(model: &mut Model, (key, session): Selection) {
    let key = key.filter(|key| model.facts.state.objective(key).is_some());
    if key.is_some() && key != model.selected {
        (model.selected, model.session) = (key, session);
    }
}

/// Returns the index in `places` (the rows that can be selected) after a move by `by` of them. Without a
/// selection, returns the index nearest to the row that was selected last.
pub(super) fn step(places: &[usize], row: Option<usize>, near: usize, by: i32) -> usize {
    let last = places.len().saturating_sub(1);
    match places.iter().position(|&place| Some(place) == row) {
        Some(at) => at.saturating_add_signed(by as isize).min(last),
        None => places.iter().position(|&place| place >= near).unwrap_or(last),
    }
}

/// Selects a row, as a key or a click asks.
pub(super) fn select(model: &mut Model, list: &List, row: usize) {
    if let Some(key) = list.key(row) {
        model.select(Some(key.clone()));
        // A choice of the person replaces what would be restored.
        (model.panes.objectives.before, model.panes.objectives.hidden) = (None, None);
    }
}

/// Ends a selection whose row has left the filtered list. While another pane has the focus, the selection
/// stays: that pane shows the objective (its log, its diff) and names it itself.
pub(super) fn settle(model: &mut Model) {
    if model.active() != PaneId::Objectives || model.panes.objectives.filter.is_empty() {
        return;
    }
    let list = current_list(model, inside(model));
    if model.selected.is_some() && row(model, &list).is_none() {
        model.panes.objectives.hidden = Some((model.selected.clone(), model.session));
        model.select(None);
    }
}

/// Remembers the row of the selection, for moves after the selection was lost.
pub(super) fn note(model: &Model, list: &List, area: Rect) {
    if let Some(row) = row(model, list).filter(|_| area.height > 0) {
        model.panes.objectives.near.set(row);
    }
}
