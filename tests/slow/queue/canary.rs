//! The canary, which finds gates that check nothing.

use std::fs;

use paddock_testkit::{Sandbox, count, is};

#[test]
fn a_gate_that_is_green_on_an_emptied_tree_is_reported_as_checking_nothing_until_it_is_mended() {
    let place = Sandbox::new();
    let repository = place.project("canary", "verify: [{name: tests, run: 'true'}]\nqueue: {canary: true}");
    place.objective("work", "commit work.txt\nover", &[]);
    let events = place.idle(3);
    let judged = events.iter().find(|event| is(event, "canary_judged", "*")).unwrap();
    assert_eq!(judged["data"]["verdict"], "green", "{judged}");
    let status = place.json(&["status", "--json"]);
    assert_eq!(status["projects"][0]["canary"]["checks_nothing"], true);
    assert!(place.good(&["queue", "list"]).contains("it checks nothing"));
    place.objective("more", "commit more.txt\nover", &[]);
    place.idle(3);
    let note = place.git(&repository, &["notes", "--ref=refs/notes/paddock", "show", "main"]);
    assert!(note.contains("gate_checks_nothing"), "{note}");
    let file = place.project_file("canary");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("'true'", "ls | grep -q README")).unwrap();
    let events = place.idle(0);
    let judged = events.iter().rfind(|event| is(event, "canary_judged", "*")).unwrap();
    assert_eq!(judged["data"]["verdict"], "red", "{judged}");
    let status = place.json(&["status", "--json"]);
    assert_eq!(status["projects"][0]["canary"]["checks_nothing"], false);
}

#[test]
fn a_requested_canary_runs_once_a_supervisor_works() {
    let place = Sandbox::new();
    place.project("asked", "verify: [{name: tests, run: 'ls | grep -q README'}]");
    place.idle(0);
    let said = place.good(&["queue", "canary"]);
    assert!(said.contains("when a supervisor works"), "{said}");
    let events = place.idle(0);
    assert_eq!(count(&events, "canary_judged", "*"), 1);
    assert_eq!(place.json(&["status", "--json"])["projects"][0]["canary"]["checks_nothing"], false);
    place.project("without", "verify: []");
    place.idle(0);
    let said = place.refused(&["--project", "without", "queue", "canary"], 1);
    assert!(said.contains("has no gate"), "{said}");
}
