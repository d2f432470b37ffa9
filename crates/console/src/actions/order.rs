//! Orders about objectives, for the supervisor.

use crate::msg::Effect;
use paddock_config::Environment;
use paddock_model::command::Command;
use paddock_model::ids::ObjectiveKey;
use paddock_model::operate::Order;

/// An order about an objective, for the supervisor. `doing` is a verb: `retry`.
#[must_use]
pub fn order(objective: &ObjectiveKey, order: Order, doing: &str) -> Effect {
    let command =
        Command::Objective { objective: objective.clone(), order, by: Environment::of_process().person() };
    Effect::ask(command, format!("{doing} {}", objective.id))
}
