//! `objective retry`, `approve` and `reject`.

use std::fs;

use paddock_testkit::{Sandbox, count, place_of};

const ASKS: &str = r#"if grep -q 'use the f[a]ke one' "$PADDOCK_PROMPT_FILE"; then commit fake.txt; over; else over blocked; fi"#;

#[test]
fn the_note_of_a_retry_reaches_the_agent_once() {
    let place = Sandbox::new();
    let repository = place.project("note", "");
    place.objective("asks", ASKS, &[]);
    place.idle(3);
    let reason = place.status_of("asks")["reason"].clone();
    assert_eq!(reason["code"], "agent_blocked");
    assert!(reason["clears"].as_str().unwrap().contains("paddock objective retry asks"), "{reason}");
    let said = place.good(&["objective", "retry", "asks", "--note", "no database: use the fake one"]);
    assert!(said.contains("ready for a follow-up session") && said.contains("note"), "{said}");
    assert_eq!(place.status_of("asks")["status"], "ready");
    let events = place.idle(0);
    assert_eq!(count(&events, "landed", "asks"), 1);
    let prompt = fs::read_to_string(place.note("note.asks.2.prompt")).unwrap();
    assert_eq!(
        prompt.matches("no database: use the fake one").count(),
        2,
        "the prompt has the note as feedback, and in the history: {prompt}"
    );
    assert!(place.refused(&["objective", "retry", "asks"], 1).contains("done, which is final"));
    place.is_tidy(&repository, 1);
}

#[test]
fn a_retry_resets_recovery_and_its_bounds_count_from_there() {
    let place = Sandbox::new();
    place.project("bound", "recovery: {max_retries: 0, max_sessions: 1}");
    place.objective("fails", "exit 1", &[]);
    place.idle(3);
    place.good(&["objective", "retry", "fails"]);
    place.idle(3);
    let status = place.status_of("fails");
    assert_eq!(status["sessions"].as_array().unwrap().len(), 2, "one more session, not none and not many");
    assert_eq!(status["status"], "needs_review");
}

#[test]
fn an_approved_objective_lands_in_spite_of_its_scope_and_the_event_keeps_the_note() {
    let place = Sandbox::new();
    let repository = place.project("scope", "recovery: {max_retries: 0, expand: []}");
    place.objective("wide", "commit other.txt\nover", &["--scope", "src/**"]);
    place.idle(3);
    assert_eq!(place.status_of("wide")["status"], "needs_review");
    let said = place.good(&["objective", "approve", "wide", "--note", "it is wanted there"]);
    assert!(said.contains("in spite of") && said.contains("the gate still holds"), "{said}");
    assert!(place.refused(&["objective", "approve", "wide"], 1).contains("in the merge queue already"));
    let events = place.idle(0);
    assert_eq!(count(&events, "landed", "wide"), 1);
    let all = place.good(&["events", "--json", "--type", "objective_approved"]);
    assert!(all.contains("it is wanted there") && all.contains("out_of_scope"), "{all}");
    place.is_tidy(&repository, 1);
}

#[test]
fn a_persons_commit_before_the_approval_is_approved_too() {
    a_persons_commit_is_approved_too("worktree");
}

#[test]
fn a_persons_commit_in_an_own_place_before_the_approval_is_approved_too() {
    a_persons_commit_is_approved_too("own");
}

fn a_persons_commit_is_approved_too(workplace: &str) {
    let place = Sandbox::new();
    let lines = format!("recovery: {{max_retries: 0, expand: []}}\nworkplace: {workplace}");
    let repository = place.project("mended", &lines);
    place.objective("half", "commit other.txt\nover", &["--scope", "src/**"]);
    place.idle(3);
    let worktree = place.status_of("half")["worktree"].as_str().unwrap().to_owned();
    let worktree = std::path::Path::new(&worktree);
    fs::write(worktree.join("by-hand.txt"), "mended\n").unwrap();
    place.git(worktree, &["add", "--all"]);
    place.git(worktree, &["commit", "--quiet", "--message", "Mend it by hand"]);
    place.good(&["objective", "approve", "half"]);
    place.idle(0);
    assert_eq!(place.git(&repository, &["show", "main:by-hand.txt"]), "mended");
    place.is_tidy(&repository, 1);
}

#[test]
fn an_objective_without_a_commit_cannot_be_approved() {
    let place = Sandbox::new();
    place.project("empty", "");
    place.objective("idle", "over blocked", &[]);
    assert!(place.refused(&["objective", "approve", "idle"], 1).contains("only what needs review"));
    place.idle(3);
    let said = place.refused(&["objective", "approve", "idle"], 1);
    assert!(said.contains("no commit to land") && said.contains("skip idle"), "{said}");
}

#[test]
fn a_rejected_objective_is_sent_back_with_the_note_or_has_failed_for_good() {
    let place = Sandbox::new();
    let repository = place.project("reject", "recovery: {max_retries: 0, expand: []}");
    let script = "case $PADDOCK_SESSION_KIND in correction) git rm -q other.txt; mkdir src; commit src/a.txt ;; *) commit other.txt ;; esac\nover";
    place.objective("back", script, &["--scope", "src/**"]);
    place.objective("gone", "over blocked", &[]);
    place.objective("after", "commit after.txt\nover", &["--depends-on", "gone", "--scope", "after.txt"]);
    place.idle(3);
    assert!(place.refused(&["objective", "reject", "back", "--note", " "], 1).contains("--note TEXT"));
    place.good(&["objective", "reject", "back", "--note", "it belongs into src"]);
    place.good(&["objective", "reject", "gone", "--note", "not worth it", "--final"]);
    let events = place.idle(4);
    assert_eq!(count(&events, "landed", "back"), 1);
    let prompts = fs::read_dir(place.path("notes")).unwrap().flatten().map(|entry| entry.path());
    let with_note = prompts.filter(|path| fs::read_to_string(path).unwrap().contains("it belongs into src"));
    assert_eq!(with_note.count(), 1, "only the correction session has the note in its prompt");
    let gone = place.status_of("gone");
    assert_eq!(gone["status"], "failed");
    assert!(gone["reason"]["text"].as_str().unwrap().contains("not worth it"), "{gone}");
    assert_eq!(place.status_of("after")["reason"]["code"], "blocked_by");
    assert!(place_of(&events, "session_planned", "back") < place_of(&events, "landed", "back"));
    assert_eq!(place.git(&repository, &["ls-tree", "--name-only", "main"]), "README.md\nsrc");
}
