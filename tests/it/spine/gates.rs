//! The gate: a red branch is sent back with the output, and a branch whose gate could not run never lands.

use std::fs;

use paddock_testkit::{Sandbox, count, is, place_of};

#[test]
fn a_red_gate_leads_to_a_correction_that_reads_its_output_and_lands() {
    let place = Sandbox::new();
    let repository = place.project(
        "red",
        "verify: [{name: tests, run: 'echo the gate says $(cat value.txt); ! grep -q bad value.txt'}]",
    );
    let script = "case $PADDOCK_SESSION_KIND in work) commit value.txt bad ;; correction) commit value.txt good ;; esac\nover";
    place.objective("value", script, &[]);
    let events = place.idle(0);
    let prompt = fs::read_to_string(place.note("red.value.2.prompt")).unwrap();
    assert!(prompt.contains("the gate says bad") && prompt.contains("tests"), "{prompt}");
    assert!(place_of(&events, "gate_ended", "*") < place_of(&events, "landed", "value"));
    assert_eq!(count(&events, "landed", "value"), 1);
    let landed = &events[place_of(&events, "landed", "value")];
    assert_eq!(landed["data"]["verified"], true);
    assert_eq!(place.status_of("value")["landed"]["verified"], true);
    let tree = place.git(&repository, &["rev-parse", "main^{tree}"]);
    let trailer = "--format=%(trailers:key=Paddock-Verified,valueonly)";
    assert_eq!(place.git(&repository, &["log", "-1", trailer, "main"]), tree);
    place.is_tidy(&repository, 1);
}

#[test]
fn a_gate_that_cannot_run_holds_the_queue_until_it_is_mended_and_released() {
    let place = Sandbox::new();
    let repository = place.project("absent", "verify: [{name: tests, run: no-such-gate-program}]");
    place.objective("work", "commit work.txt\nover", &[]);
    let events = place.idle(3);
    assert_eq!(count(&events, "landed", "*"), 0);
    assert_eq!(count(&events, "session_planned", "*"), 1, "the branch is not to blame");
    let held = events.iter().find(|event| is(event, "queue_held", "*")).unwrap();
    assert_eq!(held["data"]["reason"]["code"], "not_evaluated", "{held}");
    let status = place.status_of("work");
    assert_eq!((&status["status"], &status["reason"]["code"]), (&"queued".into(), &"not_evaluated".into()));
    assert!(place.good(&["status"]).contains("queue release"));
    assert_eq!(place.git(&repository, &["log", "-1", "--format=%s", "main"]), "Begin");
    let file = place.project_file("absent");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("no-such-gate-program", "test -f work.txt")).unwrap();
    place.good(&["queue", "release"]);
    place.idle(0);
    assert_eq!(place.status_of("work")["landed"]["verified"], true);
    place.is_tidy(&repository, 1);
}

#[test]
fn a_worktree_begins_with_the_seed_that_the_last_landed_run_left() {
    let place = Sandbox::new();
    let repository = place.project(
        "seed",
        "worktree: {seed: [cache]}\ngate: {keep: [cache]}\n\
         verify: [{name: tests, run: 'mkdir -p cache; ls > cache/built'}]",
    );
    let record = place.path("workspace/runtime/gate-folders/seed/_gate-1/cache-base");
    let scripts = [
        ("a", "echo cache > .gitignore".to_owned()),
        // By now the run that landed `a` has left its caches, or is about to.
        ("b", format!("until test -e {}; do sleep 0.02; done", record.display())),
        ("c", "cp cache/built $NOTES/built; echo mine >> cache/built".to_owned()),
    ];
    let mut before: Vec<String> = Vec::new();
    let objectives = scripts.map(|(id, script)| {
        let after = std::mem::replace(&mut before, vec![id.to_owned()]);
        let script = format!("{script}\ncommit {id}.txt {id}\nover");
        (id.to_owned(), after, "{*.txt,.gitignore}".to_owned(), script)
    });
    place.plan(&objectives);
    place.idle(0);
    let built = fs::read_to_string(place.note("built")).unwrap();
    assert!(built.contains("a.txt") && !built.contains("c.txt"), "{built}");
    let files = place.git(&repository, &["ls-tree", "-r", "--name-only", "main"]);
    assert_eq!(files.lines().collect::<Vec<_>>(), [".gitignore", "README.md", "a.txt", "b.txt", "c.txt"]);
    place.is_tidy(&repository, 3);
}

#[test]
fn a_gate_worktree_keeps_the_ignored_folders_that_the_project_names() {
    let place = Sandbox::new();
    // Fails if an untracked file or an ignored folder of an earlier run is left; counts runs in the folder
    // that must be kept. Runs on the base begin without it, whenever they end.
    let run = "test ! -e stray.txt && test ! -e other || exit 1; touch stray.txt; mkdir -p cache other; \
               echo run >> cache/runs; grep -c run cache/runs >> $NOTES/counts";
    let settings =
        format!("verify: [{{name: tests, run: {run:?}}}]\nqueue: {{slots: 1}}\ngate: {{keep: [cache]}}");
    let repository = place.project("cache", &settings);
    fs::write(repository.join(".gitignore"), "cache/\nother/\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Ignore the cache"]);
    place.objective("one", "commit one.txt\nover", &[]);
    place.objective("two", "commit two.txt\nover", &["--depends-on", "one"]);
    place.idle(0);
    let counts = fs::read_to_string(place.note("counts")).unwrap();
    assert!(counts.lines().any(|runs| runs == "2"), "{counts}");
}

#[test]
fn without_a_gate_work_lands_marked_as_unverified() {
    let place = Sandbox::new();
    let repository = place.project("open", "verify: []");
    place.objective("work", "commit work.txt\nover", &[]);
    let events = place.idle(0);
    assert_eq!(events[place_of(&events, "landed", "work")]["data"]["verified"], false);
    assert_eq!(place.status_of("work")["landed"]["verified"], false);
    let message = place.git(&repository, &["log", "-1", "--format=%B", "main"]);
    assert!(!message.contains("Paddock-Verified"), "{message}");
    let shown = place.good(&["objective", "show", "work"]);
    assert!(shown.contains("unverified"), "{shown}");
    place.is_tidy(&repository, 1);
}
