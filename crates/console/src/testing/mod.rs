//! Helpers for tests of the console: a sample workspace in
//! the middle of its work, key presses, screens as text.

mod facts_of;
mod plan;
mod sample;
mod screen;

pub(crate) use sample::Sample;
pub(crate) use sample::{key, slug};
pub(crate) use screen::{dialog_alone, pane_alone, pane_beside};
pub(crate) use screen::{looks, screen};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::keymap::Key;
use super::msg::{Effect, Msg};
use super::update::{Urgency, update};
use super::{Model, update::settle};
use paddock_model::command::{Answer, Command, Refusal, Reply};

/// Presses keys by their names in keys.yaml, separated by blanks: `press(&mut model, "r alt-enter")`.
pub(crate) fn press(model: &mut Model, names: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for name in names.split(' ') {
        let key = Key::parse(name).unwrap_or_else(|| panic!("no key {name:?}"));
        let (_, made) = update(model, Msg::Key(key.event()));
        effects.extend(made);
        effects.extend(settle(model));
    }
    effects
}

/// Types a text letter by letter; a line break presses Enter.
pub(crate) fn type_in(model: &mut Model, text: &str) {
    for letter in text.chars() {
        let code = if letter == '\n' { KeyCode::Enter } else { KeyCode::Char(letter) };
        let _ = update(model, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }
}

/// Pastes a text.
pub(crate) fn paste(model: &mut Model, text: &str) {
    let (urgency, _) = update(model, Msg::Paste(text.to_owned()));
    assert_eq!(urgency, Urgency::Now);
}

/// Returns the commands among these effects, with their descriptions.
pub(crate) fn asked(effects: &[Effect]) -> Vec<(Command, String)> {
    let asks = effects.iter().filter_map(|effect| match effect {
        Effect::Ask { command, doing } => Some(((**command).clone(), doing.clone())),
        _ => None,
    });
    asks.collect()
}

/// Answers a command with success, and draws a frame.
pub(crate) fn accept(model: &mut Model, doing: &str) -> Vec<Effect> {
    let effects = accept_unseen(model, doing);
    model.ahead.seen();
    effects
}

/// Answers a command with success, without a frame since.
pub(crate) fn accept_unseen(model: &mut Model, doing: &str) -> Vec<Effect> {
    answer(model, doing, Ok(Answer::text("done")))
}

/// Answers a command with a refusal.
pub(crate) fn refuse(model: &mut Model, doing: &str, why: &str) -> Vec<Effect> {
    answer(model, doing, Err(Refusal::new(why)))
}

fn answer(model: &mut Model, doing: &str, reply: Reply) -> Vec<Effect> {
    update(model, Msg::Answered { doing: doing.to_owned(), reply: Ok(reply) }).1
}
