//! Code that looks as if it was written for the gate: a person decides, and the proof says so.

use paddock_testkit::{Sandbox, count};
use serde_json::Value;

const ASKS: &str =
    "printf 'import sys\\nif \"pytest\" in sys.modules:\\n    x = 1\\n' > calc.py\ncommit other.txt\nover";

#[test]
fn marked_code_waits_for_a_person_costs_no_retry_and_lands_with_its_marks_in_the_proof() {
    let place = Sandbox::new();
    let repository = place.project("marked", "verify: [{name: tests, run: 'test -e README.md'}]");
    place.objective("work", ASKS, &[]);
    let events = place.idle(3);
    assert_eq!((count(&events, "marks_found", "work"), count(&events, "queue_entered", "*")), (1, 0));
    let status = place.status_of("work");
    assert_eq!((&status["status"], &status["retries"]), (&"needs_review".into(), &0.into()));
    assert_eq!(status["reason"]["code"], "marked");
    let text = status["reason"]["text"].as_str().unwrap();
    for part in ["calc.py:2 asks whether it is being tested", "paddock objective approve work", "--note TEXT"]
    {
        assert!(text.contains(part), "{text}");
    }
    let shown = place.good(&["objective", "show", "work"]);
    assert!(shown.contains("calc.py:2 asks whether it is being tested"), "{shown}");
    place.good(&["objective", "approve", "work"]);
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "work"), count(&events, "session_planned", "*")), (1, 0));
    let note = place.git(&repository, &["notes", "--ref=paddock", "show", "main"]);
    let proof: Value = serde_json::from_str(&note).unwrap();
    let mark = &proof["marks"][0];
    assert_eq!((&mark["objective"], &mark["path"]), (&"work".into(), &"calc.py".into()));
    assert_eq!((&mark["line"], &mark["kind"]), (&2.into(), &"asks_for_tests".into()));
    assert_eq!(proof["approvals"][0]["head"], proof["heads"][0]);
}

#[test]
fn without_a_gate_nobody_is_asked() {
    let place = Sandbox::new();
    place.project("free", "verify: []");
    place.objective("work", ASKS, &[]);
    let events = place.idle(0);
    assert_eq!(count(&events, "landed", "work"), 1);
}

#[test]
fn a_run_of_the_isolated_command_settles_a_mark_that_ignores_a_failure() {
    let place = Sandbox::new();
    let settings = "verify: [{name: tests, run: 'sh check.sh', isolated: true}, {name: other, run: 'true'}]";
    let repository = place.project("isolated", settings);
    for (name, text) in [("check.sh", "sh tests/value.sh\n"), ("value.txt", "good\n")] {
        std::fs::write(repository.join(name), text).unwrap();
    }
    std::fs::create_dir(repository.join("tests")).unwrap();
    std::fs::write(repository.join("tests/value.sh"), "grep -q good value.txt\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "The gate"]);
    let script = "printf 'make docs || true\\n' > build.sh\necho 'test -e build.sh' >> tests/value.sh\n\
                  commit other.txt\nover";
    place.objective("work", script, &[]);
    let events = place.idle(0);
    assert_eq!((count(&events, "guard_passed", "*"), count(&events, "landed", "work")), (1, 1));
    let asked = events.iter().find(|event| event["type"] == "guard_asked").unwrap();
    // Tests that were only added to are isolated, too, and so is the marked script.
    assert_eq!(asked["data"]["paths"], serde_json::json!(["build.sh", "tests/value.sh"]));
    let note = place.git(&repository, &["notes", "--ref=paddock", "show", "main"]);
    let proof: Value = serde_json::from_str(&note).unwrap();
    assert_eq!(proof["marks"][0]["kind"], "ignores_failure", "{note}");
    let isolated: Vec<bool> = proof["gate"]["commands"]
        .as_array()
        .unwrap()
        .iter()
        .map(|command| command["isolated"].as_bool().unwrap())
        .collect();
    assert_eq!(isolated, [true, false], "{note}");
}
