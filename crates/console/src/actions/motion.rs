//! Actions that move the focus or the selection.

use crate::Model;
use crate::msg::Effect;
use crate::panes::{MAIN, PaneId, Reaction, Verb, grid, pane as pane_of};

/// Passes a verb to the active pane.
pub(super) fn verb(model: &mut Model, verb: Verb) -> Vec<Effect> {
    match pane_of(model.active()).on(model, verb) {
        Reaction::Done(effects) => effects,
        Reaction::Ignored => Vec::new(),
    }
}

pub(super) fn enter(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    match pane_of(model.active()).on(model, Verb::In) {
        Reaction::Done(effects) => return effects,
        // A pane that does not handle Enter shows the details of the objective that its row is about.
        Reaction::Ignored if model.target().objective.is_some() => {
            model.pin(model.target());
            if model.active() != PaneId::Objective {
                model.cover(PaneId::Objective);
            }
        }
        Reaction::Ignored => {
            let why = pane_of(model.active()).why_none(model);
            model.say_no(format!("in: {why}"));
        }
    }
    Vec::new()
}

/// Undoes one step: first inside the pane, then the topmost cover, then the zoom.
pub(super) fn out(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    match pane_of(model.active()).on(model, Verb::Out) {
        Reaction::Done(effects) => return effects,
        Reaction::Ignored if model.covers.pop().is_some() => {}
        Reaction::Ignored => model.zoomed = false,
    }
    Vec::new()
}

pub(super) fn pane(model: &mut Model, by: i32) -> Vec<Effect> {
    // A cover would hide the pane that gets the focus.
    model.covers.clear();
    let at = MAIN.iter().position(|id| *id == model.focus).unwrap_or(0);
    let count = MAIN.len();
    let to = if by > 0 { (at + 1) % count } else { (at + count - 1) % count };
    model.focus = MAIN[to];
    Vec::new()
}

pub(super) fn focus(model: &mut Model, index: usize) -> Vec<Effect> {
    let Some(&id) = MAIN.get(index) else { return Vec::new() };
    // The log's key, pressed again, shows the logs of all sessions.
    if id == PaneId::Log && model.active() == PaneId::Log {
        grid::open(model);
        return Vec::new();
    }
    model.covers.clear();
    model.focus = id;
    Vec::new()
}
