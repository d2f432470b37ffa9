//! The list of objectives as it is now, from the cache if nothing has changed.

use std::rc::Rc;

use ratatui::layout::Rect;

use super::list::{Fingerprint, List, ListInputs, shape};
use crate::panes::PaneId;
use crate::{Model, layout};

/// Rows from which on the last row of the pane says why the selected objective is in its state.
const WHY_FROM_HEIGHT: u16 = 10;

/// Returns the columns of the graph, at most, in a pane of this width: in a narrow one, names need the space.
fn graph_columns_max(columns: u16) -> usize {
    match columns {
        0..=49 => 3,
        50..=79 => 6,
        80..=119 => 8,
        _ => 12,
    }
}

/// Returns the list for a pane of this area.
pub(super) fn current_list(model: &Model, area: Rect) -> Rc<List> {
    let local = &model.panes.objectives;
    let inputs = ListInputs {
        filter: local.filter.clone(),
        unfolded: local.unfolded.clone(),
        height: usize::from(rows_area(area).height),
        graph_columns_max: graph_columns_max(area.width),
    };
    let (state, version) = (&model.facts.state, model.facts.version);
    let before = local.list.borrow().clone();
    let same =
        before.as_ref().filter(|(_, list)| list.inputs == inputs && list.is_of(model.project.as_ref()));
    // No event since the last frame: keys and clicks end here.
    if let Some((_, list)) = same.filter(|(at, _)| *at == version) {
        return list.clone();
    }
    // Events have come, but most of them do not concern the list.
    let fingerprint = Fingerprint::new(state, model.project.as_ref());
    if let Some((_, list)) = same.filter(|(_, list)| list.fingerprint == fingerprint) {
        local.list.replace(Some((version, list.clone())));
        return list.clone();
    }
    let before = before.map(|(_, list)| list);
    // The shape outlives changes of statuses, filter and size.
    let kept = before
        .as_ref()
        .filter(|list| fingerprint.has_shape_of(&list.fingerprint))
        .map(|list| list.shape.clone());
    let shape = kept.unwrap_or_else(|| Rc::new(shape(state, model.project.as_ref(), &model.theme)));
    let list = Rc::new(List::new(inputs, fingerprint, shape, state, before.as_deref()));
    local.list.replace(Some((version, list.clone())));
    list
}

/// Returns the part of the pane that shows the list, without the line that explains the selected objective.
pub(super) fn rows_area(area: Rect) -> Rect {
    let below = u16::from(area.height >= WHY_FROM_HEIGHT);
    Rect { height: area.height - below, ..area }
}

/// Returns the inside of the pane. While the pane is not on the screen, keys and the selection still need a
/// list, so a plausible size is returned.
pub(super) fn inside(model: &Model) -> Rect {
    layout::inside(model, PaneId::Objectives).unwrap_or(Rect { width: 60, height: 20, ..Rect::default() })
}
