//! Snapshots of the panes, and tests of their keys.

use super::super::testing::{Sample, asked, key, looks, pane_alone, pane_beside, press, slug};
use super::PaneId;
use crate::Model;
use crate::data::NeedKind;
use crate::msg::Effect;
use paddock_model::command::Command;
use paddock_model::ids::GateId;
use paddock_model::operate::Order;

fn model() -> Model {
    let mut model = Sample::night().model;
    // The failure lines, as if the job had read them.
    let failures = ["test webhook::signature ... FAILED", "expected 200, got 401", "3 failed, 41 passed"];
    model.panes.needs.failures.insert(GateId(2), failures.map(str::to_owned).to_vec());
    model
}

fn snapshots(name: &str, model: &mut Model, pane: PaneId) {
    for (columns, rows) in [(80, 22), (120, 38), (200, 48)] {
        let shown = pane_alone(model, pane, columns, rows);
        insta::assert_snapshot!(format!("{name}_{columns}"), shown);
    }
    for (look, theme) in looks().into_iter().skip(1) {
        model.theme = theme;
        insta::assert_snapshot!(format!("{name}_{look}"), pane_alone(model, pane, 80, 22));
    }
    model.theme = crate::theme::Theme::default();
}

#[test]
fn snapshots_of_the_queue() {
    let mut model = model();
    snapshots("queue", &mut model, PaneId::Queue);
    insta::assert_snapshot!("queue_beside", pane_beside(&mut model, PaneId::Queue, 60, 8));
    insta::assert_snapshot!("queue_low", pane_beside(&mut model, PaneId::Queue, 39, 3));
}

#[test]
fn the_queue_says_how_many_tests_ran_and_which_are_gone() {
    let shop = |outcome: &str| {
        let mut sample = Sample::shop();
        sample.objective("tokens", "Rotate tokens", &[]);
        sample.queued("tokens", 1).built(&[1]);
        let gate = sample.gate(&[1]);
        sample.gate_ended(gate, "green", 60).compared(gate, &[1], outcome);
        sample
    };
    let mut kept = shop("kept");
    let shown = pane_alone(&mut kept.model, PaneId::Queue, 120, 30);
    assert!(shown.contains("green · 42 tests (41 before); next in line"), "{shown}");
    let header = "gate run 1 · build green, exit status only 0:18 · tests green 0:42 · 42 tests (41 before)";
    assert!(shown.contains(header), "{shown}");
    let mut lost = shop("fewer_tests");
    let shown = pane_alone(&mut lost.model, PaneId::Queue, 120, 30);
    let words = "fewer tests than before; - tokens::expire did not run, in tests/a.rs";
    assert!(shown.contains(words), "{shown}");

    let one = kept.model.facts.state.objective(&key("tokens")).unwrap();
    let theme = crate::theme::Theme::default();
    let lines = super::objective::queue_tab(&kept.model, one, &theme);
    for line in [
        "gate run 1 green, 42 tests (41 before)",
        "+ tokens::rotate, tokens::sign",
        "- tokens::expire did not run, in tests/a.rs",
        "changed tests/a.rs (+9 -2)",
    ] {
        assert!(lines.contains(line), "{line}\n{lines}");
    }
}

#[test]
fn snapshots_of_budgets() {
    let mut model = model();
    snapshots("budgets", &mut model, PaneId::Budgets);
    insta::assert_snapshot!("budgets_beside", pane_beside(&mut model, PaneId::Budgets, 56, 8));
    insta::assert_snapshot!("budgets_low", pane_beside(&mut model, PaneId::Budgets, 37, 4));
}

#[test]
fn snapshots_of_needs() {
    let mut model = model();
    snapshots("needs", &mut model, PaneId::Needs);
    insta::assert_snapshot!("needs_beside", pane_beside(&mut model, PaneId::Needs, 60, 7));
    let mut sample = Sample::night();
    sample.planned().stopped();
    insta::assert_snapshot!("needs_many", pane_alone(&mut sample.model, PaneId::Needs, 100, 24));
    press(&mut sample.model, "j j j");
    insta::assert_snapshot!("needs_plan", pane_alone(&mut sample.model, PaneId::Needs, 100, 24));
}

#[test]
fn snapshots_of_events() {
    let mut model = model();
    snapshots("events", &mut model, PaneId::Events);
    insta::assert_snapshot!("events_beside", pane_beside(&mut model, PaneId::Events, 56, 7));
}

#[test]
fn snapshots_of_the_timeline() {
    snapshots("timeline", &mut model(), PaneId::Timeline);
}

