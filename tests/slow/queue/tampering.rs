//! Branches that delete, skip or weaken tests, or change files that the gate runs.

use std::fs;
use std::path::{Path, PathBuf};

use paddock_testkit::{Sandbox, count, is};
use serde_json::Value;

use super::guards;

/// Makes a project whose gate runs `check.sh`, which runs every file in `tests/`.
fn guarded(place: &Sandbox, settings: &str) -> PathBuf {
    let more = format!("recovery: {{max_retries: 1}}\n{settings}");
    let verify = "verify: [{name: tests, run: 'sh check.sh'}]\n";
    let files = [
        ("check.sh", "set -e\nfor file in tests/*; do sh \"$file\"; done\n"),
        ("tests/value.sh", "set -e\ngrep -q good value.txt && test -s value.txt\n"),
        ("value.txt", "good\n"),
    ];
    guards::guarded(place, &files, &format!("{verify}{more}"))
}

fn finding(events: &[Value]) -> String {
    let ended = events.iter().find(|event| is(event, "session_ended", "work")).unwrap();
    ended["data"]["harvest"]["findings"].to_string()
}

fn is_untouched(place: &Sandbox, repository: &Path) {
    assert_eq!(place.git(repository, &["log", "-1", "--format=%s", "main"]), "The gate");
    assert_eq!(place.status_of("work")["status"], "needs_review");
}

#[test]
fn a_deleted_test_sends_the_branch_back_and_then_to_a_person() {
    let place = Sandbox::new();
    let repository = guarded(&place, "");
    let script = "git rm -q tests/value.sh || true\ncommit value.txt broken\nover";
    place.objective("work", script, &[]);
    let events = place.idle(3);
    assert_eq!((count(&events, "landed", "*"), count(&events, "session_planned", "*")), (0, 2));
    let found = finding(&events);
    assert!(found.contains("tampered") && found.contains("tests/value.sh was deleted"), "{found}");
    let prompt = fs::read_to_string(place.note("guard.work.2.prompt")).unwrap();
    assert!(prompt.contains("tests/value.sh was deleted"), "{prompt}");
    is_untouched(&place, &repository);
}

#[test]
fn a_person_can_allow_changes_to_tests_by_the_scope_and_recovery_cannot() {
    let place = Sandbox::new();
    let repository = guarded(&place, "");
    let script = "git rm -q tests/value.sh || true\ncommit value.txt broken\ncommit tests/new.sh true\nover";
    place.objective("work", script, &["--scope", "value.txt"]);
    place.idle(3);
    is_untouched(&place, &repository);
    place.good(&["objective", "cancel", "work"]);
    place.objective("named", script, &["--scope", "value.txt,tests/**"]);
    let mut supervisor = place.supervisor(&["--until-idle"]);
    supervisor.wait("landed", "named");
    supervisor.end();
}

#[test]
fn a_changed_gate_script_is_found() {
    let place = Sandbox::new();
    let repository = guarded(&place, "");
    let script = "commit check.sh 'exit 0'\ncommit value.txt broken\nover";
    place.objective("work", script, &[]);
    let events = place.idle(3);
    let found = finding(&events);
    assert!(found.contains("check.sh, which the gate runs, was changed"), "{found}");
    is_untouched(&place, &repository);
}

#[test]
fn adding_tests_needs_no_guard() {
    let place = Sandbox::new();
    guarded(&place, "");
    let script = "commit tests/new.sh 'grep -q good value.txt'\nprintf 'test -e new.txt\\n' >> tests/value.sh\n\
                  commit new.txt\nover";
    place.objective("work", script, &[]);
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "work"), count(&events, "guard_asked", "*")), (1, 0));
}

#[test]
fn a_test_adapted_to_the_work_is_run_in_its_original_form() {
    let place = Sandbox::new();
    let repository = guarded(&place, "queue: {flaky_retries: 0}\n");
    let script = "echo 'grep -q bad value.txt' > tests/value.sh\ncommit value.txt bad\nover";
    place.objective("work", script, &[]);
    let events = place.idle(3);
    let purposes: Vec<&Value> = events
        .iter()
        .filter(|event| is(event, "gate_started", "*"))
        .map(|event| &event["data"]["purpose"])
        .collect();
    assert!(purposes.iter().any(|purpose| purpose.get("tamper").is_some()), "{purposes:?}");
    assert_eq!(count(&events, "landed", "*"), 0);
    let prompt = fs::read_to_string(place.note("guard.work.2.prompt")).unwrap();
    assert!(prompt.contains("original tests"), "{prompt}");
    is_untouched(&place, &repository);
}

#[test]
fn a_changed_test_lands_if_the_original_still_passes() {
    let place = Sandbox::new();
    guarded(&place, "");
    let script = "echo 'grep -q go value.txt' > tests/value.sh\ncommit other.txt\nover";
    place.objective("work", script, &[]);
    let events = place.idle(0);
    assert_eq!((count(&events, "guard_passed", "*"), count(&events, "landed", "work")), (1, 1));
}
