//! Which objective of the list is selected: one whose row is shown, or none.
//!
//! A key acts on the selected row without asking what it is. So a person's own keys move the selection, and
//! nothing else does: an objective that leaves the filter while it is selected leaves nothing selected.

use ratatui::layout::Rect;

use super::listed::{inside, plan};
use super::plan::Plan;
use super::state::Selection;
use crate::Model;
use crate::graph::Row;
use crate::panes::PaneId;
use paddock_model::ids::ObjectiveKey;
use paddock_report::text::counted;

/// The row of the selected objective, if the list shows one.
pub(super) fn row(model: &Model, plan: &Plan) -> Option<usize> {
    plan.row_of(model.selected.as_ref())
}

/// The selected objective, if it has a row of its own: not behind the filter, not in a fold.
pub(super) fn shown(model: &Model) -> Option<ObjectiveKey> {
    let plan = plan(model, inside(model));
    let row = row(model, &plan)?;
    matches!(plan.rows.get(row), Some(Row::Node(_))).then(|| model.selected.clone()).flatten()
}

/// Why keys about an objective have none to act on, and what to do.
pub(super) fn why_none(model: &Model) -> String {
    let plan = plan(model, inside(model));
    if let Some(Row::Folded(nodes)) = row(model, &plan).and_then(|row| plan.rows.get(row)) {
        let folded = counted(nodes.len(), "finished objective");
        return format!("{folded} folded into this row: Enter shows each");
    }
    let filter = &model.panes.objectives.filter;
    match (filter.is_empty(), plan.rows.is_empty()) {
        (true, true) => "there is no objective yet".to_owned(),
        (true, false) => "no objective is selected: j or k selects one".to_owned(),
        (false, true) => format!("no objective has {filter:?} in it: Esc clears the filter"),
        (false, false) => {
            format!(
                "no objective behind the filter {filter:?} is selected: j or k selects one, Esc clears it"
            )
        }
    }
}

/// Shows only rows with this text. What was selected before the filter stays so where it is shown; else the
/// first row is selected.
pub(super) fn filter(model: &mut Model, text: String) {
    let local = &mut model.panes.objectives;
    if local.filter.is_empty() && !text.is_empty() {
        local.before = Some((model.selected.clone(), model.session));
    }
    local.filter = text;
    if model.panes.objectives.filter.is_empty() {
        if let Some(before) = model.panes.objectives.before.take() {
            restore(model, before);
        }
        return;
    }
    let plan = plan(model, inside(model));
    let before = model.panes.objectives.before.clone();
    if let Some(before) = before.filter(|(key, _)| plan.row_of(key.as_ref()).is_some()) {
        restore(model, before);
    } else if row(model, &plan).is_none() {
        let first = (0..plan.rows.len()).find_map(|row| plan.key(row));
        model.select(first.cloned());
    }
}

/// Shows every row again; what was found with the filter stays selected.
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

fn restore(model: &mut Model, (key, session): Selection) {
    let key = key.filter(|key| model.facts.state.objective(key).is_some());
    if key.is_some() && key != model.selected {
        (model.selected, model.session) = (key, session);
    }
}

/// Where a key that moves by so many rows leads, among the rows that can be selected. Without a selection, to
/// the nearest of where it was.
pub(super) fn step(places: &[usize], row: Option<usize>, near: usize, by: i32) -> usize {
    let last = places.len().saturating_sub(1);
    match places.iter().position(|&place| Some(place) == row) {
        Some(at) => at.saturating_add_signed(by as isize).min(last),
        None => places.iter().position(|&place| place >= near).unwrap_or(last),
    }
}

/// A key or a click selects this row.
pub(super) fn select(model: &mut Model, plan: &Plan, row: usize) {
    if let Some(key) = plan.key(row) {
        model.select(Some(key.clone()));
        (model.panes.objectives.before, model.panes.objectives.hidden) = (None, None);
    }
}

/// Ends a selection that the filter no longer shows. Not while another pane has the focus: what is read there
/// stays, and says itself what it is.
pub(super) fn settle(model: &mut Model) {
    if model.active() != PaneId::Objectives || model.panes.objectives.filter.is_empty() {
        return;
    }
    let plan = plan(model, inside(model));
    if model.selected.is_some() && row(model, &plan).is_none() {
        model.panes.objectives.hidden = Some((model.selected.clone(), model.session));
        model.select(None);
    }
}

/// Remembers where the selection is, for when it is gone.
pub(super) fn note(model: &Model, plan: &Plan, area: Rect) {
    if let Some(row) = row(model, plan).filter(|_| area.height > 0) {
        model.panes.objectives.near.set(row);
    }
}
