//! Gates that hang, run no test, or are killed, and the gate on the user's own commits.

use std::fs;

use paddock_testkit::{Sandbox, count, is};

#[test]
fn a_gate_that_hangs_on_the_base_too_is_stopped_at_its_limit_and_gives_no_verdict() {
    let place = Sandbox::new();
    let verify = "verify: [{name: tests, run: 'sleep 600', timeout_minutes: 0.02}]";
    place.project("hang", verify);
    place.objective("work", "commit work.txt\nover", &[]);
    let events = place.idle(3);
    assert_eq!(count(&events, "landed", "*"), 0);
    let held = events.iter().find(|event| is(event, "queue_held", "*")).unwrap();
    assert_eq!(held["data"]["reason"]["code"], "not_evaluated", "{held}");
    assert!(held.to_string().contains("timed out"), "{held}");
    assert_eq!(place.status_of("work")["status"], "queued");
}

#[test]
fn a_branch_that_makes_the_gate_hang_is_sent_back() {
    let place = Sandbox::new();
    let run = "test ! -e hang || sleep 600";
    let settings = format!("verify: [{{name: tests, run: {run:?}, timeout_minutes: 0.03}}]");
    place.project("hangs", &settings);
    let script =
        "case $PADDOCK_SESSION_KIND in work) commit hang ;; *) git rm -q hang; commit ok ;; esac\nover";
    place.objective("work", script, &[]);
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "work"), count(&events, "session_planned", "work")), (1, 2));
    let prompt = fs::read_to_string(place.note("hangs.work.2.prompt")).unwrap();
    assert!(prompt.contains("timed out"), "{prompt}");
}

#[test]
fn a_gate_in_which_no_test_ran_is_not_green() {
    let place = Sandbox::new();
    let run = "test -e none && echo '===== no tests ran in 0.01s =====' || echo '== 3 passed in 0.01s =='";
    let settings = format!("verify: [{{name: tests, run: {run:?}}}]\nqueue: {{flaky_retries: 0}}");
    place.project("none", &settings);
    let script =
        "case $PADDOCK_SESSION_KIND in work) commit none ;; *) git rm -q none; commit ok ;; esac\nover";
    place.objective("work", script, &[]);
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "work"), count(&events, "session_planned", "work")), (1, 2));
    let prompt = fs::read_to_string(place.note("none.work.2.prompt")).unwrap();
    assert!(prompt.contains("no test ran"), "{prompt}");
}

#[test]
fn the_users_own_commits_are_gated_and_marked() {
    let place = Sandbox::new();
    let repository = place.project("users", "verify: [{name: tests, run: 'test ! -e broken.txt'}]");
    place.idle(0);
    fs::write(repository.join("broken.txt"), "x\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Mine"]);
    let events = place.idle(3);
    let judged = events.iter().find(|event| is(event, "external_judged", "*")).unwrap();
    assert_eq!(judged["data"]["verdict"], "red", "{judged}");
    let verified = place.good(&["verify"]);
    assert!(verified.contains("external") && verified.contains(": red"), "{verified}");
    assert!(place.good(&["queue", "list"]).contains("red on your own commits"));
}

#[test]
fn a_gate_that_is_killed_is_tried_again_and_lands() {
    let place = Sandbox::new();
    let run = "test -e $HOME/was-killed || { touch $HOME/was-killed; kill -9 $$; }";
    place.project("killed", &format!("verify: [{{name: tests, run: {run:?}}}]"));
    place.objective("work", "commit work.txt\nover", &[]);
    let events = place.idle(0);
    // Two runs of the candidate or the base, of which one was killed, and one of the other.
    assert_eq!((count(&events, "landed", "work"), count(&events, "gate_started", "*")), (1, 3));
    assert_eq!(count(&events, "session_planned", "*"), 1, "no branch is blamed");
}
