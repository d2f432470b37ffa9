//! `objective skip`, `cancel` and `escalate`.

use paddock_testkit::{Sandbox, count, until};

#[test]
fn dependents_of_a_skipped_objective_start_and_wait_again_when_it_is_retried() {
    let place = Sandbox::new();
    place.project("skip", "");
    place.objective("first", "over blocked", &["--scope", "first/**"]);
    place.objective("second", "commit second.txt\nover", &["--scope", "second.txt", "--depends-on", "first"]);
    place.idle(3);
    assert_eq!(place.status_of("second")["reason"]["code"], "blocked_by");
    let said = place.good(&["objective", "skip", "first"]);
    assert!(said.contains("its dependent goes on without it"), "{said}");
    assert_eq!(place.status_of("second")["status"], "ready");
    assert!(place.refused(&["objective", "skip", "first"], 1).contains("skipped already"));
    place.objective("third", "commit third.txt\nover", &["--scope", "third.txt", "--depends-on", "first"]);
    assert_eq!(place.status_of("third")["status"], "ready");
    place.good(&["objective", "retry", "first"]);
    for id in ["second", "third"] {
        assert_eq!(place.status_of(id)["status"], "todo", "{id}, which has not started, waits again");
    }
    place.good(&["objective", "skip", "first"]);
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "second"), count(&events, "landed", "third")), (1, 1));
    place.good(&["objective", "retry", "first"]);
    place.idle(3);
    assert_eq!(place.status_of("second")["status"], "done");
}

#[test]
fn cancelling_kills_the_session_and_keeps_its_work() {
    let place = Sandbox::new();
    let repository = place.project("cancel", "");
    let script = "commit done.txt\necho half > half.txt\nsleep 1000 &\ntouch $NOTES/works\nsleep 1000\nover";
    place.objective("busy", script, &[]);
    let mut supervisor = place.supervisor(&["--until-idle"]);
    supervisor.wait("session_started", "busy");
    until("the agent works", || place.note("works").exists());
    let said = place.good(&["objective", "cancel", "busy"]);
    assert!(said.contains("session 1 is stopped"), "{said}");
    assert_eq!(place.status_of("busy")["status"], "cancelled");
    supervisor.wait("session_ended", "busy");
    assert_eq!(supervisor.end(), 4);
    place.nobody_is_left();
    let kept = place.json(&["salvage", "list", "--json"]);
    assert_eq!(kept[0]["ref"], "refs/paddock/salvage/busy/1");
    assert_eq!(kept[0]["paths"], serde_json::json!(["half.txt"]));
    assert_eq!(place.git(&repository, &["show", "paddock/busy/work:done.txt"]), "done.txt");
    let status = place.status_of("busy");
    assert_eq!((&status["status"], &status["sessions"]), (&"cancelled".into(), &serde_json::json!([1])));
    assert!(place.good(&["explain", "busy"]).contains("paddock objective retry busy"));
}

#[test]
fn an_escalated_objective_waits_for_a_person_and_shows_the_note() {
    let place = Sandbox::new();
    place.project("escalate", "");
    place.objective("unsure", "commit a.txt\nover", &[]);
    place.good(&["objective", "escalate", "unsure", "--note", "wait for the lawyers"]);
    let events = place.idle(3);
    assert_eq!(count(&events, "session_planned", "*"), 0);
    let reason = place.status_of("unsure")["reason"].clone();
    assert!(reason["text"].as_str().unwrap().contains("wait for the lawyers"), "{reason}");
    place.good(&["objective", "retry", "unsure"]);
    assert_eq!(count(&place.idle(0), "landed", "unsure"), 1);
}
