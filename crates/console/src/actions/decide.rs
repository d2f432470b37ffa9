//! Actions that decide about an objective: retry, approve, reject, escalate, skip.

use super::{land, order};
use crate::Model;
use crate::dialogs::confirm::Confirm;
use crate::dialogs::{Dialog, judge};
use crate::error::Refused;
use crate::msg::Effect;
use crate::panes::needs;
use paddock_model::ids::ObjectiveKey;
use paddock_model::objective::Status;
use paddock_model::operate::Order;

/// Sends an order with the note from the palette, or opens a dialog that asks for the note.
fn order_with_note(
    model: &mut Model,
    argument: Option<&str>,
    (verb, make): (&str, fn(String) -> Order),
    open: fn(&Model, ObjectiveKey) -> Box<dyn Dialog>,
) -> Vec<Effect> {
    let Some(key) = model.target().objective else { return Vec::new() };
    if let Some(text) = argument.map(str::trim).filter(|text| !text.is_empty()) {
        return vec![order(&key, make(text.to_owned()), verb)];
    }
    let dialog = open(model, key);
    model.open(dialog);
    Vec::new()
}

pub(super) fn retry(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    order_with_note(model, argument, ("retry", |note| Order::Retry { note: Some(note) }), judge::retry)
}

pub(super) fn approve(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    // In the list of what waits for a person, the selected card may be a plan instead of an objective.
    if let Some(agent) = needs::asked_planner(model) {
        return land::let_plan(model, agent, true);
    }
    if needs::is_plan(model) {
        return land::approve_plan(model);
    }
    order_with_note(
        model,
        argument,
        ("approve", |note| Order::Approve { note: Some(note), head: None }),
        judge::approve,
    )
}

pub(super) fn reject(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    if let Some(agent) = needs::asked_planner(model) {
        return land::let_plan(model, agent, false);
    }
    if needs::is_plan(model) {
        return land::reject_plan(model, argument);
    }
    order_with_note(
        model,
        argument,
        ("reject", |note| Order::Reject { note, is_final: false }),
        judge::reject,
    )
}

pub(super) fn escalate(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    order_with_note(
        model,
        argument,
        ("escalate", |note| Order::Escalate { note: Some(note) }),
        judge::escalate,
    )
}

pub(super) fn skip(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    let Some(key) = model.target().objective else { return Vec::new() };
    let dependents = model.facts.state.dependents(&key).len();
    let lines = vec![format!("{} is given up. Its dependents ({dependents}) no longer wait for it.", key.id)];
    let title = format!("Skip {}?", key.id);
    let confirmed =
        move |model: &Model| still_open(model, &key).map(|()| vec![order(&key, Order::Skip, "skip")]);
    model.open(Box::new(Confirm::new(title, lines, "Skip", Box::new(confirmed))));
    Vec::new()
}

/// Fails if the objective can no longer be set aside. It may have landed while the dialog was open.
pub(super) fn still_open(model: &Model, key: &ObjectiveKey) -> Result<(), Refused> {
    match model.facts.state.objective(key).map(|one| one.status) {
        None => Err(format!("objective {} no longer exists", key.id).into()),
        Some(Status::Done) => Err(format!("{} has landed meanwhile", key.id).into()),
        Some(_) => Ok(()),
    }
}
