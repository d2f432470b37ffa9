//! Orders about objectives, for the supervisor.

use crate::msg::Effect;
use paddock_model::command::Command;
use paddock_model::ids::{ObjectiveKey, Person};
use paddock_model::operate::Order;

/// An order about an objective, for the supervisor. `doing` is a verb: `retry`.
#[must_use]
pub fn order(objective: &ObjectiveKey, order: Order, doing: &str) -> Effect {
    let command = Command::Objective { objective: objective.clone(), order, by: who() };
    Effect::ask(command, format!("{doing} {}", objective.id))
}

/// Who is at the keyboard, for the record.
fn who() -> Person {
    let name = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name: String = name.unwrap_or_default().chars().filter(|c| !c.is_control()).take(64).collect();
    if name.trim().is_empty() { "a person".into() } else { name.into() }
}
