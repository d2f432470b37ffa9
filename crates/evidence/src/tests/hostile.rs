//! Output of any kind: nothing panics, and what is kept has a bound.

use proptest::prelude::*;

use super::{plain, read};
use crate::{Report, clue, compare, normalised, read_junit};

/// Parts of lines that readers look for, so that random lines reach them.
const PARTS: [&str; 64] = [
    "ok ",
    "not ok ",
    "1..",
    "# Subtest: ",
    "    ",
    "  ",
    " - ",
    " # SKIP",
    " # TODO x",
    " {",
    "}",
    "TAP version 13",
    "test ",
    " ... ",
    "ok",
    "FAILED",
    "running 3 tests",
    "test result: ok. ",
    "3 passed; ",
    "1 failed; ",
    "PASS [ 0.1s] ",
    "Starting 2 tests across ",
    "Summary [ 0.1s] 2 tests run: ",
    "a.py::test_x",
    " PASSED",
    "[ 50%]",
    "[gw0] ",
    "collected 3 items",
    "===== ",
    " in 0.10s",
    "Ran 3 tests in 0.1s",
    "OK",
    "FAILED (failures=",
    "2)",
    " (a.B.test_x)",
    "✓ ",
    "✔ ",
    "✖ ",
    "▶ ",
    "❯ ",
    "ℹ tests 3",
    "ℹ duration_ms 1",
    "(1.2ms)",
    "PASS src/a.test.js",
    "Tests: ",
    "Test Files  1 passed (1)",
    "2 passing (1ms)",
    "1 failing",
    "--- PASS: TestX (0.00s)",
    "ok  \tx\t0.1s",
    "1/3 Test #1: a ....",
    "   Passed",
    "***Failed",
    "100% tests passed, 0 tests failed out of 3",
    "t/a.t .. ",
    "Files=1, Tests=2",
    "Result: PASS",
    "Tests run: 3, Failures: 1",
    "{\"Action\":\"pass\",\"Package\":\"p\"}",
    "99999999999999999999",
    "18446744073709551615",
    "ä…",
    "\u{0}",
    "[",
];

fn line() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        6 => proptest::sample::select(PARTS.to_vec()).prop_map(str::to_owned),
        1 => "[ -~]{0,12}",
        1 => "\\PC{0,6}",
    ];
    proptest::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_output_is_read_the_same_way_twice(lines in proptest::collection::vec(line(), 0..40)) {
        let text = lines.join("\n");
        let report = read(&text);
        prop_assert_eq!(&report, &read(&text));
        let stored = Report::from_bytes(&report.to_bytes().unwrap()).unwrap();
        prop_assert_eq!(&stored, &report);
        let difference = compare(std::slice::from_ref(&report), &stored);
        prop_assert!(difference.is_harmless(), "{:?}", difference);
        let _ = (report.summary(), report.nothing_ran(), compare(&[], &report));
        for name in report.runners.values().flat_map(|ran| ran.tests.keys()) {
            let _ = clue(name);
        }
    }

    #[test]
    fn any_text_is_refused_or_read_as_a_junit_report(text in "(<testsuites?|<testcase name=\"|\\PC|\"/?>|</testsuite>|<failure/>){0,30}") {
        let _ = read_junit(text.as_bytes());
        let _ = (plain(&text), clue(&text));
        prop_assert!(normalised(&text).len() <= 512);
    }
}

#[test]
fn names_beyond_the_bound_are_only_counted() {
    let names = 200_001;
    let lines: String = (0..names).map(|number| format!("ok {number} - t{number}\n")).collect();
    let report = read(&format!("1..{names}\n{lines}"));
    assert_eq!(report.names_len(), 0);
    assert_eq!(report.summary().passed, 200_000, "of the tests that could be named");
}
