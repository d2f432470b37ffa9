//! A branch is sent back only if it fails alone on a green base.

use std::fs;

use paddock_testkit::{Sandbox, count, is};

fn gate(run: &str) -> String {
    format!("verify: [{{name: tests, run: {run:?}}}]")
}

fn held_for(events: &[serde_json::Value]) -> String {
    let held = events.iter().rev().find(|event| is(event, "queue_held", "*")).unwrap();
    held["data"]["reason"]["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_gate_that_is_red_once_blames_no_branch_and_the_branch_lands() {
    let place = Sandbox::new();
    // Red at the first run with `work.txt`, green at the second.
    let run = "test ! -e work.txt || test -e $NOTES/again || { touch $NOTES/again; exit 1; }";
    let repository = place.project("flaky", &gate(run));
    place.objective("work", "commit work.txt\nover", &[]);
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "work"), count(&events, "flake_seen", "*")), (1, 1));
    // Two runs on the work, and one on the base, which shows the tests that are there.
    assert_eq!((count(&events, "session_planned", "*"), count(&events, "gate_ended", "*")), (1, 3));
    assert_eq!(place.status_of("work")["retries"], 0);
    place.is_tidy(&repository, 1);
}

#[test]
fn a_red_target_blames_nobody_and_holds_the_queue_until_it_is_mended() {
    let place = Sandbox::new();
    let repository = place.project("red", &gate("test ! -e broken.txt"));
    fs::write(repository.join("broken.txt"), "oh\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Break it"]);
    place.objective("work", "commit work.txt\nover", &[]);
    let events = place.idle(3);
    assert_eq!((count(&events, "landed", "*"), count(&events, "session_planned", "*")), (0, 1));
    assert_eq!(held_for(&events), "target_red");
    let status = place.status_of("work");
    assert_eq!((&status["status"], &status["reason"]["code"]), (&"queued".into(), &"target_red".into()));
    let said = status["reason"]["text"].as_str().unwrap();
    assert!(said.contains("red on main itself") && said.contains("tests"), "{said}");
    place.git(&repository, &["rm", "--quiet", "broken.txt"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Mend it"]);
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "work"), count(&events, "session_planned", "*")), (1, 0));
    assert_eq!(place.status_of("work")["retries"], 0);
}

/// Sessions continue while the queue is held, so an objective can mend the target branch: its own merge is
/// green on the red base. Without this a person would have to mend it.
#[test]
fn an_objective_that_mends_a_red_target_lands_when_put_first_and_the_others_follow() {
    let place = Sandbox::new();
    let repository = place.project("red", &gate("test ! -e broken.txt"));
    fs::write(repository.join("broken.txt"), "oh\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Break it"]);
    let work = ["work", "work.txt", "commit work.txt\nover"].map(str::to_owned);
    let [id, scope, script] = work;
    place.plan(&[(id, Vec::new(), scope, script)]);
    assert_eq!(held_for(&place.idle(3)), "target_red");
    let clears = place.status_of("work")["reason"]["clears"].as_str().unwrap().to_owned();
    assert!(clears.contains("objective prioritize"), "{clears}");
    place.objective("mend", "git rm -q broken.txt; git commit -q -m 'Mend it'\nover", &[]);
    // Without a scope it may change everything and waits for the queued entry, which waits for a person:
    // nothing can move. Its scope below ends that.
    assert_eq!(count(&place.idle(3), "session_planned", "*"), 0);
    assert_eq!(place.status_of("mend")["status"], "ready");
    place.good(&["objective", "edit", "mend", "--scope", "broken.txt"]);
    let events = place.idle(3);
    assert_eq!((count(&events, "session_planned", "mend"), count(&events, "landed", "*")), (1, 0));
    assert_eq!(place.status_of("mend")["status"], "queued");
    place.good(&["objective", "prioritize", "mend", "9"]);
    place.good(&["queue", "release"]);
    let events = place.idle(0);
    // They land one after the other or as one batch; both are green.
    assert_eq!((count(&events, "landed", "mend"), count(&events, "landed", "work")), (1, 1));
    assert_eq!(count(&events, "session_planned", "*"), 0, "no branch is sent back");
    for id in ["mend", "work"] {
        assert_eq!(place.status_of(id)["retries"], 0);
    }
    assert!(!repository.join("broken.txt").exists());
    let notices = &place.json(&["status", "--json"])["projects"][0]["reasons"];
    assert_eq!(notices, &serde_json::json!([]), "the notice of the red target is gone");
    place.good(&["verify"]);
}

#[test]
fn a_gate_that_cannot_run_anywhere_holds_the_queue_and_is_not_repeated_for_ever() {
    for (name, run) in [("absent", "exit 127"), ("crash", "kill -s SEGV $$"), ("shell", "exit 139")] {
        let place = Sandbox::new();
        place.project(name, &gate(run));
        place.objective("work", "commit work.txt\nover", &[]);
        let events = place.idle(3);
        assert_eq!((count(&events, "landed", "*"), count(&events, "session_planned", "*")), (0, 1), "{run}");
        assert_eq!(
            count(&events, "gate_started", "*"),
            3,
            "{run}: the gate runs twice on the branch, then on the base"
        );
        assert_eq!(held_for(&events), "not_evaluated", "{run}");
        let events = place.idle(3);
        assert_eq!(count(&events, "gate_started", "*"), 0, "{run}: the queue waits for a person");
    }
}

#[test]
fn a_gate_that_crashes_only_with_a_branch_sends_that_branch_back() {
    for (name, crash, reported) in [("shell", "exit 139", "139"), ("crash", "kill -s SEGV $$", "signal 11")] {
        let place = Sandbox::new();
        let repository = place.project(name, &gate(&format!("test ! -e bomb.txt || {crash}")));
        let script = "case $PADDOCK_SESSION_KIND in work) commit bomb.txt ;; *) git rm -q bomb.txt; commit fine.txt ;; esac\nover";
        place.objective("work", script, &[]);
        let events = place.idle(0);
        assert_eq!((count(&events, "landed", "work"), count(&events, "session_planned", "*")), (1, 2));
        assert_eq!(
            count(&events, "gate_started", "*"),
            4,
            "twice on the branch, on the base, and on the mended branch"
        );
        let prompt = fs::read_to_string(place.note(&format!("{name}.work.2.prompt"))).unwrap();
        assert!(prompt.contains(reported), "{prompt}");
        place.is_tidy(&repository, 1);
    }
}
