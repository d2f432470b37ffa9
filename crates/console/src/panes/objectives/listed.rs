//! The rows of the list as they are now, kept while nothing of them changes.

use std::rc::Rc;

use ratatui::layout::Rect;

use super::plan::{Glance, Plan, Terms, shape};
use crate::panes::PaneId;
use crate::{Model, layout};

/// The last row says why the selected objective is where it is, where there is at least this much room.
const WHY_FROM_HEIGHT: u16 = 10;

/// Lanes beside each other in a pane of this many columns.
fn graph_columns_max(columns: u16) -> usize {
    match columns {
        0..=49 => 3,
        50..=79 => 6,
        80..=119 => 8,
        _ => 12,
    }
}

/// The lines of the list as they are now.
pub(super) fn plan(model: &Model, area: Rect) -> Rc<Plan> {
    let local = &model.panes.objectives;
    let terms = Terms {
        filter: local.filter.clone(),
        unfolded: local.unfolded.clone(),
        room: usize::from(list(area).height),
        graph_columns_max: graph_columns_max(area.width),
    };
    let (state, version) = (&model.facts.state, model.facts.version);
    let before = local.plan.borrow().clone();
    let same = before.as_ref().filter(|(_, plan)| plan.terms == terms && plan.is_of(model.project.as_ref()));
    if let Some((_, plan)) = same.filter(|(at, _)| *at == version) {
        return plan.clone();
    }
    let glance = Glance::new(state, model.project.as_ref());
    if let Some((_, plan)) = same.filter(|(_, plan)| plan.glance == glance) {
        local.plan.replace(Some((version, plan.clone())));
        return plan.clone();
    }
    let before = before.map(|(_, plan)| plan);
    let kept =
        before.as_ref().filter(|plan| glance.has_shape_of(&plan.glance)).map(|plan| plan.shape.clone());
    let shape = kept.unwrap_or_else(|| Rc::new(shape(state, model.project.as_ref(), &model.theme)));
    let plan = Rc::new(Plan::new(terms, glance, shape, state, before.as_deref()));
    local.plan.replace(Some((version, plan.clone())));
    plan
}

/// The rows of the list.
pub(super) fn list(area: Rect) -> Rect {
    let below = u16::from(area.height >= WHY_FROM_HEIGHT);
    Rect { height: area.height - below, ..area }
}

/// Where the pane is, or would be.
pub(super) fn inside(model: &Model) -> Rect {
    layout::inside(model, PaneId::Objectives).unwrap_or(Rect { width: 60, height: 20, ..Rect::default() })
}
