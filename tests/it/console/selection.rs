//! Keys act on the object that is selected on the screen, and on nothing else.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use paddock_console::Model;
use paddock_console::msg::{Effect, Msg};
use paddock_console::panes::PaneId;
use paddock_model::ids::SessionId;
use serde_json::{Value, json};

use super::fixture::{Log, happens, key, select, send};
use super::keys::press;
use super::screen::text_of;

/// Every key that acts on an objective or its session, or shows it.
const OBJECT_KEYS: [&str; 17] =
    ["r", "A", "R", "s", "e", "w", "p", "+", "-", "=", "b", "x", "X", "d", "l", "E", "!"];

fn console() -> Model {
    let mut model = Log::evening().model((120, 40));
    model.zoomed = true;
    model
}

fn type_text(model: &mut Model, text: &str) {
    for letter in text.chars() {
        press(model, &letter.to_string());
    }
}

fn moves(model: &mut Model, id: &str, from: &str, to: &str, cause: &str) {
    let data =
        json!({ "objective": key(id), "from": from, "to": to, "cause": cause, "reason": null, "next": null });
    happens(model, 0, "objective_moved", data);
}

/// Asserts that every key is refused with a note that names the reason or the remedy.
fn refuses_every_object_key(model: &mut Model, why: &str) {
    let (focus, covers) = (model.focus, model.covers.clone());
    for name in OBJECT_KEYS {
        let effects = press(model, name);
        assert!(
            !effects.iter().any(|effect| matches!(effect, Effect::Ask { .. })),
            "{name} asks for something"
        );
        assert!(model.dialogs.is_empty(), "{name} opens a dialog");
        assert_eq!((model.focus, &model.covers), (focus, &covers), "{name} goes elsewhere");
        let note = model.note.take().unwrap_or_else(|| panic!("{name} says nothing"));
        assert!(note.is_no && note.text.contains(why), "{name}: {}", note.text);
    }
}

#[test]
fn keys_do_not_act_on_what_a_filter_hides() {
    let mut model = console();
    press(&mut model, "1 G");
    assert_eq!(model.selected, Some(key("audit-log")));
    press(&mut model, "/");
    type_text(&mut model, "landed");
    press(&mut model, "enter");
    // The filter moves the highlight to the first row that it shows, which has landed.
    assert_eq!(model.target().objective, Some(key("auth-schema")));
    press(&mut model, "X");
    assert!(model.dialogs.is_empty());
    assert!(model.note.as_ref().unwrap().text.contains("auth-schema has landed"));
}

#[test]
fn a_filter_that_shows_nothing_leaves_nothing_selected_and_says_how_to_end_it() {
    let mut model = console();
    press(&mut model, "1 G /");
    type_text(&mut model, "nobody");
    press(&mut model, "enter");
    refuses_every_object_key(&mut model, "Esc clears the filter");
    press(&mut model, "esc");
    assert_eq!(model.selected, Some(key("audit-log")), "the earlier selection is back");
}

#[test]
fn escape_restores_the_selection_while_typing_and_keeps_it_after_enter() {
    let mut model = console();
    select(&mut model, "rate-limits");
    press(&mut model, "/");
    type_text(&mut model, "billing");
    assert_eq!(model.target().objective, Some(key("billing-webhook")));
    press(&mut model, "esc");
    assert_eq!(model.selected, Some(key("rate-limits")));
    press(&mut model, "/");
    type_text(&mut model, "billing");
    press(&mut model, "enter j esc");
    assert_eq!(model.selected, Some(key("billing-ui")));
}

#[test]
fn an_objective_that_leaves_the_filter_leaves_nothing_selected() {
    let mut model = console();
    press(&mut model, "1 /");
    type_text(&mut model, "active");
    press(&mut model, "enter g");
    assert_eq!(model.target().objective, Some(key("auth-tokens")));
    moves(&mut model, "auth-tokens", "active", "review", "session_harvested");
    assert!(text_of(&model).contains("/ active: 1"), "{}", text_of(&model));
    refuses_every_object_key(&mut model, "j or k selects one");
    press(&mut model, "j");
    assert_eq!(model.target().objective, Some(key("audit-log")), "the row nearest to the old selection");
    moves(&mut model, "audit-log", "active", "review", "session_harvested");
    refuses_every_object_key(&mut model, "Esc clears the filter");
    press(&mut model, "esc");
    assert_eq!(
        model.target().objective,
        Some(key("audit-log")),
        "the objective is shown again, and selected"
    );
}

