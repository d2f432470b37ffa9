//! Evidence: the tests that a gate run reports, compared with those of the base. An exit status of 0 alone proves nothing.

use std::fs;
use std::path::{Path, PathBuf};

use paddock_testkit::{Sandbox, count, is};
use serde_json::Value;

use super::guards::guarded;

/// A runner that sources the product, runs each file in `tests`, and reports each in TAP.
const RUNNER: &str = "n=0; bad=0\n\
    . ./product.sh\n\
    for file in tests/*.sh; do\n\
      n=$((n + 1)); name=$(basename \"$file\" .sh)\n\
      if ( . \"./$file\" ); then echo \"ok $n - $name\"; else echo \"not ok $n - $name\"; bad=1; fi\n\
    done\n\
    echo \"1..$n\"\n\
    exit $bad\n";
const FILES: &[(&str, &str)] = &[
    ("run_all", RUNNER),
    ("product.sh", "add() { echo $(($1 + $2)); }\n"),
    ("tests/one.sh", "test \"$(add 1 2)\" = 3\n"),
    ("tests/two.sh", "test \"$(add 2 2)\" = 4\n"),
];
const SETTINGS: &str = "recovery: {max_retries: 0}\nqueue: {flaky_retries: 0}";

fn project(place: &Sandbox, gate: &str) -> PathBuf {
    guarded(place, FILES, &format!("{SETTINGS}\nverify: [{{name: tests, {gate}}}]"))
}

fn plain(place: &Sandbox) -> PathBuf {
    project(place, "run: sh run_all")
}

fn comparisons(events: &[Value]) -> Vec<String> {
    let found = events.iter().filter(|event| is(event, "tests_compared", "*"));
    found.map(|event| event["data"]["outcome"].as_str().unwrap().to_owned()).collect()
}

fn proof(place: &Sandbox, repository: &Path) -> Value {
    let note = place.git(repository, &["notes", "--ref=refs/notes/paddock", "show", "main"]);
    serde_json::from_str(&note).unwrap()
}

/// Lets the marks of an objective pass, as a person might, and returns all events.
fn marked(place: &Sandbox, objective: &str) -> Vec<Value> {
    place.idle(3);
    assert_eq!(place.status_of(objective)["reason"]["code"], "marked");
    place.good(&["objective", "approve", objective]);
    place.idle(3);
    place.events()
}