#[test]
fn snapshots_of_a_waiting_plan() {
    let mut sample = Sample::night();
    sample.planned();
    snapshots("plan", &mut sample.model, PaneId::Plan);
}

#[test]
fn empty_panes_say_what_appears_in_them() {
    let mut model = Sample::shop().model;
    let panes =
        [PaneId::Queue, PaneId::Budgets, PaneId::Needs, PaneId::Events, PaneId::Timeline, PaneId::Plan];
    let shown = panes.map(|pane| pane_beside(&mut model, pane, 70, 6)).join("---\n");
    insta::assert_snapshot!("empty", shown);
}

#[test]
fn panes_may_be_tiny() {
    let mut model = model();
    for pane in super::MAIN {
        for (columns, rows) in [(1, 1), (3, 2), (12, 1), (20, 3), (0, 0)] {
            pane_beside(&mut model, pane, columns, rows);
        }
    }
}

#[test]
fn keys_act_on_the_selected_card() {
    let mut model = model();
    model.focus = PaneId::Needs;
    press(&mut model, "j");
    let asks = asked(&press(&mut model, "s y"));
    let Command::Objective { objective, order, .. } = &asks[0].0 else { panic!("{asks:?}") };
    assert_eq!((objective, order), (&key("billing-webhook"), &Order::Skip));
}

#[test]
fn the_output_of_a_gate_run_is_read_once() {
    let mut model = Sample::night().model;
    model.focus = PaneId::Needs;
    let effects = press(&mut model, "j");
    let jobs =
        effects.iter().filter(|effect| matches!(effect, Effect::Job(job) if job.name == "read gate run 2"));
    assert_eq!(jobs.count(), 1);
    assert!(press(&mut model, "k j").is_empty());
}

#[test]
fn a_high_pane_shows_the_whole_text_of_a_card() {
    let mut model = model();
    let words: Vec<String> = (1..=60).map(|n| format!("word{n}")).collect();
    let need = model.digest.needs.iter_mut().find(|need| need.kind == NeedKind::Publication).unwrap();
    need.reason.clears = words.join(" ");
    let name = need.occurrence();
    model.panes.needs.at = Some(name);
    let high = pane_beside(&mut model, PaneId::Needs, 60, 40);
    assert!(high.contains("word60"), "{high}");
    let low = pane_beside(&mut model, PaneId::Needs, 60, 10);
    assert!(!low.contains("word60"), "{low}");
    assert!(low.contains(" …"), "a cut text ends with a mark: {low}");
}

#[test]
fn a_key_of_the_card_retries_publishing() {
    let mut model = model();
    model.focus = PaneId::Needs;
    let asks = asked(&press(&mut model, "U"));
    assert_eq!(asks[0].0, Command::QueuePublish { project: slug() });
}

#[test]
fn a_waiting_plan_is_approved_or_sent_back() {
    let mut sample = Sample::night();
    sample.planned();
    let model = &mut sample.model;
    press(model, "m");
    assert_eq!(model.active(), PaneId::Plan);
    press(model, "R");
    super::super::testing::type_in(model, "smaller steps");
    let asks = asked(&press(model, "alt-enter"));
    assert_eq!(asks[0].0, Command::PlanReject { project: slug(), note: "smaller steps".to_owned() });
    super::super::testing::refuse(model, &asks[0].1, "no plan waits");
    press(model, "esc");
    let asks = asked(&press(model, "A"));
    assert_eq!(asks[0].0, Command::PlanApprove { project: slug() });
}

#[test]
fn without_a_waiting_plan_a_key_requests_one() {
    let asks = asked(&press(&mut model(), "m"));
    assert_eq!(asks[0].0, Command::PlanNow { project: slug() });
}

#[test]
fn keys_of_the_queue_act_on_the_selected_entry() {
    let mut model = model();
    model.focus = PaneId::Queue;
    press(&mut model, "j j");
    let asks = asked(&press(&mut model, "+"));
    let Command::Objective { objective, .. } = &asks[0].0 else { panic!("{asks:?}") };
    assert_eq!(objective, &key("docs-openapi"));
}

#[test]
fn events_are_filtered_and_hold_still_when_scrolled() {
    let mut model = model();
    model.focus = PaneId::Events;
    press(&mut model, "/ c o o l enter");
    let shown = pane_beside(&mut model, PaneId::Events, 80, 10);
    assert!(shown.contains("codex"), "{shown}");
    assert!(!shown.contains("landed"), "{shown}");
    press(&mut model, "/ ctrl-u enter g");
    assert!(model.panes.events.at.is_some());
    press(&mut model, "G");
    assert!(model.panes.events.at.is_none());
}
