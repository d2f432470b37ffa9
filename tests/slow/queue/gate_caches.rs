//! Folders that outlive gate runs, and the runs from nothing that find what they hide.

use std::fs;
use std::path::PathBuf;

use paddock_testkit::{Sandbox, count, is};
use serde_json::Value;

use super::gate_tree::{lands, results};
use super::guards::guarded;

/// A gate that notes what it finds in `build`, and adds the name of the change to it.
const MARKING: &str = "echo $(cat name.txt): $(cat build/marks) >> $NOTES/found; mkdir -p build; \
                       cat name.txt >> build/marks; test ! -e fail";

fn marking(place: &Sandbox, keep: &str) -> PathBuf {
    let settings = format!(
        "verify: [{{name: tests, run: {MARKING:?}}}]\ngate: {{keep: {keep}}}\nrecovery: {{max_retries: 0}}\n"
    );
    guarded(place, &[("name.txt", "base\n"), (".gitignore", "build/\n")], &settings)
}

/// Lands or fails to land a change, and returns what its gate runs found.
fn found(place: &Sandbox, id: &str, more: &str, must_land: bool) -> Vec<String> {
    let file = place.note("found");
    let before = fs::read_to_string(&file).unwrap_or_default().len();
    let (has_landed, _) = lands(place, id, &format!("{more}\ncommit name.txt {id}\nover"));
    assert_eq!(has_landed, must_land, "{id}");
    let lines = fs::read_to_string(&file).unwrap()[before..].to_owned();
    lines.lines().map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn a_run_starts_with_what_landed_runs_left_and_a_repeat_with_nothing() {
    let place = Sandbox::new();
    marking(&place, "[build]");
    assert_eq!(found(&place, "one", "", true), ["one:"]);
    let red = found(&place, "red", "touch fail", false);
    assert_eq!(red[..2], ["red: one", "red:"], "the repeat has no caches");
    assert!(red[2..].iter().all(|line| line == "one:"), "nor has a run on the base: {red:?}");
    assert_eq!(found(&place, "two", "", true), ["two: one"], "what a red run left is gone");
    assert_eq!(found(&place, "three", "", true), ["three: one two"]);
}

#[test]
fn without_kept_folders_every_run_starts_with_nothing() {
    let place = Sandbox::new();
    marking(&place, "[]");
    assert_eq!(found(&place, "one", "", true), ["one:"]);
    assert_eq!(found(&place, "two", "", true), ["two:"]);
}

#[test]
fn the_build_folder_of_a_known_tool_is_kept_until_its_lock_file_changes() {
    let place = Sandbox::new();
    let run = MARKING.replace("build", "target");
    let settings = format!("verify: [{{name: tests, run: {run:?}}}]\nrecovery: {{max_retries: 0}}\n");
    let files =
        [("name.txt", "base\n"), (".gitignore", "target/\n"), ("Cargo.toml", ""), ("Cargo.lock", "1\n")];
    guarded(&place, &files, &settings);
    assert_eq!(found(&place, "one", "", true), ["one:"]);
    assert_eq!(found(&place, "two", "", true), ["two: one"]);
    assert_eq!(found(&place, "three", "echo 2 > Cargo.lock", true), ["three:"]);
    assert_eq!(found(&place, "four", "", true), ["four: three"]);
}

/// Makes a project in which the second landing cannot build, which the folder that is kept hides.
fn poisoned(place: &Sandbox) -> PathBuf {
    let settings = "verify: [{name: tests, run: 'test -e build/made || sh make.sh'}]\ngate: {keep: [build]}\n\
                    recovery: {max_retries: 0}\nqueue: {flaky_retries: 0}\n";
    let make = "mkdir build; touch build/made\n";
    let repository = guarded(place, &[("make.sh", make), (".gitignore", "build/\n")], settings);
    assert!(lands(place, "first", "commit first.txt\nover").0);
    place.good(&["queue", "recheck"]);
    place.idle(0);
    // What is kept is no test, so the change of the script that the gate runs is allowed by its scope.
    place.objective("second", "commit make.sh 'exit 1'\nover", &["--scope", "make.sh"]);
    assert_eq!(count(&place.idle(0), "landed", "second"), 1);
    assert!(lands(place, "third", "commit third.txt\nover").0);
    repository
}

fn holds(event: &Value) -> bool {
    is(event, "queue_held", "*") && event["data"]["reason"]["code"] == "recheck_differs"
}

/// Checks the hold and that the caches are gone: what they hid is red from here on.
fn is_held(place: &Sandbox, held: &Value) {
    let text = held.to_string();
    assert!(text.contains("second") && text.contains("third") && !text.contains("first"), "{text}");
    assert!(place.good(&["status"]).contains("queue release"));
    place.good(&["queue", "release"]);
    // With the cache it would be green. Without it the base is red, too.
    let (has_landed, events) = lands(place, "fourth", "commit fourth.txt\nover");
    assert!(!has_landed && results(&events).iter().all(|run| run["verdict"] == "red"), "{events:?}");
}

#[test]
fn a_rerun_of_landed_gates_finds_what_a_cache_hid_and_holds_the_queue() {
    let place = Sandbox::new();
    poisoned(&place);
    let (code, stdout, stderr) = place.run(&["verify", "--rerun"]);
    assert_eq!(code, 1, "{stdout}{stderr}");
    let events = place.events();
    is_held(&place, events.iter().find(|event| holds(event)).unwrap());
}

#[test]
fn a_recheck_finds_what_a_cache_hid_and_holds_the_queue() {
    let place = Sandbox::new();
    poisoned(&place);
    let supervisor = place.supervisor(&[]);
    place.good(&["queue", "recheck"]);
    let held = supervisor.wait_where("the hold", holds, 1);
    let events = supervisor.stop();
    assert_eq!(count(&events, "recheck_judged", "*"), 1);
    is_held(&place, &held);
}

#[test]
fn a_recheck_of_sound_work_is_green_and_holds_nothing() {
    let place = Sandbox::new();
    marking(&place, "[build]");
    found(&place, "one", "", true);
    found(&place, "two", "", true);
    place.good(&["queue", "recheck"]);
    let events = place.idle(0);
    let judged = events.iter().find(|event| is(event, "recheck_judged", "*")).unwrap();
    assert_eq!(judged["data"]["verdict"], "green", "{judged}");
    let notes = fs::read_to_string(place.note("found")).unwrap();
    assert_eq!(notes.lines().last().unwrap().trim_end(), "two:", "the recheck starts from nothing");
    assert_eq!(found(&place, "three", "", true), ["three: one two"], "and leaves the caches as they are");
}
