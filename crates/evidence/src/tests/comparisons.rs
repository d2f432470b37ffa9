//! Comparisons of a candidate with its base, in what runners print.

use std::path::Path;

use paddock_model::evidence::GoneHow;

use super::{plain, read};
use crate::{Difference, Report, compare, read_junit};

fn recording(path: &str) -> Report {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    read(&plain(&std::fs::read_to_string(root.join(path)).unwrap()))
}

fn pytest(tests: &[(&str, &str)]) -> Report {
    let lines: String =
        tests.iter().map(|(name, end)| format!("tests/test_a.py::{name} {end} [ 50%]\n")).collect();
    let count = |word| tests.iter().filter(|(_, end)| *end == word).count();
    read(&format!(
        "==== test session starts ====\ncollected {} items\n\n{lines}\n==== {} passed, {} skipped in 0.10s ====\n",
        tests.len(),
        count("PASSED"),
        count("SKIPPED"),
    ))
}

#[test]
fn two_runs_of_the_same_tests_do_not_differ() {
    for path in
        ["pytest/verbose.txt", "cargo/plain.txt", "node/spec.txt", "jest/default.txt", "prove/verbose.txt"]
    {
        let report = recording(path);
        let difference = compare(&[report.clone(), report.clone()], &report);
        assert_eq!(difference, Difference::default(), "{path}");
        assert!(difference.is_harmless());
    }
}

#[test]
fn a_test_that_is_missing_skipped_or_new_is_named() {
    let base = pytest(&[("test_a", "PASSED"), ("test_b", "PASSED"), ("test_c", "SKIPPED")]);
    let candidate = pytest(&[("test_b", "SKIPPED"), ("test_c", "SKIPPED"), ("test_d", "PASSED")]);
    let difference = compare(&[base], &candidate);
    let gone = [
        ("tests/test_a.py::test_a".to_owned(), GoneHow::Missing),
        ("tests/test_a.py::test_b".to_owned(), GoneHow::Skipped),
    ];
    assert_eq!(difference.gone, gone);
    assert_eq!(difference.added, ["tests/test_a.py::test_d"]);
    assert_eq!((difference.fewer, difference.failures), (0, 0));
    assert!(!difference.is_harmless());
}

#[test]
fn what_differs_between_two_runs_of_the_base_does_not_count() {
    let first = pytest(&[("test_a", "PASSED"), ("test_b[17]", "PASSED"), ("test_c", "PASSED")]);
    let second = pytest(&[("test_a", "PASSED"), ("test_b[18]", "PASSED"), ("test_c", "SKIPPED")]);
    let candidate = pytest(&[("test_a", "PASSED"), ("test_b[19]", "PASSED"), ("test_c", "SKIPPED")]);
    assert_eq!(compare(&[first, second], &candidate).gone, []);
}

#[test]
fn a_test_of_the_same_name_elsewhere_has_moved() {
    let base = pytest(&[("test_a", "PASSED"), ("test_b", "PASSED")]);
    let candidate = pytest(&[("TestX::test_a", "PASSED"), ("test_b", "PASSED")]);
    let difference = compare(&[base], &candidate);
    let moved = ("tests/test_a.py::test_a".to_owned(), "tests/test_a.py::TestX::test_a".to_owned());
    assert_eq!(difference.moved, [moved]);
    assert!(difference.gone.is_empty() && difference.added.is_empty());
}

#[test]
fn a_runner_that_ends_early_is_silent() {
    let bases = [recording("unittest/plain.txt")];
    assert_eq!(compare(&bases, &recording("unittest/left_early.txt")).silent, ["unittest"]);
    // Runners that say what is to come need no base.
    for (path, runner) in [
        ("pytest/left_early.txt", "pytest"),
        ("pytest/exit_called.txt", "pytest"),
        ("cargo/left_early.txt", "cargo test"),
        ("unittest/left_early_verbose.txt", "unittest"),
        ("prove/left_early_alone.txt", "TAP"),
        ("jest/left_early.txt", "jest"),
    ] {
        assert_eq!(compare(&[], &recording(path)).silent, [runner], "{path}");
    }
}

#[test]
fn a_file_of_node_that_ends_early_takes_its_tests_with_it() {
    let base = read(
        "TAP version 13\n# Subtest: first\nok 1 - first\n# Subtest: third\nok 2 - third\n1..2\n# tests 2\n# suites 0\n# pass 2\n# fail 0\n# duration_ms 4\n",
    );
    let candidate = read(
        "TAP version 13\n# Subtest: /home/me/test/c.test.js\nok 1 - /home/me/test/c.test.js\n1..1\n# tests 1\n# suites 0\n# pass 1\n# fail 0\n# duration_ms 4\n",
    );
    let gone = compare(&[base], &candidate).gone;
    assert_eq!(gone.len(), 2, "{gone:?}");
}

