//! Keys and the commands that they cause.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use paddock_console::msg::{Effect, Msg, QuitHow};
use paddock_console::panes::PaneId;
use paddock_console::{Model, actions};
use paddock_model::command::{Answer, Command};
use paddock_model::hierarchy::NodeOrder;
use paddock_model::ids::SessionId;
use paddock_model::operate::Order;
use serde_json::json;

use super::fixture::{Log, happens, key, select, send};
use super::screen::text_of;

fn event(name: &str) -> KeyEvent {
    let (code, modifiers) = match name {
        "enter" => (KeyCode::Enter, KeyModifiers::NONE),
        "esc" => (KeyCode::Esc, KeyModifiers::NONE),
        "tab" => (KeyCode::Tab, KeyModifiers::NONE),
        "alt-enter" => (KeyCode::Enter, KeyModifiers::ALT),
        "ctrl-c" => (KeyCode::Char('c'), KeyModifiers::CONTROL),
        "ctrl-p" => (KeyCode::Char('p'), KeyModifiers::CONTROL),
        "down" => (KeyCode::Down, KeyModifiers::NONE),
        one => (KeyCode::Char(one.chars().next().unwrap()), KeyModifiers::NONE),
    };
    KeyEvent::new(code, modifiers)
}

/// Presses keys one after the other; returns the effects of the last one.
pub(super) fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for name in keys.split(' ') {
        effects = send(model, Msg::Key(event(name)));
    }
    effects
}

fn write(model: &mut Model, text: &str) {
    send(model, Msg::Paste(text.to_owned()));
}

fn asked(effects: Vec<Effect>) -> Vec<Command> {
    let command = |effect| match effect {
        Effect::Ask { command, .. } => Some(*command),
        _ => None,
    };
    effects.into_iter().filter_map(command).collect()
}

/// Presses keys that order something about this objective, lets the supervisor agree, and returns the order.
fn order_of(model: &mut Model, keys: &str, id: &str) -> Order {
    let effects = press(model, keys);
    for effect in &effects {
        if let Effect::Ask { doing, .. } = effect {
            let reply = Ok(Ok(Answer::text("done")));
            send(model, Msg::Answered { doing: doing.clone(), reply });
            // As after a frame with the reply. Keys before that frame still count as typed for the dialog and
            // would be dropped.
            model.ahead.seen();
        }
    }
    match asked(effects).pop() {
        Some(Command::Objective { objective, order, .. }) => {
            assert_eq!(objective, key(id));
            order
        }
        other => panic!("no order about an objective: {other:?}"),
    }
}

fn console() -> Model {
    Log::evening().model((120, 40))
}

#[test]
fn a_retry_takes_a_note_and_escape_keeps_what_was_typed() {
    let mut model = console();
    select(&mut model, "billing-webhook");
    assert!(asked(press(&mut model, "r")).is_empty());
    write(&mut model, "use the fake clock");
    press(&mut model, "esc");
    assert!(model.dialogs.is_empty());
    press(&mut model, "r");
    assert!(text_of(&model).contains("use the fake clock"), "the draft is kept");
    let order = order_of(&mut model, "alt-enter", "billing-webhook");
    assert_eq!(order, Order::Retry { note: Some("use the fake clock".to_owned()) });
    press(&mut model, "r");
    assert!(!text_of(&model).contains("use the fake clock"), "a note that was sent is kept as a draft");
}

#[test]
fn a_key_that_is_impossible_now_says_why() {
    let mut model = console();
    select(&mut model, "auth-schema");
    assert!(press(&mut model, "r").is_empty());
    assert!(text_of(&model).contains("retry: auth-schema has landed"));
    select(&mut model, "billing-ui");
    press(&mut model, "x");
    assert!(text_of(&model).contains("kill: no session is selected"), "{}", text_of(&model));
    press(&mut model, "!");
    assert!(text_of(&model).contains("shell: billing-ui has no worktree"));
}

#[test]
fn killing_names_the_session_and_asks_with_cancel_focused() {
    let mut model = console();
    select(&mut model, "auth-tokens");
    assert!(press(&mut model, "x").is_empty());
    assert!(text_of(&model).contains("Kill session 4 on auth-tokens?"), "{}", text_of(&model));
    assert!(press(&mut model, "enter").is_empty(), "Enter on the focused button cancels");
    press(&mut model, "x");
    let commands = asked(press(&mut model, "tab enter"));
    assert_eq!(commands, [Command::SessionKill { session: SessionId(4) }]);
}

#[test]
fn a_confirmation_is_checked_against_later_events() {
    let mut model = console();
    select(&mut model, "auth-tokens");
    press(&mut model, "x");
    let end = json!({
        "objective": key("auth-tokens"), "session": 4, "end": "completed", "harvest": null,
        "over_commits": false, "problem": null
    });
    happens(&mut model, 0, "session_harvested", end);
    assert!(press(&mut model, "y").is_empty());
    assert!(text_of(&model).contains("session 4 has ended already"));
}

