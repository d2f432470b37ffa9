//! The form that sets the priority of an objective.

use super::Dialog;
use super::form::{Fault, Field, Form, Values};
use crate::Model;
use crate::actions::order;
use paddock_model::ids::ObjectiveKey;
use paddock_model::operate::Order;

const PRIORITY: &str = "Priority";

/// Returns the form for an objective.
#[must_use]
pub(crate) fn open(model: &Model, objective: ObjectiveKey) -> Box<dyn Dialog> {
    let now = model.facts.state.objective(&objective).map_or(0, |one| one.spec.priority);
    let title = format!("Priority of {}", objective.id);
    let quoted = vec![format!("Its priority is {now}. Higher goes first, in dispatch and in the queue.")];
    let draft = format!("priority {objective}");
    let send = move |_: &Model, values: &Values, _: usize| {
        let priority =
            values.number(PRIORITY, i32::MIN)?.ok_or_else(|| Fault::new(PRIORITY, "enter a number"))?;
        Ok(vec![order(&objective, Order::Prioritize { priority }, "prioritize")])
    };
    let fields = vec![Field::line(PRIORITY, "a whole number, for example 10 or -5")];
    Form::new(model, title, draft, fields, vec!["Set"], send).quoting(quoted).boxed()
}
