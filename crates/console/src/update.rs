//! Messages in, effects out. Nothing here waits for anything.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::actions::perform;
use super::ahead::{self, Typed};
use super::data::FactsMsg;
use super::dialogs::Step;
use super::error::{Error, Refused};
use super::finder::{Finder, FinderKind};
use super::msg::{Effect, Msg, QuitHow, Signal};
use super::panes::{self, Reaction, Verb, pane};
use super::{Model, layout};

/// How soon the screen has to show what a message changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Nothing that is shown has changed.
    Never,
    /// Output that streams in: some ten times a second is enough.
    Soon,
    /// A person waits for it.
    Now,
}

/// Takes a message in.
pub fn update(model: &mut Model, msg: Msg) -> (Urgency, Vec<Effect>) {
    match msg {
        Msg::Key(event) if event.kind != KeyEventKind::Release => (Urgency::Now, key(model, event)),
        Msg::Key(_) => (Urgency::Never, Vec::new()),
        Msg::Paste(text) => (Urgency::Now, paste(model, &text)),
        Msg::Mouse(event) => (Urgency::Now, super::frame::mouse(model, event)),
        Msg::Resized(columns, rows) => {
            let is_new = model.size != (columns, rows);
            model.size = (columns, rows);
            (if is_new { Urgency::Now } else { Urgency::Never }, Vec::new())
        }
        Msg::Focused(is) => {
            model.away = !is;
            (Urgency::Never, Vec::new())
        }
        Msg::Tick => (tick(model), Vec::new()),
        Msg::Facts(news) => facts(model, news),
        Msg::Answered { doing, reply } => (Urgency::Now, answered(model, &doing, reply)),
        Msg::Apply(change) => (Urgency::Now, change(model)),
        Msg::Stream(change) => (Urgency::Soon, change(model)),
        Msg::Signal(Signal::End | Signal::HangUp) | Msg::TerminalLost => {
            (Urgency::Never, vec![Effect::Quit(QuitHow::Leave)])
        }
        Msg::Signal(Signal::Suspend) => (Urgency::Never, vec![Effect::Suspend]),
        Msg::Signal(Signal::Resized) => (Urgency::Never, Vec::new()),
    }
}

/// Lets the panes on the screen fetch what they show; to be called once after the messages at hand.
pub fn settle(model: &mut Model) -> Vec<Effect> {
    let visible = layout::visible(model);
    panes::settle(model, &visible)
}

fn tick(model: &mut Model) -> Urgency {
    let is_over = model.note.as_ref().is_some_and(|note| model.now_ms >= note.until_ms);
    if is_over {
        model.note = None;
    }
    if model.is_ticking() && model.now_ms.div_euclid(60_000) != model.digest.made_ms.div_euclid(60_000) {
        // What was spent today grows by the minute.
        model.refresh();
    }
    if is_over || model.is_ticking() { Urgency::Now } else { Urgency::Never }
}

fn facts(model: &mut Model, news: FactsMsg) -> (Urgency, Vec<Effect>) {
    let only_gauges = matches!(news, FactsMsg::Gauges(_));
    let urgency = if matches!(news, FactsMsg::Happened(_)) { Urgency::Soon } else { Urgency::Now };
    if !model.facts.take(news) {
        return (Urgency::Never, Vec::new());
    }
    if only_gauges {
        return (Urgency::Soon, Vec::new());
    }
    let is_first = model.rung.is_empty() && model.facts.loads <= 1 && model.digest.version == 0;
    model.refresh();
    let mut fresh = Vec::new();
    for need in model.digest.needs.iter().chain(&model.digest.elsewhere) {
        if model.rung.insert(need.occurrence()) && !is_first && !need.is_set_aside(&model.facts.state) {
            fresh.push(need.reason.text.clone());
        }
    }
    // What waited before the console was opened is on the screen; ringing is for what is new.
    let ring = fresh.into_iter().next().map(Effect::Notify);
    (urgency, ring.into_iter().collect())
}

fn answered(
    model: &mut Model,
    doing: &str,
    reply: Result<paddock_model::command::Reply, Error>,
) -> Vec<Effect> {
    if let Some(at) = model.asking.iter().position(|asked| asked == doing) {
        model.asking.remove(at);
    }
    let reply = match reply {
        Ok(Ok(answer)) => Ok(answer.text),
        Ok(Err(refusal)) => Err(Refused::from(refusal.text)),
        Err(problem) => Err(Refused::from(problem.to_string())),
    };
    match &reply {
        Ok(text) => model.say(text.clone()),
        Err(why) => model.say_no(format!("{doing}: {why}")),
    }
    let waits = model.dialogs.iter().rposition(|dialog| dialog.waits_for() == Some(doing));
    let Some(at) = waits else { return Vec::new() };
    if reply.is_err() {
        // It is in the dialog, beside what was typed.
        model.note = None;
    }
    let is_refused = reply.is_err();
    let effects = with_dialog_at(model, at, |model, dialog| dialog.answered(model, reply.map(drop)));
    ahead::answered(model, at, is_refused);
    effects
}