#[test]
fn every_other_order_goes_to_the_selected_objective() {
    let mut model = console();
    select(&mut model, "auth-tokens");
    assert_eq!(order_of(&mut model, "p", "auth-tokens"), Order::Pause);
    assert_eq!(order_of(&mut model, "X y", "auth-tokens"), Order::Cancel);
    press(&mut model, "e");
    write(&mut model, "等一下");
    let order = order_of(&mut model, "alt-enter", "auth-tokens");
    assert_eq!(order, Order::Escalate { note: Some("等一下".to_owned()) });
    select(&mut model, "billing-webhook");
    press(&mut model, "A");
    let order = order_of(&mut model, "alt-enter", "billing-webhook");
    assert_eq!(order, Order::Approve { note: None, head: None });
    assert_eq!(order_of(&mut model, "s y", "billing-webhook"), Order::Skip);
}

#[test]
fn a_goal_is_typed_with_its_title_on_the_first_line() {
    let mut model = console();
    press(&mut model, "a");
    write(&mut model, "Ship v2");
    let commands = asked(press(&mut model, "alt-enter"));
    let Some(Command::Node { order: NodeOrder::Add { title, .. }, .. }) = commands.into_iter().next() else {
        panic!("no goal");
    };
    assert_eq!(title, "Ship v2");
}

#[test]
fn the_palette_runs_an_action_with_its_argument() {
    let mut model = console();
    select(&mut model, "billing-webhook");
    press(&mut model, ":");
    write(&mut model, "retry use the fake clock");
    let order = order_of(&mut model, "enter", "billing-webhook");
    assert_eq!(order, Order::Retry { note: Some("use the fake clock".to_owned()) });
}

#[test]
fn quitting_asks_only_while_something_is_in_progress_and_leaves_it_running_by_default() {
    let mut model = console();
    assert!(press(&mut model, "q").is_empty());
    assert!(text_of(&model).contains("In progress: 2 sessions"));
    assert!(matches!(press(&mut model, "enter")[..], [Effect::Quit(QuitHow::Leave)]));
    press(&mut model, "q");
    assert!(matches!(press(&mut model, "down down enter")[..], [Effect::Quit(QuitHow::Kill)]));
    press(&mut model, "ctrl-c");
    assert!(matches!(press(&mut model, "ctrl-c")[..], [Effect::Quit(QuitHow::Graceful)]));
    let mut idle = Log::new().model((120, 40));
    assert!(matches!(press(&mut idle, "q")[..], [Effect::Quit(QuitHow::Leave)]));
}

#[test]
fn panes_are_reached_by_number_tab_and_enter_and_escape_never_quits() {
    let mut model = console();
    press(&mut model, "3");
    assert_eq!(model.active(), PaneId::Queue);
    press(&mut model, "tab");
    assert_eq!(model.active(), PaneId::Budgets);
    press(&mut model, "1 z");
    assert!(model.zoomed);
    press(&mut model, "enter");
    assert_eq!(model.active(), PaneId::Objective);
    assert!(press(&mut model, "esc esc esc esc").is_empty());
    assert_eq!((model.active(), model.zoomed), (PaneId::Objectives, false));
    press(&mut model, "2 2");
    assert_eq!(model.active(), PaneId::Grid);
}

#[test]
fn a_need_rings_once_when_it_arises_and_not_when_it_was_there_before() {
    let mut model = console();
    let reason = |since_ms: i64| json!({ "code": "human", "text": "wait for the new API", "since_ms": since_ms, "clears": "retry" });
    let moved = |id: &str, since_ms: i64| {
        json!({
            "objective": key(id), "from": "active", "to": "needs_review", "cause": "human",
            "reason": reason(since_ms), "next": null
        })
    };
    let rings = |effects: Vec<Effect>| effects.iter().filter(|one| matches!(one, Effect::Notify(_))).count();
    assert_eq!(rings(happens(&mut model, 0, "objective_moved", moved("audit-log", 5))), 1);
    let note = json!({ "objective": key("audit-log"), "by": "ada", "note": "hm" });
    assert_eq!(rings(happens(&mut model, 0, "human_note", note)), 0);
}

#[test]
fn every_action_does_something_or_says_why_not() {
    for action in actions::TABLE {
        let mut model = console();
        select(&mut model, "billing-ui");
        let before = (text_of(&model), model.mouse, model.zoomed);
        let effects = actions::perform(&mut model, action.name, None);
        let is_motion = action.group == actions::Group::Move;
        let in_a_log = ["next", "previous", "follow", "raw", "wrap", "fold"].contains(&action.name);
        let did = !effects.is_empty() || (text_of(&model), model.mouse, model.zoomed) != before;
        assert!(did || is_motion || in_a_log, "{} does nothing and says nothing", action.name);
    }
}
