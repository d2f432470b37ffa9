//! Tests of the dialogs: keys go in, commands come out.

use super::super::testing::{
    Sample, accept, asked, dialog_alone, key, looks, paste, press, refuse, slug, type_in,
};
use crate::Model;
use paddock_model::command::Command;
use paddock_model::hierarchy::{Level, NodeOrder};
use paddock_model::operate::Order;

fn night() -> Model {
    Sample::night().model
}

fn at(model: &mut Model, id: &str) {
    model.select(Some(key(id)));
}

fn order_of(command: &Command) -> &Order {
    match command {
        Command::Objective { order, .. } => order,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_retry_carries_the_note_and_closes_once_the_supervisor_has_agreed() {
    let mut model = night();
    at(&mut model, "billing-webhook");
    press(&mut model, "r");
    type_in(&mut model, "先写测试\nthen the code");
    let effects = press(&mut model, "alt-enter");
    let asks = asked(&effects);
    assert_eq!(asks.len(), 1);
    let note = "先写测试\nthen the code".to_owned();
    assert_eq!(order_of(&asks[0].0), &Order::Retry { note: Some(note) });
    assert_eq!(model.dialogs.len(), 1, "it waits for the answer");
    assert!(accept(&mut model, &asks[0].1).is_empty());
    assert!(model.dialogs.is_empty());
    assert_eq!(model.drafts.len(), 0);
}

#[test]
fn a_refusal_is_shown_in_the_dialog_and_what_was_typed_stays() {
    let mut model = night();
    at(&mut model, "billing-webhook");
    press(&mut model, "r");
    type_in(&mut model, "again");
    let asks = asked(&press(&mut model, "ctrl-enter"));
    refuse(&mut model, &asks[0].1, "the worktree is being removed");
    let shown = super::super::testing::screen(&mut model, 100, 30);
    assert!(shown.contains("the worktree is being removed"), "{shown}");
    assert!(shown.contains("again"), "{shown}");
    let again = asked(&press(&mut model, "tab enter"));
    assert_eq!(order_of(&again[0].0), &Order::Retry { note: Some("again".to_owned()) });
}

#[test]
fn keys_typed_before_a_refusal_are_replayed_into_the_form() {
    let mut model = night();
    at(&mut model, "billing-webhook");
    press(&mut model, "r");
    type_in(&mut model, "again");
    let asks = asked(&press(&mut model, "alt-enter"));
    type_in(&mut model, " and q");
    paste(&mut model, "uick");
    let shown = super::super::testing::screen(&mut model, 100, 30);
    assert!(shown.contains("7 keys typed ahead"), "{shown}");
    refuse(&mut model, &asks[0].1, "the worktree is being removed");
    assert!(model.note.is_none(), "every key was used");
    let again = asked(&press(&mut model, "alt-enter"));
    assert_eq!(order_of(&again[0].0), &Order::Retry { note: Some("again and quick".to_owned()) });
}

#[test]
fn a_key_that_would_send_again_is_dropped_and_counted() {
    let mut model = night();
    at(&mut model, "billing-webhook");
    press(&mut model, "r");
    let asks = asked(&press(&mut model, "tab enter"));
    assert!(asked(&press(&mut model, "enter enter")).is_empty());
    assert!(refuse(&mut model, &asks[0].1, "not now").is_empty());
    assert_eq!(model.dialogs.len(), 1, "the refusal is still on the screen");
    let shown = super::super::testing::screen(&mut model, 100, 30);
    assert!(shown.contains("2 keys typed before the answer were not used"), "{shown}");
}

#[test]
fn keys_typed_for_a_closed_dialog_reach_no_pane_and_are_counted() {
    let mut model = night();
    at(&mut model, "billing-webhook");
    press(&mut model, "r");
    let asks = asked(&press(&mut model, "alt-enter"));
    press(&mut model, "x X");
    assert!(super::super::testing::accept_unseen(&mut model, &asks[0].1).is_empty());
    let note_of = |model: &Model| model.note.as_ref().map(|note| note.text.clone()).unwrap_or_default();
    assert!(
        note_of(&model).contains("2 keys typed before the answer were not used   done"),
        "{}",
        note_of(&model)
    );
    press(&mut model, "X");
    assert!(model.dialogs.is_empty(), "no frame has shown yet that the dialog is closed");
    assert!(note_of(&model).contains("1 key typed before the answer was not used"), "{}", note_of(&model));
    model.ahead.seen();
    press(&mut model, "X");
    assert_eq!(model.dialogs.len(), 1, "the pane has its keys again");
}

#[test]
fn keys_typed_before_leaving_a_waiting_dialog_are_in_its_draft() {
    let mut model = night();
    at(&mut model, "billing-webhook");
    press(&mut model, "r");
    type_in(&mut model, "half");
    let asks = asked(&press(&mut model, "alt-enter"));
    type_in(&mut model, " a thought");
    press(&mut model, "esc");
    assert!(model.dialogs.is_empty());
    refuse(&mut model, &asks[0].1, "not now");
    press(&mut model, "r");
    let again = asked(&press(&mut model, "alt-enter"));
    assert_eq!(order_of(&again[0].0), &Order::Retry { note: Some("half a thought".to_owned()) });
}

#[test]
fn escape_keeps_the_draft_of_that_kind_and_target() {
    let mut model = night();
    at(&mut model, "billing-webhook");
    press(&mut model, "r");
    type_in(&mut model, "half a thou");
    press(&mut model, "esc");
    assert!(model.dialogs.is_empty());
    press(&mut model, "R");
    type_in(&mut model, "x");
    press(&mut model, "esc r");
    type_in(&mut model, "ght");
    let asks = asked(&press(&mut model, "alt-enter"));
    assert_eq!(order_of(&asks[0].0), &Order::Retry { note: Some("half a thought".to_owned()) });
}

#[test]
fn pasted_text_is_inserted_whole_whatever_it_contains() {
    let mut model = night();
    at(&mut model, "billing-webhook");
    press(&mut model, "r");
    paste(&mut model, "one\r\ntwo\rq\u{1b}[2J\tthree");
    let asks = asked(&press(&mut model, "alt-enter"));
    let note = "one\ntwo\nq[2J    three".to_owned();
    assert_eq!(order_of(&asks[0].0), &Order::Retry { note: Some(note) });
}

#[test]
fn a_rejection_needs_a_note_and_can_be_final() {
    let mut model = night();
    at(&mut model, "billing-webhook");
    press(&mut model, "R");
    assert!(asked(&press(&mut model, "alt-enter")).is_empty());
    type_in(&mut model, "not worth it");
    let asks = asked(&press(&mut model, "tab tab enter"));
    assert_eq!(order_of(&asks[0].0), &Order::Reject { note: "not worth it".to_owned(), is_final: true });
}

#[test]
fn a_goal_comes_with_its_milestones_one_after_the_other() {
    let mut model = night();
    press(&mut model, "a");
    type_in(&mut model, "Ship v2\n");
    type_in(&mut model, "第二版");
    press(&mut model, "tab");
    type_in(&mut model, "API\nUI");
    let first = asked(&press(&mut model, "alt-enter"));
    assert_eq!(first.len(), 1);
    let Command::Node { node, order: NodeOrder::Add { title, description, .. } } = &first[0].0 else {
        panic!("{first:?}")
    };
    // There is a goal of that id already.
    assert_eq!(
        (node.level, node.id.as_str(), title.as_str(), description.as_str()),
        (Level::Goal, "ship-v2-2", "Ship v2", "第二版")
    );
    let second = asked(&accept(&mut model, &first[0].1));
    let Command::Node { node, order: NodeOrder::Add { parent, .. } } = &second[0].0 else {
        panic!("{second:?}")
    };
    assert_eq!((node.level, node.id.as_str()), (Level::Milestone, "api"));
    assert_eq!(parent.as_ref().map(paddock_model::ids::NodeId::as_str), Some("ship-v2-2"));
    let third = asked(&accept(&mut model, &second[0].1));
    assert!(accept(&mut model, &third[0].1).is_empty());
    assert!(model.dialogs.is_empty());
}

#[test]
fn an_objective_has_every_field_and_ids_are_completed() {
    let mut model = night();
    press(&mut model, "o");
    type_in(&mut model, "Pay by card\n");
    type_in(&mut model, "Take cards.");
    press(&mut model, "tab");
    type_in(&mut model, "a card is taken\na wrong one is refused");
    press(&mut model, "tab");
    type_in(&mut model, "src/pay/**, tests/pay.rs\n");
    type_in(&mut model, "auth-t");
    press(&mut model, "tab enter right enter");
    type_in(&mut model, "7\n3\n45\nREADME.md");
    let asks = asked(&press(&mut model, "alt-enter"));
    let Command::ObjectivesAdd { project, objectives } = &asks[0].0 else { panic!("{asks:?}") };
    let (id, spec) = &objectives[0];
    assert_eq!((project, id.as_str()), (&slug(), "pay-by-card"));
    assert_eq!(spec.acceptance_criteria, ["a card is taken", "a wrong one is refused"]);
    assert_eq!(spec.path_scope, ["src/pay/**", "tests/pay.rs"]);
    assert_eq!(spec.depends_on[0].as_str(), "auth-tokens");
    assert_eq!((spec.worker.as_str(), spec.priority), ("integrator", 7));
    assert_eq!((spec.max_commits, spec.max_minutes), (Some(3), Some(45)));
    assert_eq!(spec.context_refs, ["README.md"]);
}

#[test]
fn a_fault_is_shown_while_it_is_typed_and_prevents_sending() {
    let mut model = night();
    at(&mut model, "auth-tokens");
    press(&mut model, "w");
    type_in(&mut model, "/etc/**");
    let shown = super::super::testing::screen(&mut model, 100, 30);
    assert!(shown.contains("/etc/**: "), "{shown}");
    assert!(asked(&press(&mut model, "alt-enter")).is_empty());
    assert_eq!(model.dialogs.len(), 1);
}

#[test]
fn a_confirmation_is_refused_if_its_target_has_landed_meanwhile() {
    let mut sample = Sample::night();
    at(&mut sample.model, "rate-limits");
    press(&mut sample.model, "X");
    assert!(asked(&press(&mut sample.model, "enter")).is_empty(), "cancel is focused");
    assert!(sample.model.dialogs.is_empty());
    press(&mut sample.model, "X");
    sample.gate_ended(3, "green", 90).landed("rate-limits", 2, 3);
    assert!(asked(&press(&mut sample.model, "y")).is_empty());
    let shown = super::super::testing::screen(&mut sample.model, 100, 30);
    assert!(shown.contains("has landed meanwhile"), "{shown}");
}

#[test]
fn a_session_is_extended_by_minutes_commits_tokens_and_dollars() {
    let mut model = night();
    press(&mut model, "b tab");
    type_in(&mut model, "2\n\n1.5");
    let asks = asked(&press(&mut model, "alt-enter"));
    let Command::SessionExtend { minutes, commits, tokens, usd_micros, .. } = asks[0].0 else {
        panic!("{asks:?}")
    };
    assert_eq!((minutes, commits, tokens, usd_micros), (15, 2, 0, 1_500_000));
}

#[test]
fn a_priority_is_set_by_a_dialog_or_with_the_palette() {
    let mut model = night();
    press(&mut model, "=");
    type_in(&mut model, "-5");
    let asks = asked(&press(&mut model, "alt-enter"));
    assert_eq!(order_of(&asks[0].0), &Order::Prioritize { priority: -5 });
}

fn snapshot(name: &str, id: &str, keys: &str, typed: &str) {
    for (columns, rows) in [(80, 24), (120, 40), (200, 50)] {
        let mut model = night();
        at(&mut model, id);
        press(&mut model, keys);
        type_in(&mut model, typed);
        insta::assert_snapshot!(format!("{name}_{columns}"), dialog_alone(&mut model, columns, rows));
    }
    for (look, theme) in looks().into_iter().skip(1) {
        let mut model = night();
        model.theme = theme;
        at(&mut model, id);
        press(&mut model, keys);
        type_in(&mut model, typed);
        insta::assert_snapshot!(format!("{name}_{look}"), dialog_alone(&mut model, 80, 24));
    }
}

#[test]
fn dialogs_as_they_look() {
    snapshot("retry", "billing-webhook", "r", "先写测试，再写代码\nthen the code");
    snapshot("approve", "billing-webhook", "A", "");
    snapshot("reject", "billing-webhook", "R", "passwords are logged");
    snapshot("escalate", "auth-tokens", "e", "");
    snapshot("widen", "billing-webhook", "w", "");
    snapshot("extend", "auth-tokens", "b", "");
    snapshot("goal", "auth-tokens", "a", "发布第二版\n");
    snapshot("objective", "auth-tokens", "o", "登录页面\nA page\n");
    snapshot("priority", "auth-tokens", "=", "x");
    snapshot("kill", "auth-tokens", "x", "");
    snapshot("cancel", "login-page", "X", "");
    snapshot("quit", "login-page", "q", "");
}

#[test]
fn a_long_form_scrolls_to_its_focus_on_a_low_screen() {
    let mut model = night();
    press(&mut model, "o tab tab tab tab tab tab tab tab tab");
    let shown = dialog_alone(&mut model, 60, 15);
    assert!(shown.contains("Refs") && shown.contains("[ Add ]"), "{shown}");
    assert!(!shown.contains("Title"), "{shown}");
}
