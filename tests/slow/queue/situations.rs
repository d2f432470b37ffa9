//! Situations from the tests of Zuul, a merge queue, under the same names, on a real repository.

use std::fs;

use paddock_testkit::{Sandbox, count, is};
use serde_json::Value;

/// Adds these objectives while the queue is held. The gate is red if a file's name ends in `bad`.
fn queued(place: &Sandbox, scripts: &[(&str, &str)], settings: &str) {
    let run = "! ls | grep -q bad$";
    let settings = format!(
        "max_parallel_sessions: 4\nrecovery: {{max_retries: 0}}\nverify: [{{name: tests, run: {run:?}}}]\n{settings}"
    );
    place.project("zuul", &settings);
    place.good(&["queue", "hold"]);
    for (id, script) in scripts {
        place.objective(id, &format!("{script}\nover"), &["--scope", &format!("{id}.*")]);
    }
}

/// Runs until this many objectives are in the queue, which is held.
fn until_queued(place: &Sandbox, count: usize) -> Vec<Value> {
    let mut supervisor = place.supervisor(&["--until-idle"]);
    supervisor.wait_nth("queue_entered", "*", count);
    supervisor.end();
    supervisor.events()
}

fn landed(events: &[Value]) -> Vec<String> {
    let landed = events.iter().filter(|event| is(event, "landed", "*"));
    let mut names: Vec<String> =
        landed.map(|event| event["data"]["subject"]["objective"].to_string()).collect();
    names.sort();
    names.iter().map(|name| name.trim_matches('"').to_owned()).collect()
}

/// Releases the queue and runs until nothing can move.
fn release(place: &Sandbox) -> Vec<Value> {
    place.good(&["queue", "release"]);
    let mut supervisor = place.supervisor(&["--until-idle"]);
    supervisor.end();
    supervisor.events()
}

fn run(scripts: &[(&str, &str)]) -> (Sandbox, Vec<Value>) {
    let place = Sandbox::new();
    queued(&place, scripts, "");
    until_queued(&place, scripts.len());
    let events = release(&place);
    (place, events)
}

#[test]
fn failure_at_head() {
    let (place, events) = run(&[("a", "commit a.bad"), ("b", "commit b.ok"), ("c", "commit c.ok")]);
    assert_eq!(landed(&events), ["b", "c"]);
    assert_eq!(place.status_of("a")["status"], "needs_review");
}

#[test]
fn failure_in_the_middle() {
    let (place, events) = run(&[("a", "commit a.ok"), ("b", "commit b.bad"), ("c", "commit c.ok")]);
    assert_eq!(landed(&events), ["a", "c"]);
    assert_eq!(place.status_of("b")["status"], "needs_review");
}

#[test]
fn two_failures_at_head() {
    let (_place, events) = run(&[("a", "commit a.bad"), ("b", "commit b.bad"), ("c", "commit c.ok")]);
    assert_eq!(landed(&events), ["c"]);
}

#[test]
fn head_is_dequeued_and_requeued() {
    let place = Sandbox::new();
    queued(&place, &[("a", "commit a.ok"), ("b", "commit b.ok")], "");
    until_queued(&place, 2);
    place.good(&["queue", "drop", "a", "--note", "not yet"]);
    assert_eq!(place.status_of("a")["status"], "needs_review");
    assert_eq!(landed(&release(&place)), ["b"]);
    place.good(&["queue", "requeue", "a"]);
    assert_eq!(landed(&place.idle(0)), ["a"]);
}

#[test]
fn new_commits_on_a_queued_branch() {
    let place = Sandbox::new();
    queued(&place, &[("a", "commit a.ok"), ("b", "commit b.ok")], "");
    until_queued(&place, 2);
    let worktree = place.status_of("a")["worktree"].as_str().unwrap().to_owned();
    fs::write(format!("{worktree}/a.more"), "more\n").unwrap();
    place.git(worktree.as_ref(), &["add", "--all"]);
    place.git(worktree.as_ref(), &["commit", "--quiet", "--message", "More"]);
    let events = release(&place);
    assert_eq!(landed(&events), ["a", "b"]);
    let repository = place.path("zuul");
    assert!(place.git(&repository, &["ls-tree", "--name-only", "main"]).contains("a.more"));
    assert!(count(&events, "queue_left", "*") > 0, "the entry with the older head left");
}

#[test]
fn a_dependent_of_a_dequeued_objective_waits_for_it() {
    let place = Sandbox::new();
    queued(&place, &[("a", "commit a.ok")], "");
    place.objective("b", "test -e a.ok\ncommit b.ok\nover", &["--depends-on", "a", "--scope", "b.*"]);
    until_queued(&place, 1);
    place.good(&["queue", "drop", "a"]);
    assert_eq!(landed(&release(&place)), [""; 0]);
    assert_eq!(place.status_of("b")["status"], "todo");
    assert_eq!(place.status_of("b")["reason"]["code"], "blocked_by");
    place.good(&["queue", "requeue", "a"]);
    let events = place.idle(0);
    assert_eq!(landed(&events), ["a", "b"]);
}

#[test]
fn reconfiguration_while_a_gate_runs() {
    let place = Sandbox::new();
    let settings = "verify: [{name: tests, run: 'touch $HOME/gating; test -e $HOME/go || sleep 600'}]";
    place.project("zuul", settings);
    place.objective("a", "commit a.ok\nover", &[]);
    let mut supervisor = place.supervisor(&["--until-idle"]);
    supervisor.wait("gate_started", "*");
    let file = place.project_file("zuul");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("touch $HOME/gating; test -e $HOME/go || sleep 600", "test -e a.ok"))
        .unwrap();
    supervisor.wait("landed", "a");
    assert_eq!(supervisor.end(), 0);
    let events = supervisor.events();
    assert_eq!(count(&events, "gate_cancelled", "*"), 1, "the run of the old gate is cancelled");
}

#[test]
fn predicted_conflicts_are_reported_before_their_turn() {
    let place = Sandbox::new();
    queued(&place, &[("a", "commit a.ok"), ("b", "commit b.ok")], "path_conflicts: allow");
    place.objective("c", "commit a.ok other\nover", &["--scope", "a.*"]);
    let events = until_queued(&place, 3);
    let seen = events.iter().rfind(|event| is(event, "collisions_seen", "*")).unwrap();
    assert_eq!(seen["data"]["collisions"][0]["objective"], "a", "{seen}");
    assert_eq!(seen["data"]["collisions"][0]["with"], "c", "{seen}");
    let listed = place.json(&["queue", "list", "--json"]);
    assert_eq!(listed[0]["radar"][0]["paths"][0], "a.ok", "{listed}");
}
