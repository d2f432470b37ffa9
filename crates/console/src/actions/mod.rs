//! Everything a person can do: one table that feeds keys, footer, help, palette and docs/keys.md.

mod action;
mod available;
mod decide;
#[cfg(test)]
mod document;
mod land;
mod leave;
mod look;
mod motion;
mod order;
mod steer;
mod table;

pub use action::{Action, Argument, Group};
pub use order::order;
pub use table::TABLE;

use super::Model;
use super::keymap::Keymap;
use super::msg::Effect;

/// The keys that the table gives the actions.
#[must_use]
pub fn keymap() -> Keymap {
    Keymap::new(TABLE.iter().map(|action| (action.name, action.keys)))
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
