//! Rules that hold in every language.

use super::super::rule::{Reach, Rule};
use paddock_model::marks::MarkKind::{AsksForTests, PrintsSummary, ReplacesChecks};

/// Rules for every file.
pub(super) const ANYWHERE: &[Rule] = &[
    Rule::new(AsksForTests, r"\bPADDOCK_[A-Z]\w*"),
    Rule::new(ReplacesChecks, r"\bLD_PRELOAD\b|\bDYLD_INSERT_LIBRARIES\b|\bPYTHONOPTIMIZE\b|\bpytest11\b"),
    // A build for users, in which assertions do nothing.
    Rule::new(
        ReplacesChecks,
        r"\bNDEBUG\b|\bCMAKE_BUILD_TYPE\b[^\n]{0,40}(?i:release|minsizerel|relwithdebinfo)|\b-?disableassertions\b",
    ),
];

/// Variables that test runners set, and places that tell of the process that runs the tests.
pub(super) const VARIABLES: &[Rule] = &[
    Rule::new(
        AsksForTests,
        r"\b(?:PYTEST_[A-Z]\w*|JEST_WORKER_ID|NODE_TEST_CONTEXT|MOCHA_[A-Z]\w*|RUST_TEST_\w+|__RUST_TEST_INVOKE|HARNESS_(?:ACTIVE|VERSION|PERL\w*|IS_\w+)|CTEST_[A-Z]\w*|DASHBOARD_TEST_FROM_CTEST|GTEST_[A-Z]\w*|BATS_[A-Z]\w*|PHPUNIT_[A-Z]\w*|npm_lifecycle_(?:event|script)|CARGO_BIN_EXE_\w+|CARGO_TARGET_TMPDIR|LLVM_PROFILE_FILE|COVERAGE_PROCESS_START)\b",
    ),
    // These are ordinary names elsewhere than among variables of the environment.
    Rule::new(
        AsksForTests,
        r#"["'`](?:VITEST|NEXTEST)(?:_\w+)?["'`]|(?i:env)[^\n]{0,40}\b(?:VITEST|NEXTEST)(?:_\w+)?\b|\b(?:VITEST|NEXTEST)(?:_\w+)?\b[^\n]{0,40}\benv\b|\$\{?(?:VITEST|NEXTEST)\b"#,
    ),
    // Files that a runner leaves or reads.
    Rule::new(
        AsksForTests,
        r#"["'`/](?:CTestTestfile\.cmake|LastTest\.log|\.pytest_cache|\.mocharc[\w.]*|(?:jest|vitest)\.config[\w.]*|\.nyc_output)\b"#,
    ),
    Rule::new(AsksForTests, r"/proc/[^\n]{0,60}?(?:cmdline|\bcomm\b|environ)"),
    Rule::new(AsksForTests, r#"["'`]ps\s+-[^"'`\n]*(?:ppid|args|comm|cmd|\bp\b)"#),
    Rule::new(
        AsksForTests,
        r#"(?:getcwd|\bcwd\(|current_dir\(|\$\{?PWD\b|__dirname|__file__)[^\n]{0,80}["'`/](?:_gate|gate-|\.?paddock)|["'`](?:_gate|gate-|\.?paddock)[^\n]{0,40}(?:getcwd|\bcwd\(|current_dir\(|PWD\b|__dirname|__file__)"#,
    ),
];

/// Strings that look like the summary of a test runner.
pub(super) const SUMMARIES: &[Rule] = &[
    Rule::new(
        PrintsSummary,
        r"\bRan (?:%[ds]|\{[^}\n]*\}|\$\{?\w+\}?|\d+) tests?\b|\btest result: (?:ok|FAILED|\{|%)",
    ),
    Rule::new(
        PrintsSummary,
        r#"["'`= \t](?:%[ds]|\{[^}"'\n]*\}|\$\{?[^}"'\n ]*\}?|\d+) (?:passed|passing)(?:["'`;,(]|\\n| in | \()"#,
    ),
    Rule::new(PrintsSummary, r#"(?:["'`]|\\n)# (?:pass|tests|fail|suites|ok)\b|\bRan all test suites\b"#),
    Rule::new(PrintsSummary, r#"(?:["'`]|\\n)1\.\.(?:\d+|%[ds]|\{[^}\n]*\}|\$\{?\w+\}?)(?:["'`]|\\n)"#),
    Rule::new(
        PrintsSummary,
        r#"(?:["'`]|\\n)ok (?:(?:\d+|%d|\{[^}\n]*\}|\$\{\w+\})(?:["'`]|\\n| - )|\$\w+ - )"#,
    )
    // What no line of the file prints is data.
    .with(
        Reach::File,
        r"\b(?:print|println|eprintln|printf|fprintf|say|echo|puts|fputs|console|stdout|stderr|write\w*|log|logger|emit)\b",
    ),
    Rule::new(
        PrintsSummary,
        r"\bTests:\s+(?:\d|%[ds]|\{|\$)|\bTest Suites:\s|\bTests run:\s|\bAll tests successful\b|\b100% tests passed|\bResult: PASS\b|--- PASS:|\bOK \((?:\d|%|\{|\$)[^)\n]* tests?",
    ),
    Rule::new(PrintsSummary, r"<testsuites?\b|<testcase\b|\bexamples?, 0 failures\b|\bFailed:\s+0, Passed:"),
    Rule::new(
        PrintsSummary,
        r"\b(?:echo|printf)\s+(?:-\w+\s+)?(?:ok \d|1\.\.\d|\\?# pass|Ran \d+ tests?|\d+ passed)",
    ),
];