#[test]
fn a_key_that_arrives_with_an_update_does_not_act_on_a_hidden_objective() {
    let mut model = console();
    press(&mut model, "1 /");
    type_text(&mut model, "active");
    press(&mut model, "enter g");
    // The key is handled before the next frame, when the model has not settled: the user pressed it while the
    // objective was still shown.
    let mut log = Log::evening();
    log.moved(0, "auth-tokens", &[("review", "session_harvested")]);
    let events = log
        .events
        .iter()
        .map(|event| paddock_report::event_types::line(&paddock_store::codec::to_stored(event).unwrap()));
    let loaded = paddock_console::data::Loaded { events: events.collect(), state: log.state };
    let news = paddock_console::data::FactsMsg::Loaded(Box::new(loaded));
    paddock_console::update::update(&mut model, Msg::Facts(news));
    let p = crossterm::event::KeyEvent::new(crossterm::event::KeyCode::Char('p'), KeyModifiers::NONE);
    let (_, effects) = paddock_console::update::update(&mut model, Msg::Key(p));
    assert!(effects.is_empty(), "a hidden objective was paused");
}

#[test]
fn an_open_log_stays_when_its_objective_leaves_the_filter() {
    let mut model = console();
    press(&mut model, "1 /");
    type_text(&mut model, "active");
    press(&mut model, "enter g 2");
    moves(&mut model, "auth-tokens", "active", "review", "session_harvested");
    assert_eq!(model.target().objective, Some(key("auth-tokens")));
    assert!(text_of(&model).contains("4 auth-tokens"));
    press(&mut model, "1");
    assert_eq!(model.target().objective, None);
    press(&mut model, "2");
    refuses_every_object_key(&mut model, "no objective is selected");
}

#[test]
fn a_deleted_objective_leaves_nothing_selected() {
    let mut model = console();
    press(&mut model, "1");
    select(&mut model, "e2e-checkout");
    press(&mut model, "p");
    model.note = None;
    happens(&mut model, 0, "objective_deleted", json!({ "objective": key("e2e-checkout") }));
    refuses_every_object_key(&mut model, "j or k selects one");
    // Later events must not select anything either.
    moves(&mut model, "audit-log", "active", "review", "session_harvested");
    assert_eq!(model.selected, None);
    press(&mut model, "k");
    assert!(model.target().objective.is_some());
}

#[test]
fn a_row_of_folded_objectives_is_no_objective() {
    let mut log = Log::evening();
    for n in 0..40 {
        log.objective(&format!("done-{n}"), "Small work", &[]);
        let steps = [
            ("ready", "dependencies_met"),
            ("active", "session_starts"),
            ("review", "session_harvested"),
            ("done", "nothing_to_land"),
        ];
        log.moved(700 - n, &format!("done-{n}"), &steps);
    }
    let mut model = log.model((120, 40));
    model.zoomed = true;
    press(&mut model, "1");
    select(&mut model, "done-3");
    assert!(text_of(&model).contains("done "), "{}", text_of(&model));
    refuses_every_object_key(&mut model, "Enter shows each");
    press(&mut model, "enter");
    assert_eq!(model.target().objective, Some(key("done-3")));
}

fn dropped(model: &mut Model, entry: u64, id: &str) {
    let data = json!({ "project": "shop-api", "entry": entry, "subject": { "objective": id }, "why": "red" });
    happens(model, 0, "entry_dropped", data);
}

fn queued(model: &mut Model, entry: u64, id: &str) {
    let data: Value = json!({
        "project": "shop-api", "entry": entry, "subject": { "objective": id },
        "head": format!("{:040x}", 100 + entry), "priority": 0
    });
    happens(model, 0, "entry_queued", data);
}

#[test]
fn when_the_selected_entry_leaves_the_queue_no_other_is_selected() {
    let mut model = console();
    queued(&mut model, 2, "auth-tokens");
    queued(&mut model, 3, "audit-log");
    press(&mut model, "3");
    assert_eq!(model.target().objective, Some(key("rate-limits")));
    dropped(&mut model, 1, "rate-limits");
    refuses_every_object_key(&mut model, "the selected entry is no longer here");
    press(&mut model, "j");
    assert_eq!(model.target().objective, Some(key("auth-tokens")));
    // Entering the pane again selects its first row.
    dropped(&mut model, 2, "auth-tokens");
    model.zoomed = false;
    press(&mut model, "1");
    press(&mut model, "3");
    assert_eq!(model.target().objective, Some(key("audit-log")));
}

