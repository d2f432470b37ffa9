//! Builds orders about objectives.

use crate::msg::Effect;
use paddock_config::Environment;
use paddock_model::command::Command;
use paddock_model::ids::ObjectiveKey;
use paddock_model::operate::Order;

/// Returns the effect that sends an order about an objective to the supervisor, in the name of the person who
/// runs the console. `doing` is a verb such as `retry`.
#[must_use]
pub fn order(objective: &ObjectiveKey, order: Order, doing: &str) -> Effect {
    let command =
        Command::Objective { objective: objective.clone(), order, by: Environment::from_process().person() };
    Effect::ask(command, format!("{doing} {}", objective.id))
}
