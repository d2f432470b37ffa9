//! Batches: several entries in one gate run, with the built program.

use std::collections::BTreeSet;

use paddock_testkit::{Sandbox, count, is};
use serde_json::Value;

/// Queues these objectives while the queue is held, then releases it. The gate is red if a file's name ends
/// in `bad`.
fn queued(place: &Sandbox, scripts: &[(&str, &str)]) {
    let run = "! ls | grep -q bad$";
    let settings = format!(
        "max_parallel_sessions: 4\nrecovery: {{max_retries: 0}}\nverify: [{{name: tests, run: {run:?}}}]\n\
         queue: {{slots: 1}}"
    );
    place.project("batch", &settings);
    place.good(&["queue", "hold"]);
    for (id, script) in scripts {
        place.objective(id, &format!("{script}\nover"), &["--scope", &format!("{id}.*")]);
    }
    let mut supervisor = place.supervisor(&["--until-idle"]);
    // All entries must be queued before the release, so that they can form one batch.
    supervisor.wait_nth("queue_entered", "*", scripts.len());
    supervisor.end();
    place.good(&["queue", "release"]);
}

fn trees(events: &[Value], kind: &str, holds: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let found = events.iter().filter(|event| is(event, kind, "*") && holds(&event["data"]));
    let tree = |event: &Value| match event["data"]["tree"].as_str() {
        Some(tree) => tree.to_owned(),
        None => event["data"]["candidate"]["tree"].as_str().unwrap().to_owned(),
    };
    found.map(tree).collect()
}

/// Asserts that every tree on the target's first-parent line had a green gate run.
fn nothing_landed_untested(place: &Sandbox, events: &[Value]) {
    let greens: BTreeSet<u64> = events
        .iter()
        .filter(|event| is(event, "gate_ended", "*") && event["data"]["verdict"] == "green")
        .map(|event| event["data"]["gate"].as_u64().unwrap())
        .collect();
    let is_green = |data: &Value| greens.contains(&data["gate"].as_u64().unwrap());
    let tested = trees(events, "gate_started", is_green);
    let landed = trees(events, "landed", |_| true);
    assert!(landed.is_subset(&tested), "{landed:?} landed, {tested:?} were green");
    let repository = place.path("batch");
    let line = place.git(&repository, &["log", "--first-parent", "--format=%T", "main"]);
    let line: BTreeSet<String> = line.lines().map(str::to_owned).collect();
    assert!(landed.is_subset(&line), "{line:?}");
    assert_eq!(line.len(), landed.len() + 1, "every commit on the line but the first is a landing: {line:?}");
    assert!(!place.git(&repository, &["ls-tree", "--name-only", "main"]).contains("bad"));
    place.good(&["verify"]);
}

#[test]
fn four_branches_land_by_one_gate_run_as_one_commit() {
    let place = Sandbox::new();
    let names = ["a", "b", "c", "d"];
    let scripts: Vec<(&str, String)> = names.iter().map(|id| (*id, format!("commit {id}.ok"))).collect();
    let scripts: Vec<(&str, &str)> = scripts.iter().map(|(id, script)| (*id, script.as_str())).collect();
    queued(&place, &scripts);
    let events = place.idle(0);
    // One run on the base shows which tests are there before.
    assert_eq!((count(&events, "landed", "*"), count(&events, "gate_started", "*")), (4, 2));
    nothing_landed_untested(&place, &events);
    let repository = place.path("batch");
    let subjects = place.git(&repository, &["log", "--first-parent", "--format=%s", "main"]);
    assert_eq!(subjects.lines().next(), Some("Merge a batch of 4"));
    let note = place.git(&repository, &["notes", "--ref=refs/notes/paddock", "show", "main"]);
    let proof: Value = serde_json::from_str(&note).unwrap();
    assert_eq!(proof["objectives"].as_array().map(Vec::len), Some(4), "{note}");
}

#[test]
fn the_red_branch_of_four_is_found_and_sent_back_while_the_others_land() {
    let place = Sandbox::new();
    queued(
        &place,
        &[("a", "commit a.ok"), ("b", "commit b.ok"), ("c", "commit c.bad"), ("d", "commit d.ok")],
    );
    let events = place.idle(3);
    // The order in the queue is not defined, since the sessions ran in parallel.
    let landed: BTreeSet<&str> = events
        .iter()
        .filter(|event| is(event, "landed", "*"))
        .map(|event| event["data"]["subject"]["objective"].as_str().unwrap())
        .collect();
    assert_eq!(landed, BTreeSet::from(["a", "b", "d"]));
    let left = events.iter().find(|event| is(event, "queue_left", "*")).unwrap();
    assert_eq!((&left["data"]["subject"]["objective"], &left["data"]["why"]), (&"c".into(), &"red".into()));
    assert_eq!(place.status_of("c")["status"], "needs_review");
    // A run of four, then of two; `c` alone, again as a flaky retry, and its base; then `d`. The order
    // decides how many.
    let runs = count(&events, "gate_started", "*");
    assert!((4..=7).contains(&runs), "{runs} gate runs");
    nothing_landed_untested(&place, &events);
}

#[test]
fn verdicts_of_trees_outlive_an_empty_commit_of_the_user() {
    let place = Sandbox::new();
    queued(&place, &[("a", "commit a.ok"), ("b", "commit b.bad"), ("c", "commit c.ok")]);
    let mut supervisor = place.supervisor(&["--until-idle"]);
    // After the first red run the search for the culprit begins.
    supervisor.wait_where(
        "a red run",
        |event| is(event, "gate_ended", "*") && event["data"]["verdict"] == "red",
        1,
    );
    let repository = place.path("batch");
    place.git(&repository, &["commit", "--quiet", "--allow-empty", "--message", "Mine"]);
    supervisor.end();
    let events = supervisor.events();
    assert_eq!(count(&events, "landed", "*"), 2);
    assert_eq!(place.status_of("b")["status"], "needs_review");
    let runs = count(&events, "gate_started", "*");
    assert!(runs <= 9, "known verdicts were found out again: {runs} gate runs");
}