fn key(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    if let Some(finder) = model.finder.take() {
        return type_into(model, finder, event);
    }
    let is_everywhere = !model.dialogs.is_empty() && is_everywhere(model, event);
    if !is_everywhere && ahead::keep(model, Typed::Key(event)).is_none() {
        return Vec::new();
    }
    if model.dialogs.is_empty() {
        let Some(name) = model.keymap.action(event) else { return Vec::new() };
        model.note = None;
        return perform(model, name, None);
    }
    if is_everywhere {
        return perform(model, model.keymap.action(event).unwrap_or_default(), None);
    }
    with_dialog(model, |model, dialog| dialog.key(model, event))
}

/// Drawing anew and suspending work inside dialogs, too.
fn is_everywhere(model: &Model, event: KeyEvent) -> bool {
    event.modifiers.contains(KeyModifiers::CONTROL)
        && matches!(model.keymap.action(event), Some("redraw" | "suspend"))
}

fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    if let Some(finder) = &mut model.finder {
        finder.text.extend(text.chars().filter(|letter| !letter.is_control()));
        let finder = finder.clone();
        return report_search(model, &finder);
    }
    if ahead::keep(model, Typed::Paste(text.to_owned())).is_none() {
        return Vec::new();
    }
    if model.dialogs.is_empty() {
        model.say_no("paste: open a dialog first; `a` adds a goal, `o` an objective".to_owned());
        return Vec::new();
    }
    with_dialog(model, |model, dialog| dialog.paste(model, text))
}

fn with_dialog(
    model: &mut Model,
    act: impl FnOnce(&Model, &mut dyn super::dialogs::Dialog) -> Step,
) -> Vec<Effect> {
    let Some(at) = model.dialogs.len().checked_sub(1) else { return Vec::new() };
    with_dialog_at(model, at, act)
}

fn with_dialog_at(
    model: &mut Model,
    at: usize,
    act: impl FnOnce(&Model, &mut dyn super::dialogs::Dialog) -> Step,
) -> Vec<Effect> {
    let mut dialog = model.dialogs.remove(at);
    let draft = |dialog: &dyn super::dialogs::Dialog| dialog.draft();
    match act(model, dialog.as_mut()) {
        Step::Stay => model.dialogs.insert(at, dialog),
        Step::Do(effects) => {
            model.dialogs.insert(at, dialog);
            return effects;
        }
        Step::Close => {
            if let Some((name, text)) = draft(dialog.as_ref()) {
                model.drafts.insert(name, text);
            }
        }
        Step::Done(effects) => {
            forget(model, draft(dialog.as_ref()));
            return effects;
        }
        Step::Next(next) => {
            forget(model, draft(dialog.as_ref()));
            model.dialogs.push(next);
        }
        Step::Act(name, argument) => {
            forget(model, draft(dialog.as_ref()));
            return perform(model, name, argument.as_deref());
        }
    }
    Vec::new()
}

fn forget(model: &mut Model, draft: Option<(String, String)>) {
    if let Some((name, _)) = draft {
        model.drafts.remove(&name);
    }
}

fn report_search(model: &mut Model, finder: &Finder) -> Vec<Effect> {
    let verb = match finder.kind {
        FinderKind::Find => Verb::Find(finder.text.clone()),
        FinderKind::Filter => Verb::Filter(finder.text.clone()),
    };
    match pane(model.active()).on(model, verb) {
        Reaction::Done(effects) => effects,
        Reaction::Ignored => {
            let what =
                if finder.kind == FinderKind::Find { "find: no text is" } else { "filter: no lines are" };
            let text = format!("{what} looked through in this pane; a log, a diff or a list can be");
            // Once, not with every letter.
            if model.note.as_ref().is_none_or(|note| note.text != text) {
                model.say_no(text);
            }
            Vec::new()
        }
    }
}

fn type_into(model: &mut Model, mut finder: Finder, event: KeyEvent) -> Vec<Effect> {
    match event.code {
        KeyCode::Enter => {
            if let Some(caveat) = pane(model.active()).caveat(model, finder.kind) {
                model.say_no(format!("{}: {caveat}", finder.text));
            }
            return Vec::new();
        }
        KeyCode::Esc => {
            finder.text.clear();
            return report_search(model, &finder);
        }
        KeyCode::Backspace if finder.text.pop().is_none() => return Vec::new(),
        KeyCode::Backspace => {}
        KeyCode::Char('u') if event.modifiers.contains(KeyModifiers::CONTROL) => finder.text.clear(),
        KeyCode::Char('c') if event.modifiers.contains(KeyModifiers::CONTROL) => {
            finder.text.clear();
            return report_search(model, &finder);
        }
        KeyCode::Char(letter) if !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
            finder.text.push(letter);
        }
        // Everything else is a key of its own, with the text kept as it is.
        _ => {
            let action = model.keymap.action(event);
            return action.map(|name| perform(model, name, None)).unwrap_or_default();
        }
    }
    let effects = report_search(model, &finder);
    model.finder = Some(finder);
    effects
}