#[test]
fn a_product_that_ends_the_gate_with_success_is_sent_back_with_the_tests_that_did_not_run() {
    let place = Sandbox::new();
    plain(&place);
    place.objective("leaves", "commit product.sh 'exit 0'\nover", &["--scope", "product.sh"]);
    let events = place.idle(3);
    assert_eq!(count(&events, "landed", "*"), 0);
    // The gate has run on the base before. The candidate, the candidate without caches, and the base again:
    assert_eq!(count(&events, "gate_started", "*"), 3, "{}", place.good(&["explain", "leaves"]));
    assert!(comparisons(&events).iter().all(|outcome| outcome == "fewer_tests"), "{events:?}");
    let said = place.good(&["explain", "leaves"]);
    for words in ["one, two did not run", "printed no summary", "paddock objective approve leaves"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn failures_in_the_output_are_red_although_the_command_ended_with_0() {
    let place = Sandbox::new();
    plain(&place);
    let script = "commit product.sh \"add() { echo 3; }; trap 'exit 0' EXIT\"\nover";
    place.objective("traps", script, &["--scope", "product.sh"]);
    let events = marked(&place, "traps");
    assert_eq!(count(&events, "landed", "*"), 0);
    assert!(comparisons(&events).iter().all(|outcome| outcome == "red"), "{events:?}");
    assert!(
        place.good(&["explain", "traps"]).contains("two failed"),
        "{}",
        place.good(&["explain", "traps"])
    );
}

#[test]
fn a_landing_says_which_tests_ran_and_which_are_new() {
    let place = Sandbox::new();
    let repository = plain(&place);
    let script = "commit tests/three.sh 'test \"$(add 0 0)\" = 0'\nover";
    place.objective("more", script, &["--scope", "tests/three.sh"]);
    place.idle(0);
    let proof = proof(&place, &repository);
    let command = &proof["gate"]["commands"][0];
    let (tests, base) = (&command["tests"], &command["base_tests"]);
    assert_eq!((&tests["passed"], &tests["source"]), (&3.into(), &"runner".into()), "{proof}");
    assert_eq!(base["passed"], 2, "{proof}");
    assert!(tests["names_sha256"].as_str().is_some_and(|hash| hash.len() == 64), "{proof}");
    assert_ne!(tests["names_sha256"], base["names_sha256"]);
    assert!(proof.to_string().contains("three"), "the new test: {proof}");
    for words in [&["status"][..], &["report"], &["verify"]] {
        let said = place.good(words);
        assert!(said.contains('3') && said.contains("three"), "{words:?}: {said}");
    }
}

#[test]
fn tests_may_go_where_the_scope_names_them_and_a_person_is_asked_where_no_scope_says_so() {
    let place = Sandbox::new();
    let repository = plain(&place);
    let removed = "git rm -q tests/two.sh\ncommit product.sh 'add() { echo 3; }'\nover";
    place.objective("named", removed, &["--scope", "product.sh", "--scope", "tests/two.sh"]);
    let events = place.idle(0);
    assert_eq!(comparisons(&events), ["kept"]);
    let said = proof(&place, &repository).to_string();
    assert!(said.contains("tests/two.sh") && said.contains("-test"), "the removed lines: {said}");
    let report = place.good(&["report"]);
    assert!(report.contains("tests/two.sh"), "{report}");
}

#[test]
fn tests_whose_names_differ_between_two_runs_of_the_base_do_not_count() {
    let place = Sandbox::new();
    plain(&place);
    // The name of a test that a person allowed to vary: it holds the number of the process.
    let varying = "commit tests/three.sh true\nsed -i 's/ok $n - $name/ok $n - $name$(test \"$name\" = three \
                   \\&\\& echo $$)/' run_all\ngit commit -qam 'Vary a name'\nover";
    place.objective("vary", varying, &["--scope", "tests/three.sh", "--scope", "run_all"]);
    place.idle(0);
    place.objective("work", "commit other.txt\nover", &["--scope", "other.txt"]);
    let events = place.idle(0);
    assert_eq!(count(&events, "landed", "work"), 1);
    assert_eq!(comparisons(&events), ["fewer_tests", "fewer_tests", "kept"]);
}

#[test]
fn settings_refuse_a_gate_that_reports_no_tests_or_of_too_few() {
    let place = Sandbox::new();
    place.project("asks", &format!("{SETTINGS}\nverify: [{{name: tests, run: 'true', tests: required}}]"));
    place.objective("untold", "commit a.txt\nover", &["--scope", "a.txt"]);
    let events = place.idle(3);
    let reason = held(&events);
    assert!(reason.contains("target_red") && reason.contains("tests: required"), "{reason}");
    let place = Sandbox::new();
    let gate = "run: \"echo 1..1; echo ok 1 - a\", min_tests: 3";
    place.project("few", &format!("{SETTINGS}\nverify: [{{name: tests, {gate}}}]"));
    place.objective("few", "commit a.txt\nover", &["--scope", "a.txt"]);
    let reason = held(&place.idle(3));
    assert!(reason.contains("only 1 tests passed") && reason.contains("`min_tests` is 3"), "{reason}");
}

fn held(events: &[Value]) -> String {
    assert_eq!(count(events, "landed", "*"), 0);
    let held = events.iter().find(|event| is(event, "queue_held", "*")).unwrap();
    held["data"]["reason"].to_string()
}

#[test]
fn a_gate_that_reports_no_tests_is_green_by_its_exit_status_only() {
    let place = Sandbox::new();
    let repository = project(&place, "run: test -e README.md");
    place.objective("work", "commit a.txt\nover", &["--scope", "a.txt"]);
    place.idle(0);
    let proof = proof(&place, &repository);
    let command = &proof["gate"]["commands"][0];
    assert_eq!(
        (&command["verdict"], &command["tests"]["source"]),
        (&"green_exit_only".into(), &"exit".into())
    );
    for words in [&["status"][..], &["report"], &["queue", "list"], &["verify"]] {
        let said = place.good(words);
        assert!(said.contains("exit status only"), "{words:?}: {said}");
    }
    let (_, said) = place.outcome(&["doctor"]);
    assert!(said.contains("tests"), "{said}");
}

#[test]
fn a_report_of_the_command_counts_and_one_that_the_commit_holds_does_not() {
    let place = Sandbox::new();
    let write = "mkdir -p out; printf '<testsuite><testcase classname=\"a\" name=\"one\"/></testsuite>' > \
                 out/junit.xml";
    let gate = format!("run: {write:?}, report: 'junit:out/junit.xml'");
    let repository = guarded(
        &place,
        &[(".gitignore", "out/\n")],
        &format!("{SETTINGS}\nverify: [{{name: tests, {gate}}}]"),
    );
    place.objective("work", "commit a.txt\nover", &["--scope", "a.txt"]);
    place.idle(0);
    let tests = &proof(&place, &repository)["gate"]["commands"][0]["tests"];
    assert_eq!((&tests["passed"], &tests["source"]), (&1.into(), &"junit".into()), "{tests}");
    let forge = "mkdir -p out; printf '<testsuite><testcase name=\"two\"/></testsuite>' > out/junit.xml\n\
                 git add -f out/junit.xml; git commit -qm Forge\nover";
    place.objective("forge", forge, &["--scope", "out/**"]);
    let events = place.idle(3);
    assert_eq!(count(&events, "landed", "forge"), 0, "its report was not written by the command");
    assert!(!fs::read_to_string(repository.join("a.txt")).unwrap().is_empty());
}

#[test]
fn a_removal_that_no_scope_names_waits_for_a_person_who_may_let_it_land() {
    let place = Sandbox::new();
    let repository = plain(&place);
    let removed = "git rm -q tests/two.sh\ncommit product.sh 'add() { echo 3; }'\nover";
    place.objective("removes", removed, &["--scope", "**"]);
    let events = place.idle(3);
    assert_eq!(count(&events, "landed", "*"), 0);
    assert_eq!(count(&events, "session_planned", "*"), 1, "nothing is sent back to the agent");
    let status = place.status_of("removes");
    assert_eq!(status["reason"]["code"], "tests_removed", "{status}");
    assert!(status["reason"]["text"].to_string().contains("tests/two.sh"), "{status}");
    place.good(&["objective", "approve", "removes"]);
    assert_eq!(count(&place.idle(0), "landed", "removes"), 1);
    assert!(proof(&place, &repository)["approvals"][0].is_object());
}

#[test]
fn an_approval_covers_what_was_shown_and_no_test_that_goes_missing_later() {
    let place = Sandbox::new();
    plain(&place);
    // A mark: the line asks for the gate. A person who lets it pass has not seen that the tests do not run.
    let script = "commit product.sh 'test -z \"$PADDOCK_GATE\" || exit 0'\nover";
    place.objective("work", script, &["--scope", "product.sh"]);
    let events = marked(&place, "work");
    assert_eq!(count(&events, "landed", "*"), 0);
    assert_eq!(comparisons(&events).last().map(String::as_str), Some("fewer_tests"));
    // Now the person has.
    place.good(&["objective", "approve", "work"]);
    assert_eq!(count(&place.idle(0), "landed", "work"), 1);
}