#[test]
fn when_the_selected_need_is_gone_no_other_is_selected() {
    let mut model = console();
    let held = json!({ "code": "human", "text": "someone has to look", "since_ms": 1, "clears": "retry it" });
    let data = json!({ "objective": key("audit-log"), "from": "active", "to": "needs_review", "cause": "human_due",
        "reason": held, "next": null });
    moves(&mut model, "audit-log", "active", "review", "session_harvested");
    happens(&mut model, 0, "objective_moved", {
        let mut data = data;
        data["from"] = json!("review");
        data
    });
    press(&mut model, "5 j");
    let first = model.target().objective.unwrap();
    let other = if first == key("audit-log") { "billing-webhook" } else { "audit-log" };
    moves(&mut model, first.id.as_str(), "needs_review", "ready", "human");
    refuses_every_object_key(&mut model, "the selected card is no longer here");
    press(&mut model, "j");
    assert_eq!(model.target().objective, Some(key(other)));
}

#[test]
fn when_the_selected_session_ends_no_other_tile_is_selected() {
    let mut model = console();
    press(&mut model, "L");
    assert_eq!(model.target().session, Some(SessionId(4)));
    let process = json!({ "exit": { "code": 0 }, "stop": null, "awake_seconds": 1, "survivors": 0 });
    happens(
        &mut model,
        0,
        "session_exited",
        json!({ "objective": key("auth-tokens"), "session": 4, "process": process }),
    );
    let data = json!({ "objective": key("auth-tokens"), "session": 4, "end": "completed", "harvest": null,
        "over_commits": false, "problem": null });
    happens(&mut model, 0, "session_harvested", data);
    refuses_every_object_key(&mut model, "the selected session is over");
    press(&mut model, "j");
    assert_eq!(model.target().session, Some(SessionId(5)));
}

#[test]
fn a_new_session_does_not_move_the_selected_one() {
    let mut model = console();
    select(&mut model, "auth-tokens");
    press(&mut model, "1 enter");
    assert_eq!(model.target().session, Some(SessionId(4)));
    press(&mut model, "j");
    let plan = json!({
        "session": 6, "kind": "correction", "agent": "claude", "worker": "implementer", "attempt": 2,
        "budget": { "max_commits": 5, "max_minutes": 30 }, "from": format!("{:040x}", 1), "overtook": []
    });
    happens(&mut model, 0, "session_planned", json!({ "objective": key("auth-tokens"), "plan": plan }));
    assert_eq!(model.target().session, Some(SessionId(4)));
}

#[test]
fn the_planners_log_selects_no_objective() {
    let mut model = console();
    select(&mut model, "auth-tokens");
    let plan = json!({
        "session": 6, "kind": "planner", "agent": "claude", "worker": "implementer", "attempt": 1,
        "budget": { "max_commits": 5, "max_minutes": 30 }, "from": format!("{:040x}", 1), "overtook": []
    });
    let planner = json!({ "project": "shop-api", "id": paddock_model::ids::ObjectiveId::planner() });
    happens(&mut model, 0, "session_planned", json!({ "objective": planner, "plan": plan }));
    press(&mut model, "ctrl-p");
    assert_eq!((model.active(), model.target().session), (PaneId::Log, Some(SessionId(6))));
    let effects = press(&mut model, "p");
    assert!(effects.is_empty() && model.note.as_ref().unwrap().text.contains("has no objective"));
    press(&mut model, "1");
    assert_eq!(model.target().objective, Some(key("auth-tokens")));
    assert_eq!(model.target().session, Some(SessionId(4)));
}

#[test]
fn an_open_dialog_keeps_the_objective_that_it_named() {
    let mut model = console();
    select(&mut model, "audit-log");
    press(&mut model, "1 X");
    assert!(text_of(&model).contains("audit-log?"));
    model.selected = Some(key("billing-webhook"));
    let effects = press(&mut model, "y");
    let ordered = effects.iter().find_map(|effect| match effect {
        Effect::Ask { doing, .. } => Some(doing.clone()),
        _ => None,
    });
    assert!(ordered.is_some_and(|doing| doing.ends_with("audit-log")));
}

#[test]
fn a_click_selects_a_row_that_is_shown_and_nothing_below_the_rows() {
    let mut model = console();
    press(&mut model, "1 /");
    type_text(&mut model, "auth");
    press(&mut model, "enter g");
    let click = |model: &mut Model, row: u16| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        send(model, Msg::Mouse(MouseEvent { kind, column: 10, row, modifiers: KeyModifiers::NONE }));
    };
    drop(text_of(&model));
    click(&mut model, 3);
    assert_eq!(model.target().objective, Some(key("auth-tokens")));
    for row in 4..38 {
        click(&mut model, row);
        assert_eq!(model.target().objective, Some(key("auth-tokens")), "row {row}");
    }
    for number in 0..60 {
        queued(&mut model, 10 + number, "auth-tokens");
    }
    // Entries fill only half of the pane; a click below them selects nothing.
    press(&mut model, "3");
    drop(text_of(&model));
    click(&mut model, 37);
    assert_eq!(model.target().objective, Some(key("rate-limits")));
}
