//! Keeps what is typed ahead, and types it into the dialog when the answer has come.

use crossterm::event::{KeyCode, KeyModifiers};

use super::Typed;
use crate::Model;
use paddock_report::text::counted;

/// Keys kept: a page typed blindly. What comes on top is counted as not used.
const TYPED_MAX: usize = 4096;

/// Esc and Ctrl-C leave a dialog that waits.
fn is_leaving(typed: &Typed) -> bool {
    let Typed::Key(key) = typed else { return false };
    key.code == KeyCode::Esc
        || (key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL))
}

/// Keeps what is typed while the dialog on top waits; gives back what it may have now.
pub(crate) fn keep(model: &mut Model, typed: Typed) -> Option<Typed> {
    if model.ahead.is_unseen {
        model.ahead.unused += 1;
        report_unused(model);
        return None;
    }
    if model.dialogs.last().is_none_or(|dialog| dialog.waits_for().is_none()) {
        return Some(typed);
    }
    if is_leaving(&typed) {
        // What was typed before belongs to the draft.
        let at = model.dialogs.len() - 1;
        replay(model, at);
        report_unused(model);
        return Some(typed);
    }
    match model.ahead.typed.len() < TYPED_MAX && model.ahead.unused == 0 {
        true => model.ahead.typed.push_back(typed),
        false => model.ahead.unused += 1,
    }
    None
}

/// After an answer: the dialog that waited stood at `at`.
pub(crate) fn answered(model: &mut Model, at: usize, is_refused: bool) {
    match model.dialogs.get(at) {
        // It has asked for the next thing.
        Some(dialog) if dialog.waits_for().is_some() => return,
        Some(_) if is_refused => replay(model, at),
        _ => {
            model.ahead.is_unseen = true;
            model.ahead.unused += std::mem::take(&mut model.ahead.typed).len();
        }
    }
    report_unused(model);
}

/// Into the text of the dialog; from the first that it does not take on, none is used.
fn replay(model: &mut Model, at: usize) {
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
    let before = model.note.take().map(|note| format!("   {}", note.text)).unwrap_or_default();
    model.say_no(format!("{} typed before the answer {was} not used{before}", counted(unused, "key")));
}
