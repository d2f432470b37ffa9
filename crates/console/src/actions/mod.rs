//! The actions that a person can run.
//!
//! One table ([`TABLE`]) is the source of the keys, the footer, the help, the palette and docs/keys.md. Each
//! file holds the functions of one group of actions.

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

/// Returns the default keymap.
#[must_use]
pub fn keymap() -> Keymap {
    Keymap::new(TABLE.iter().map(|action| (action.name, action.keys)))
}

/// Finds an action by its name.
#[must_use]
pub(crate) fn find(name: &str) -> Option<&'static Action> {
    TABLE.iter().find(|action| action.name == name)
}

/// Runs an action if it is available; otherwise shows in the footer why it is not.
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
