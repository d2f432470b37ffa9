//! Applies messages to the model and returns the effects to run. Nothing in here blocks.

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

/// How soon a frame must be drawn after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// The screen has not changed.
    Never,
    /// Streamed output arrived: the loop draws about ten frames a second for it.
    Soon,
    /// A person waits for the frame: the loop draws it at once.
    Now,
}

/// Applies a message to the model. Returns how soon to draw, and the effects to run.
pub fn update(model: &mut Model, msg: Msg) -> (Urgency, Vec<Effect>) {
    match msg {
        Msg::Key(event) if event.kind != KeyEventKind::Release => (Urgency::Now, key(model, event)),
        // Some terminals report releases, too.
        Msg::Key(_) => (Urgency::Never, Vec::new()),
        Msg::Paste(text) => (Urgency::Now, paste(model, &text)),
        Msg::Mouse(event) => (Urgency::Now, super::frame::mouse(model, event)),
        Msg::Resized(columns, rows) => {
            // One resize is reported twice, by crossterm and by SIGWINCH.
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

/// Lets the visible panes fetch what they show. Call it once after a batch of messages, not after each.
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
        // The digest counts the minutes of running sessions.
        model.refresh();
    }
    if is_over || model.is_ticking() { Urgency::Now } else { Urgency::Never }
}

fn facts(model: &mut Model, news: FactsMsg) -> (Urgency, Vec<Effect>) {
    // The digest does not depend on gauges, so they skip the refresh below.
    let only_gauges = matches!(news, FactsMsg::Gauges(_));
    // Events arrive in streams while agents work; anything else is rare and worth a frame at once.
    let urgency = if matches!(news, FactsMsg::Happened(_)) { Urgency::Soon } else { Urgency::Now };
    if !model.facts.apply(news) {
        return (Urgency::Never, Vec::new());
    }
    if only_gauges {
        return (Urgency::Soon, Vec::new());
    }
    let is_first = model.rung.is_empty() && model.facts.loads <= 1 && model.digest.version == 0;
    model.refresh();
    // Needs that existed before the console was opened are on the screen; only a new one rings the bell.
    let mut fresh = Vec::new();
    for need in model.digest.needs.iter().chain(&model.digest.elsewhere) {
        // A need that a person has set aside counts as rung: no bell for something they chose themselves.
        if model.rung.insert(need.occurrence()) && !is_first && !need.is_set_aside(&model.facts.state) {
            fresh.push(need.reason.text.clone());
        }
    }
    // One ring per batch of news, however many needs the batch adds.
    let ring = fresh.into_iter().next().map(Effect::Notify);
    (urgency, ring.into_iter().collect())
}

fn answered(
    model: &mut Model,
    doing: &str,
    reply: Result<paddock_model::command::Reply, Error>,
) -> Vec<Effect> {
    // The same command may have been given twice: remove one entry, not all that are equal.
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
    // Not always the topmost dialog: others may have opened meanwhile, such as the output of a command.
    let waiting = model.dialogs.iter().rposition(|dialog| dialog.waits_for() == Some(doing));
    let Some(at) = waiting else { return Vec::new() };
    if reply.is_err() {
        // The dialog shows the refusal next to the text that was typed.
        model.note = None;
    }
    let is_refused = reply.is_err();
    let effects = with_dialog_at(model, at, |model, dialog| dialog.answered(model, reply.map(drop)));
    ahead::answered(model, at, is_refused);
    effects
}

fn key(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    // `finder_key` puts the finder back unless the key closes it.
    if let Some(finder) = model.finder.take() {
        return finder_key(model, finder, event);
    }
    let is_global = !model.dialogs.is_empty() && is_global(model, event);
    if !is_global && ahead::keep(model, Typed::Key(event)).is_none() {
        return Vec::new();
    }
    if model.dialogs.is_empty() {
        let Some(name) = model.keymap.action(event) else { return Vec::new() };
        // The person has reacted, so the message has been read; the action may show one of its own.
        model.note = None;
        return perform(model, name, None);
    }
    if is_global {
        return perform(model, model.keymap.action(event).unwrap_or_default(), None);
    }
    with_dialog(model, |model, dialog| dialog.key(model, event))
}

/// Returns whether a key keeps its action while a dialog is open: redrawing and suspending do.
fn is_global(model: &Model, event: KeyEvent) -> bool {
    // Only with Ctrl: a letter that keys.yaml binds to `redraw` is text inside a dialog.
    event.modifiers.contains(KeyModifiers::CONTROL)
        && matches!(model.keymap.action(event), Some("redraw" | "suspend"))
}

fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    // The search line is a single line: drop the line breaks of a pasted text.
    if let Some(finder) = &mut model.finder {
        finder.text.extend(text.chars().filter(|letter| !letter.is_control()));
        let finder = finder.clone();
        return search(model, &finder);
    }
    if ahead::keep(model, Typed::Paste(text.to_owned())).is_none() {
        return Vec::new();
    }
    // Without a dialog the letters of a pasted text would run as keys.
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
    // Taken out while it handles the key, so that it can be changed while it reads the model.
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
            forget_draft(model, draft(dialog.as_ref()));
            return effects;
        }
        Step::Next(next) => {
            forget_draft(model, draft(dialog.as_ref()));
            model.dialogs.push(next);
        }
        // The dialog is gone by now, so the action acts on the pane behind it.
        Step::Act(name, argument) => {
            forget_draft(model, draft(dialog.as_ref()));
            return perform(model, name, argument.as_deref());
        }
    }
    Vec::new()
}

