//! Everything a person can do: one table that feeds keys, footer, help, palette and docs/keys.md.

mod available;
mod decide;
#[cfg(test)]
mod document;
mod land;
mod leave;
mod look;
mod motion;
mod steer;
mod table;

pub use table::TABLE;

use super::Model;
use super::msg::Effect;
use paddock_model::command::Command;
use paddock_model::ids::ObjectiveKey;
use paddock_model::operate::Order;

/// What a person wants when they look for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// See something.
    Look,
    /// Judge work and answer questions.
    Decide,
    /// Change what is done, and how.
    Steer,
    /// Go somewhere.
    Move,
    /// Go away, or be elsewhere for a while.
    Leave,
}

impl Group {
    /// Every group, in the order of the help.
    pub(crate) const ALL: [Self; 5] = [Self::Look, Self::Decide, Self::Steer, Self::Move, Self::Leave];

    /// The word.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Decide => "decide",
            Self::Steer => "steer",
            Self::Move => "move",
            Self::Leave => "leave",
        }
    }
}

/// What an action takes in the palette, after its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// Nothing.
    None,
    /// A text, which may be missing: what it is.
    Optional(&'static str),
    /// A text that a dialog asks for when it is missing: what it is.
    Asked(&'static str),
}

/// One thing that can be done.
pub struct Action {
    /// Its name in keys.yaml and in the palette.
    pub name: &'static str,
    /// Its keys, unless keys.yaml says otherwise.
    pub keys: &'static [&'static str],
    /// One or two words for the footer.
    pub short: &'static str,
    /// A sentence for help, palette and documentation.
    pub title: &'static str,
    /// Where it is found in the help.
    pub group: Group,
    /// Whether it asks before it does something that cannot be taken back.
    pub destructive: bool,
    /// What it takes.
    pub argument: Argument,
    /// Whether it can be done now, and why not.
    pub available: fn(&Model) -> Result<(), String>,
    /// Does it.
    pub run: fn(&mut Model, Option<&str>) -> Vec<Effect>,
}

/// The action of that name.
#[must_use]
pub(crate) fn find(name: &str) -> Option<&'static Action> {
    TABLE.iter().find(|action| action.name == name)
}

/// Does an action if it can be done now, and otherwise says why not.
pub fn perform(model: &mut Model, name: &str, argument: Option<&str>) -> Vec<Effect> {
    let Some(action) = find(name) else { return Vec::new() };
    match (action.available)(model) {
        Ok(()) => (action.run)(model, argument),
        Err(why) => {
            model.say_no(format!("{}: {why}", action.short));
            Vec::new()
        }
    }
}

/// An order about an objective, for the supervisor. `doing` is a verb: `retry`.
#[must_use]
pub fn order(objective: &ObjectiveKey, order: Order, doing: &str) -> Effect {
    let command = Command::Objective { objective: objective.clone(), order, by: who() };
    Effect::ask(command, format!("{doing} {}", objective.id))
}

/// Who is at the keyboard, for the record.
fn who() -> String {
    let name = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name: String = name.unwrap_or_default().chars().filter(|c| !c.is_control()).take(64).collect();
    if name.trim().is_empty() { "a person".to_owned() } else { name }
}
