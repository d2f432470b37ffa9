//! Summaries of common runners, and runs in which no test ran.

fn none(output: &str) -> Option<String> {
    super::read(output).nothing_ran().map(str::to_owned)
}

#[test]
fn each_common_runner_is_understood_when_it_ran_no_test() {
    let cases = [
        (
            "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "cargo test",
        ),
        (
            "test result: ok. 0 passed; 0 failed; 4 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "cargo test",
        ),
        ("     Summary [   0.001s] 0 tests run: 0 passed, 3 skipped", "cargo nextest"),
        ("============ no tests ran in 0.01s ============", "pytest"),
        ("====== 2 skipped in 0.02s ======", "pytest"),
        ("Ran 0 tests in 0.000s\n\nOK", "unittest"),
        ("No tests found, exiting with code 0", "jest"),
        ("Tests:       2 skipped, 2 total", "jest"),
        ("No test files found, exiting with code 0", "vitest"),
        ("  0 passing (1ms)", "mocha"),
        ("# tests 0\n# suites 0\n# pass 0\n# fail 0\n# duration_ms 4.2", "node --test"),
        ("?   \texample.org/a\t[no test files]", "go test"),
        ("ok  \texample.org/a\t0.002s [no tests to run]", "go test"),
        ("[INFO] Tests run: 0, Failures: 0, Errors: 0, Skipped: 0", "maven or JUnit"),
        ("[INFO] No tests to run.", "maven"),
        ("> Task :app:test NO-SOURCE", "gradle"),
        ("No tests were found!!!", "ctest"),
        ("0 examples, 0 failures", "rspec"),
        ("0 runs, 0 assertions, 0 failures, 0 errors, 0 skips", "minitest"),
    ];
    for (output, runner) in cases {
        assert_eq!(none(output).as_deref(), Some(runner), "{output}");
    }
}

#[test]
fn one_runner_that_ran_a_test_is_enough() {
    let zero =
        "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
    let cases = [
        "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        "     Summary [   0.001s] 1 test run: 1 passed, 0 skipped",
        "===== 3 passed, 1 skipped in 0.10s =====",
        "===== 1 xfailed in 0.10s =====",
        "Ran 2 tests in 0.000s\n\nOK (skipped=2)",
        "1..1\nok 1 - adds # SKIP no disk",
        "SKIP: no disk",
        "Ran 1 test in 0.000s",
        "Tests:       1 failed, 1 passed, 2 total",
        "      Tests  3 passed (3)",
        "  12 passing (1s)",
        "# tests 2",
        "ok  \texample.org/a\t(cached)",
        "Tests run: 4, Failures: 0, Errors: 0, Skipped: 0",
        "100% tests passed, 0 tests failed out of 3",
        "1 example, 0 failures",
        "3 runs, 4 assertions, 0 failures, 0 errors, 0 skips",
    ];
    for output in cases {
        assert_eq!(none(&format!("{zero}{output}")), None, "{output}");
        assert_eq!(none(output), None, "{output}");
    }
}

#[test]
fn output_of_unknown_runners_is_ignored() {
    for output in [
        "",
        "all good",
        "0 warnings",
        "Tests are fun",
        "ok",
        "there are 0 tests",
        "> Task :test",
        "0 passed by",
    ] {
        assert_eq!(none(output), None, "{output}");
    }
}
