//! `cargo nextest run`.

use super::super::report::{Counts, Report, Status};
use super::super::words::before;
use super::{Named, Reader};

const RUNNER: &str = "cargo nextest";

/// Reads the output of nextest.
#[derive(Default)]
pub(crate) struct Nextest {
    is_open: bool,
    /// After the summary nextest lists the tests that failed once more.
    is_closed: bool,
    named: Named,
}

impl Reader for Nextest {
    fn line(&mut self, line: &str, report: &mut Report) -> bool {
        let line = line.trim_start();
        if line.starts_with("Starting ")
            && (line.contains(" tests across ") || line.contains(" test across "))
        {
            self.finish(report);
            (self.is_open, self.is_closed) = (true, false);
            return true;
        }
        if line.starts_with("error: no tests to run") {
            report.summary_line(RUNNER, Counts::default(), 0);
            self.is_open = false;
            return true;
        }
        if line.starts_with("Summary [") && line.contains(" run: ") {
            return self.summary(line, report);
        }
        self.test(line)
    }

    fn finish(&mut self, report: &mut Report) {
        if self.is_open {
            self.named.flush_unfinished(RUNNER, report);
        }
        self.is_open = false;
    }
}

impl Nextest {
    fn summary(&mut self, line: &str, report: &mut Report) -> bool {
        let Some(ran) = before(line, "tests").or_else(|| before(line, "test")).or_else(|| cancelled(line))
        else {
            return false;
        };
        let number = |word| before(line, word).unwrap_or(0);
        let failed = ["failed", "timed", "exec"].into_iter().map(number).fold(0, u64::saturating_add);
        let counts = Counts { passed: number("passed"), failed, skipped: number("skipped") };
        report.summary_line(RUNNER, counts, ran);
        self.named.flush(RUNNER, report);
        (self.is_open, self.is_closed) = (false, true);
        true
    }

    fn test(&mut self, line: &str) -> bool {
        let Some((word, rest)) = line.split_once(" [") else { return false };
        let last = word.rsplit(' ').next().unwrap_or(word);
        let is_try = word.starts_with("TRY ") || word.starts_with("FLAKY ");
        let status = match if is_try { word.split(' ').next_back().unwrap_or(word) } else { last } {
            "PASS" | "LEAK" => Status::Passed,
            _ if word.starts_with("FLAKY ") => Status::Passed,
            "SKIP" => Status::Skipped,
            "FAIL" | "TIMEOUT" | "TMT" | "ABORT" | "LEAK-FAIL" => Status::Failed,
            signal if signal.starts_with("SIG") => Status::Failed,
            _ => return false,
        };
        if !is_try && word.contains(' ') {
            return false;
        }
        let Some((time, name)) = rest.split_once(']') else { return false };
        let is_time = time.trim().trim_end_matches('s').parse::<f64>().is_ok() || time.trim().is_empty();
        if !is_time || self.is_closed {
            return is_time;
        }
        // Later versions number the tests: `( 1/10) crate::binary test`.
        let name = name.trim_start();
        let name = match name.strip_prefix('(').and_then(|rest| rest.split_once(") ")) {
            Some((number, name)) if number.contains(['/', '─']) => name,
            _ => name,
        };
        self.named.set_last(name, status);
        true
    }
}

/// Returns the first number of `3/5 tests run: …`, which a run that was cancelled prints.
fn cancelled(line: &str) -> Option<u64> {
    line.split_whitespace().find_map(|word| word.split_once('/')?.0.parse().ok())
}