#[test]
fn failures_count_although_the_command_ended_with_0() {
    let cases = [
        ("pytest/failed_with_0.txt", 1),
        ("vitest/left_early.txt", 1),
        ("unittest/failing.txt", 3),
        ("node/failing_tap.txt", 1),
        ("mocha/failing.txt", 1),
    ];
    for (path, failures) in cases {
        assert_eq!(compare(&[], &recording(path)).failures, failures, "{path}");
        // A tool that tests a test runner shows the same failures on the base.
        assert_eq!(compare(&[recording(path)], &recording(path)).failures, 0, "{path}");
    }
    let patched = "F.\n=====\nFAIL: test_add (test_app.A.test_add)\n-----\nTraceback\n\n-----\nRan 2 tests in 0.001s\n\nOK\n";
    assert_eq!(compare(&[], &read(patched)).failures, 1);
    for line in [
        "FAILED (failures=2)",
        "2 failed in 0.10s",
        "not ok 1 - adds",
        "--- FAIL: TestAdd (0.00s)",
        "FAIL: adds",
    ] {
        assert!(compare(&[], &read(line)).failures > 0, "{line}");
    }
}

#[test]
fn where_only_counts_are_known_fewer_tests_show() {
    let base = read("===== 5 passed in 0.10s =====");
    assert_eq!(
        compare(std::slice::from_ref(&base), &read("===== 3 passed, 2 skipped in 0.10s =====")).fewer,
        2
    );
    assert_eq!(compare(std::slice::from_ref(&base), &read("===== 6 passed in 0.10s =====")).fewer, 0);
    assert_eq!(compare(&[base], &read("")).silent, ["pytest"]);
}

#[test]
fn a_forged_summary_does_not_make_up_for_names() {
    let base = recording("cargo/plain.txt");
    let forged = read(
        "running 1 test\ntest prints ... ok\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\ntest result: ok. 9 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
    );
    assert_eq!(compare(std::slice::from_ref(&base), &forged).gone.len(), 5);
    let nameless = read(
        "test result: ok. 9 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
    );
    assert_eq!(compare(&[base], &nameless).nameless, ["cargo test"]);
}

#[test]
fn a_junit_report_that_vanishes_or_loses_a_test_is_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pytest");
    let text = std::fs::read_to_string(root.join("junit.xml")).unwrap();
    let output = recording("pytest/junit_output.txt");
    let with = |text: &str| {
        let mut report = output.clone();
        report.merge(read_junit(text.as_bytes()).unwrap());
        report
    };
    let base = with(&text);
    assert_eq!(base.summary().passed, 5);
    assert_eq!(compare(std::slice::from_ref(&base), &output).silent, ["JUnit"]);
    let fewer = text.replacen("name=\"test_one\"", "name=\"test_two\"", 1);
    let difference = compare(&[base], &with(&fewer));
    assert_eq!(difference.gone, [("tests.test_a::test_one".to_owned(), GoneHow::Missing)]);
    assert_eq!(difference.fewer, 0);
}

#[test]
fn a_forged_summary_without_progress_does_not_count() {
    for (base, forged) in [
        ("unittest/plain.txt", "Ran 4 tests in 0.000s\n\nOK (skipped=1)\n"),
        ("pytest/quiet.txt", "5 passed, 1 skipped, 1 xfailed in 0.02s\n"),
        (
            "pytest/plain.txt",
            "==== test session starts ====\nrootdir: x\n==== 5 passed, 1 skipped in 0.02s ====\n",
        ),
        ("jest/default.txt", "Test Suites: 2 passed, 2 total\nTests:       2 skipped, 4 passed, 6 total\n"),
        ("vitest/default.txt", "      Tests  5 passed | 2 skipped (7)\n"),
        ("prove/plain.txt", "All tests successful.\nFiles=3, Tests=7\nResult: PASS\n"),
        (
            "cargo/quiet.txt",
            "test result: ok. 6 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.07s\n",
        ),
    ] {
        let base = recording(base);
        assert_eq!(compare(std::slice::from_ref(&base), &base), Difference::default());
        let difference = compare(std::slice::from_ref(&base), &read(forged));
        assert_eq!(difference.silent.len(), 1, "{forged}: {difference:?}");
    }
    // Beside a real summary with fewer tests it adds nothing.
    let base = recording("unittest/plain.txt");
    let both = read("Ran 3 tests in 0.0s\n\nOK\n..\n----\nRan 2 tests in 0.0s\n\nOK\n");
    assert_eq!(compare(&[base], &both).fewer, 1);
}

#[test]
fn tests_of_one_name_have_the_same_numbers_in_any_order() {
    let end = "1..4\n";
    let lines = ["ok - same\n", "ok - same # SKIP\n", "not ok - same\n", "ok - same\n"];
    let expected = read(&(lines.concat() + end)).runners["TAP"].tests.clone();
    assert_eq!(expected.len(), 4);
    for turn in 1..lines.len() {
        let (first, second) = lines.split_at(turn);
        let found = read(&([second, first].concat().concat() + end));
        assert_eq!(found.runners["TAP"].tests, expected);
    }
}
