//! Keeps input typed ahead, and replays it into the dialog when the answer has come.

use crossterm::event::{KeyCode, KeyModifiers};

use super::Typed;
use crate::Model;
use paddock_report::text::counted;

/// Upper bound on kept events, about a page of text. Further ones are dropped and counted.
const TYPED_MAX: usize = 4096;

/// Returns whether an event leaves a waiting dialog: Esc or Ctrl-C.
fn is_leaving(typed: &Typed) -> bool {
    let Typed::Key(key) = typed else { return false };
    key.code == KeyCode::Esc
        || (key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL))
}

/// Keeps an event if the topmost dialog waits for an answer. Returns the event if it is to be handled now.
pub(crate) fn keep(model: &mut Model, typed: Typed) -> Option<Typed> {
    // The person pressed this key with the dialog still on the screen.
    if model.ahead.is_unseen {
        model.ahead.unused += 1;
        report_unused(model);
        return None;
    }
    if model.dialogs.last().is_none_or(|dialog| dialog.waits_for().is_none()) {
        return Some(typed);
    }
    if is_leaving(&typed) {
        // Replay first, so that the draft contains everything that was typed before Esc.
        let at = model.dialogs.len() - 1;
        replay(model, at);
        report_unused(model);
        return Some(typed);
    }
    // Once an event was dropped, later ones are dropped as
    // well: a text with a hole is worse than a short one.
    match model.ahead.typed.len() < TYPED_MAX && model.ahead.unused == 0 {
        true => model.ahead.typed.push_back(typed),
        false => model.ahead.unused += 1,
    }
    None
}

/// Replays or drops the kept input after an answer. `at` is the index of the dialog that waited.
pub(crate) fn answered(model: &mut Model, at: usize, is_refused: bool) {
    match model.dialogs.get(at) {
        // A form with several commands has sent the next one and waits again.
        Some(dialog) if dialog.waits_for().is_some() => return,
        Some(_) if is_refused => replay(model, at),
        _ => {
            model.ahead.is_unseen = true;
            model.ahead.unused += std::mem::take(&mut model.ahead.typed).len();
        }
    }
    report_unused(model);
}

/// Replays the kept input into the dialog's text. Stops at the
/// first event that the dialog does not accept, and drops the rest.
fn replay(model: &mut Model, at: usize) {
    // Both are taken out, since the dialog reads the model while it handles an event.
    let mut typed = std::mem::take(&mut model.ahead.typed);
    let mut dialog = model.dialogs.remove(at);
    while let Some(next) = typed.front() {
        if !dialog.ahead(model, next) {
            break;
        }
        typed.pop_front();
    }
    model.dialogs.insert(at, dialog);
    model.ahead.unused += typed.len();
}

fn report_unused(model: &mut Model) {
    let unused = std::mem::take(&mut model.ahead.unused);
    if unused == 0 {
        return;
    }
    let was = if unused == 1 { "was" } else { "were" };
    // The note usually holds the supervisor's answer, which the person has not read yet.
    let before = model.note.take().map(|note| format!("   {}", note.text)).unwrap_or_default();
    model.say_no(format!("{} typed before the answer {was} not used{before}", counted(unused, "key")));
}