fn forget_draft(model: &mut Model, draft: Option<(String, String)>) {
    if let Some((name, _)) = draft {
        model.drafts.remove(&name);
    }
}

/// Passes the finder's text to the active pane, as a search or a filter.
fn search(model: &mut Model, finder: &Finder) -> Vec<Effect> {
    let verb = match finder.kind {
        FinderKind::Find => Verb::Find(finder.text.clone()),
        FinderKind::Filter => Verb::Filter(finder.text.clone()),
    };
    match pane(model.active()).on(model, verb) {
        Reaction::Done(effects) => effects,
        Reaction::Ignored => {
            let (name, done) = match finder.kind {
                FinderKind::Find => ("find", "searched"),
                FinderKind::Filter => ("filter", "filtered"),
            };
            let text = format!("{name}: this pane cannot be {done}; a log, a diff or a list can");
            // This runs for every letter that is typed; the message history should show it once.
            if model.note.as_ref().is_none_or(|note| note.text != text) {
                model.say_no(text);
            }
            Vec::new()
        }
    }
}

fn finder_key(model: &mut Model, mut finder: Finder, event: KeyEvent) -> Vec<Effect> {
    match event.code {
        KeyCode::Enter => {
            if let Some(caveat) = pane(model.active()).caveat(model, finder.kind) {
                model.say_no(format!("{}: {caveat}", finder.text));
            }
            return Vec::new();
        }
        KeyCode::Esc => {
            finder.text.clear();
            return search(model, &finder);
        }
        KeyCode::Backspace if finder.text.pop().is_none() => return Vec::new(),
        KeyCode::Backspace => {}
        KeyCode::Char('u') if event.modifiers.contains(KeyModifiers::CONTROL) => finder.text.clear(),
        KeyCode::Char('c') if event.modifiers.contains(KeyModifiers::CONTROL) => {
            finder.text.clear();
            return search(model, &finder);
        }
        KeyCode::Char(letter) if !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
            finder.text.push(letter);
        }
        // Any other key (an arrow, Tab) runs its action; the finder closes, and its search stays in effect.
        _ => {
            let action = model.keymap.action(event);
            return action.map(|name| perform(model, name, None)).unwrap_or_default();
        }
    }
    let effects = search(model, &finder);
    model.finder = Some(finder);
    effects
}
