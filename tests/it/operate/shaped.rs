//! `objective edit`, `expand`, `prioritize`, `delete` and `explain`, without a supervisor.

use paddock_testkit::{Sandbox, count, place_of};

#[test]
fn an_objective_can_be_changed_and_a_refusal_says_why() {
    let place = Sandbox::new();
    place.project("edit", "max_parallel_sessions: 1");
    for id in ["one", "two", "three"] {
        place.objective(id, &format!("commit {id}.txt\nover"), &["--scope", &format!("{id}.txt")]);
    }
    place.good(&[
        "objective",
        "edit",
        "two",
        "--depends-on",
        "one",
        "--title",
        "Second",
        "--criteria",
        "it is",
    ]);
    assert_eq!(place.status_of("two")["depends_on"], serde_json::json!(["one"]));
    assert_eq!(place.status_of("two")["status"], "todo");
    let said = place.refused(&["objective", "edit", "one", "--depends-on", "two"], 1);
    assert!(said.contains("cycle") && said.contains("one -> two -> one"), "{said}");
    assert!(
        place.refused(&["objective", "edit", "one", "--depends-on", "none"], 1).contains("does not exist")
    );
    assert!(place.refused(&["objective", "edit", "one", "--worker", "nobody"], 1).contains("no worker"));
    assert!(place.refused(&["objective", "edit", "one"], 1).contains("nothing of one would change"));
    assert!(place.refused(&["objective", "delete", "one"], 1).contains("two depend on one"));
    place.good(&["objective", "expand", "one", "extra/**"]);
    assert_eq!(place.status_of("one")["path_scope"], serde_json::json!(["one.txt", "extra/**"]));
    assert!(
        place
            .refused(&["objective", "expand", "one", "extra/**"], 1)
            .contains("contains these globs already")
    );
    place.good(&["objective", "edit", "two", "--depends-on", ""]);
    place.good(&["objective", "delete", "one"]);
    assert!(place.refused(&["objective", "show", "one"], 1).contains("no objective"));
    place.good(&["objective", "prioritize", "three", "5"]);
    let events = place.idle(0);
    assert!(place_of(&events, "session_planned", "three") < place_of(&events, "session_planned", "two"));
    assert_eq!(count(&events, "landed", "*"), 2);
    assert!(place.refused(&["objective", "delete", "two"], 1).contains("history"));
    assert!(place.refused(&["objective", "prioritize", "two", "1"], 1).contains("final"));
}

#[test]
fn every_objective_that_does_not_move_is_explained() {
    let place = Sandbox::new();
    place.project("still", "");
    assert_eq!(place.good(&["explain"]).trim(), "everything is moving or done");
    place.objective("stuck", "over blocked", &[]);
    place.objective("behind", "commit b.txt\nover", &["--depends-on", "stuck"]);
    place.idle(3);
    let text = place.good(&["explain"]);
    assert!(text.contains("still/stuck  needs_review") && text.contains("dependents: behind"), "{text}");
    let all = place.json(&["explain", "--json"]);
    let codes: Vec<&str> =
        all.as_array().unwrap().iter().map(|one| one["reason"]["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["blocked_by", "agent_blocked"]);
    let one = place.json(&["explain", "behind", "--json"]);
    assert_eq!(one[0]["objective"], "behind");
    assert!(place.refused(&["explain", "nothing"], 1).contains("no objective"));
}
