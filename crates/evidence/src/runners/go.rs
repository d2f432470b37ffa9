//! `go test`: with `-v` or `-json` it names tests, else packages.

use serde_json::Value;

use super::super::names::is_duration;
use super::super::report::{Counts, Report, Status};
use super::{Named, Reader};

const RUNNER: &str = "go test";

/// Reads the output of `go test`.
#[derive(Default)]
pub(crate) struct Go {
    /// Tests of the package whose last line is not read yet.
    named: Named,
    /// A test began.
    is_open: bool,
}

impl Reader for Go {
    fn line(&mut self, line: &str, report: &mut Report) -> bool {
        let text = line.trim_start();
        if let Some(rest) = text.strip_prefix("--- ") {
            return self.test(rest);
        }
        if text.starts_with("=== RUN ") {
            self.is_open = true;
            return true;
        }
        if line.starts_with("testing: warning: no tests to run") {
            return true;
        }
        self.package(line, report)
    }

    fn finish(&mut self, report: &mut Report) {
        if self.is_open || !self.named.is_empty() {
            self.named.flush_unfinished(RUNNER, report);
        }
        *self = Self::default();
    }
}

impl Go {
    fn test(&mut self, rest: &str) -> bool {
        let Some((word, rest)) = rest.split_once(": ") else { return false };
        let status = match word {
            "PASS" => Status::Passed,
            "FAIL" => Status::Failed,
            "SKIP" => Status::Skipped,
            _ => return false,
        };
        let Some((name, time)) = rest.rsplit_once(" (") else { return false };
        if !time.strip_suffix(')').is_some_and(is_duration) {
            return false;
        }
        self.is_open = true;
        self.named.push(name, status);
        true
    }

    /// Reads the last line of a package: `ok`, its path, and a time.
    fn package(&mut self, line: &str, report: &mut Report) -> bool {
        if line.starts_with('?') && line.ends_with("[no test files]") {
            report.summary_line(RUNNER, Counts::default(), 0);
            return true;
        }
        let mut words = line.split_whitespace();
        let (first, package) = (words.next(), words.next());
        let rest = words.next().unwrap_or("");
        let is_end = rest == "(cached)"
            || rest == "[build"
            || rest == "[setup"
            || rest.ends_with('s') && is_duration(rest);
        let (Some(package), true) = (package, is_end) else { return false };
        match first {
            Some("ok") if line.ends_with("[no tests to run]") => {
                report.summary_line(RUNNER, Counts::default(), 0);
                self.end(package, None, report);
            }
            Some("ok") => self.end(package, Some(Status::Passed), report),
            Some("FAIL") => self.end(package, Some(Status::Failed), report),
            _ => return false,
        }
        true
    }

    fn end(&mut self, package: &str, status: Option<Status>, report: &mut Report) {
        let named = std::mem::take(&mut self.named);
        self.is_open = false;
        let mut counts = named.counts();
        if status == Some(Status::Failed) && counts.failed == 0 && !named.is_empty() {
            report.stray_failures(1);
        }
        if named.is_empty() {
            let Some(status) = status else { return };
            counts.add(status);
            report.test(RUNNER, package.to_owned(), status);
        }
        report.summary_line(RUNNER, counts, counts.passed.saturating_add(counts.failed));
        for (name, status) in named.tests {
            report.test(RUNNER, format!("{package} {name}"), status);
        }
    }
}

/// Reads one event of `go test -json`. Returns whether it is one.
pub(crate) fn json_event(event: &Value, report: &mut Report) -> bool {
    let text = |key: &str| event.get(key).and_then(Value::as_str);
    let (Some(action), Some(package)) = (text("Action"), text("Package")) else { return false };
    let status = match action {
        "pass" => Status::Passed,
        "fail" => Status::Failed,
        "skip" => Status::Skipped,
        _ => return true,
    };
    let mut counts = Counts::default();
    match text("Test") {
        Some(test) => {
            counts.add(status);
            report.summary_line(RUNNER, counts, u64::from(status != Status::Skipped));
            report.test(RUNNER, super::super::names::normalised(&format!("{package} {test}")), status);
        }
        // A package that failed without a failed test; one without tests is skipped.
        None if status == Status::Failed => {
            if report.runners.get(RUNNER).is_none_or(|ran| ran.counts.failed == 0) {
                report.stray_failures(1);
            }
        }
        None => report.summary_line(RUNNER, counts, 0),
    }
    true
}
