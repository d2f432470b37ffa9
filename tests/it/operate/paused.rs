//! `objective pause` and `resume`.

use std::fs;

use paddock_testkit::{Sandbox, count, until};

#[test]
fn an_active_objective_is_paused_when_its_session_ends_and_continues_from_there() {
    let place = Sandbox::new();
    let repository = place.project("pause", "");
    place.objective("long", "touch $NOTES/works\nwait_for $NOTES/go\ncommit long.txt\nover", &[]);
    let mut supervisor = place.supervisor(&["--until-idle"]);
    until("the agent works", || place.note("works").exists());
    let said = place.good(&["objective", "pause", "long"]);
    assert!(said.contains("is paused when session 1 ends"), "{said}");
    assert_eq!(place.status_of("long")["status"], "active");
    assert!(place.refused(&["objective", "pause", "long"], 1).contains("already"));
    fs::write(place.note("go"), "").unwrap();
    supervisor.wait("objective_paused", "long");
    assert_eq!(supervisor.end(), 3);
    assert_eq!(
        count(&supervisor.events(), "queue_entered", "*"),
        0,
        "a paused objective does not enter the queue"
    );
    let said = place.good(&["objective", "resume", "long"]);
    assert!(said.contains("is resumed"), "{said}");
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "long"), count(&events, "session_planned", "*")), (1, 0));
    assert!(place.refused(&["objective", "resume", "long"], 1).contains("not paused"));
    place.is_tidy(&repository, 1);
}

#[test]
fn a_session_that_failed_while_a_pause_was_due_is_retried_after_resuming() {
    let place = Sandbox::new();
    place.project("failed", "");
    let script = "if test $PADDOCK_SESSION = 1; then touch $NOTES/works; wait_for $NOTES/go; exit 1; fi\ncommit a.txt\nover";
    place.objective("fails", script, &[]);
    let mut supervisor = place.supervisor(&["--until-idle"]);
    until("the agent works", || place.note("works").exists());
    place.good(&["objective", "pause", "fails"]);
    fs::write(place.note("go"), "").unwrap();
    assert_eq!(supervisor.end(), 3);
    place.good(&["objective", "resume", "fails"]);
    assert_eq!(place.status_of("fails")["retries"], 1);
    assert_eq!(count(&place.idle(0), "landed", "fails"), 1);
}

#[test]
fn a_pause_resumed_before_the_session_ends_changes_nothing() {
    let place = Sandbox::new();
    place.project("back", "");
    place.objective("long", "touch $NOTES/works\nwait_for $NOTES/go\ncommit long.txt\nover", &[]);
    let mut supervisor = place.supervisor(&["--until-idle"]);
    until("the agent works", || place.note("works").exists());
    place.good(&["objective", "pause", "long"]);
    place.good(&["objective", "resume", "long"]);
    fs::write(place.note("go"), "").unwrap();
    assert_eq!(supervisor.end(), 0);
    assert_eq!(place.status_of("long")["status"], "done");
}

#[test]
fn an_objective_paused_in_the_merge_queue_leaves_it_and_returns() {
    let place = Sandbox::new();
    let repository = place.project("queue", "");
    place.objective("work", "commit work.txt\nover", &[]);
    place.good(&["queue", "hold"]);
    place.idle(3);
    assert_eq!(place.status_of("work")["status"], "queued");
    place.good(&["objective", "pause", "work"]);
    place.good(&["queue", "release"]);
    let events = place.idle(3);
    assert_eq!(count(&events, "landed", "*"), 0);
    assert_eq!(place.json(&["queue", "list", "--json"])[0]["queue"], serde_json::json!([]));
    assert!(place.good(&["objective", "resume", "work"]).contains("it is queued"));
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "work"), count(&events, "session_planned", "*")), (1, 0));
    place.is_tidy(&repository, 1);
}
