//! Times the reading of large outputs and reports, and their comparison.
//!
//! `cargo bench -p paddock-evidence` prints the figures. Each should stay below 50 ms for 10,000 tests.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use paddock_evidence::{OutputReader, Report, compare, read_junit};

const TESTS: usize = 10_000;

fn read(text: &str) -> Report {
    let mut reader = OutputReader::default();
    text.lines().for_each(|line| reader.push(line));
    reader.finish()
}

/// Prints the shortest of ten times.
fn print<T>(name: &str, mut run: impl FnMut() -> T) {
    let time = |_| {
        let start = Instant::now();
        black_box(run());
        start.elapsed()
    };
    let best = (0..10).map(time).min().unwrap_or(Duration::ZERO);
    println!("{name:<40} {:>8.2} ms", best.as_secs_f64() * 1_000.0);
}

fn main() {
    let mut libtest = format!("running {TESTS} tests\n");
    let mut pytest = format!("===== test session starts =====\ncollected {TESTS} items\n");
    let mut junit = "<testsuites><testsuite name=\"a\">".to_owned();
    for number in 0..TESTS {
        writeln!(libtest, "test module::inner::tests::case_{number} ... ok").unwrap();
        writeln!(pytest, "tests/test_a.py::TestA::test_case[{number}] PASSED       [ 50%]").unwrap();
        writeln!(
            junit,
            "<testcase classname=\"tests.test_a\" name=\"case {number}\" time=\"0.001\"></testcase>"
        )
        .unwrap();
    }
    write!(libtest, "\ntest result: ok. {TESTS} passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n")
        .unwrap();
    writeln!(pytest, "===== {TESTS} passed in 1.00s =====").unwrap();
    junit.push_str("</testsuite></testsuites>");
    let log =
        "2026-01-02T03:04:05Z INFO a line that no runner printed, of the usual length of lines in a log\n";
    let log = log.repeat(TESTS);
    print("output of libtest, 10,000 tests", || read(&libtest));
    print("output of pytest, 10,000 tests", || read(&pytest));
    print("output of no runner, 10,000 lines", || read(&log));
    print("JUnit report, 10,000 tests", || read_junit(junit.as_bytes()).unwrap());
    let report = read(&pytest);
    print("comparison, 10,000 tests", || compare(&[report.clone(), report.clone()], &report));
    let bytes = report.to_bytes().unwrap();
    print("stored names, written", || report.to_bytes().unwrap());
    print("stored names, read", || Report::from_bytes(&bytes).unwrap());
}
