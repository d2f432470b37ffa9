//! `cargo test`: the output of Rust's built-in test runner, one summary per test binary.
//!
//! The names of the binaries are not part of the names of tests. Cargo prints them to the other stream, so that
//! a test cannot be matched with its binary for certain, and a name must not depend on that. A test of the same
//! name in a second binary is `name #2`.

use super::super::report::{Counts, Report, Status};
use super::super::words::before;
use super::{Named, Reader};

const RUNNER: &str = "cargo test";

/// Reads the output of libtest.
#[derive(Default)]
pub(crate) struct Libtest {
    /// Number of tests that the open binary announced.
    open: Option<u64>,
    named: Named,
    /// A test whose name was printed and whose end was not, as with `--nocapture`.
    pending: Option<String>,
}

impl Reader for Libtest {
    fn line(&mut self, line: &str, report: &mut Report) -> bool {
        if let Some(rest) = line.strip_prefix("running ")
            && let Some(count) = rest.strip_suffix(" tests").or_else(|| rest.strip_suffix(" test"))
            && let Ok(count) = count.parse()
        {
            self.close(report);
            self.open = Some(count);
            return true;
        }
        if line.starts_with("test result:") {
            return self.summary(line, report);
        }
        self.test(line)
    }

    fn finish(&mut self, report: &mut Report) {
        self.close(report);
    }
}

impl Libtest {
    /// Ends a binary that printed no summary.
    fn close(&mut self, report: &mut Report) {
        if self.open.take().is_some() || !self.named.is_empty() {
            self.named.flush_unfinished(RUNNER, report);
        }
        self.pending = None;
    }

    fn summary(&mut self, line: &str, report: &mut Report) -> bool {
        let (Some(passed), Some(failed)) = (before(line, "passed"), before(line, "failed")) else {
            return false;
        };
        let measured = before(line, "measured").unwrap_or(0);
        let counts = Counts {
            passed: passed.saturating_add(measured),
            failed,
            skipped: before(line, "ignored").unwrap_or(0),
        };
        let open = self.open.take();
        if open.is_some_and(|count| count != counts.total()) {
            report.unfinished(RUNNER);
        }
        report.backed_line(RUNNER, counts, counts.passed.saturating_add(failed), open.is_some());
        self.named.flush(RUNNER, report);
        self.pending = None;
        true
    }

    fn test(&mut self, line: &str) -> bool {
        if let Some(name) = &self.pending
            && let Some(status) = status(line.rsplit(' ').next().unwrap_or(line))
        {
            self.named.push(name, status);
            self.pending = None;
            return true;
        }
        let Some((head, end)) =
            line.rsplit_once(" ... ").or_else(|| line.strip_suffix(" ...").map(|head| (head, "")))
        else {
            return false;
        };
        // What a test prints without a line feed stands before the next line. Other runners show the output of
        // libtest indented.
        let name = match head.strip_prefix("test ") {
            Some(name) => name,
            None if self.open.is_some() && !line.starts_with(' ') => match head.rsplit_once("test ") {
                Some((_, name)) => name,
                None => return false,
            },
            None => return false,
        };
        match status(end) {
            Some(status) => self.named.push(&without_line_number(name), status),
            // A line of that form that no open binary prints is not one of this runner.
            None if self.open.is_some() && head.starts_with("test ") => {
                self.pending = Some(without_line_number(name));
            }
            None => return false,
        }
        true
    }
}

fn status(end: &str) -> Option<Status> {
    let end = end.split(" <").next().unwrap_or(end).trim_end();
    match end {
        "ok" => Some(Status::Passed),
        "ignored" => Some(Status::Skipped),
        _ if end.starts_with("bench:") => Some(Status::Passed),
        _ if end.starts_with("FAILED") || end == "failed" => Some(Status::Failed),
        _ if end.starts_with("ignored,") => Some(Status::Skipped),
        _ => None,
    }
}

/// Returns a name without what follows it and without the line of a documentation test:
/// `src/lib.rs - add (line 12) - compile`.
fn without_line_number(name: &str) -> String {
    let name = name.strip_suffix(" - should panic").unwrap_or(name);
    let Some((head, rest)) = name.split_once(" (line ") else { return name.to_owned() };
    match rest.split_once(')') {
        Some((digits, tail)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => format!("{head}{tail}"),
        _ => name.to_owned(),
    }
}

/// Reads one event of libtest's JSON format. Returns whether the text is one.
pub(crate) fn json_event(event: &serde_json::Value, report: &mut Report) -> bool {
    let text = |key: &str| event.get(key).and_then(serde_json::Value::as_str);
    let number = |key: &str| event.get(key).and_then(serde_json::Value::as_u64).unwrap_or(0);
    match (text("type"), text("event"), text("name")) {
        (Some("test"), Some(end), Some(name)) => {
            let status = match end {
                "ok" => Status::Passed,
                "failed" | "timeout" => Status::Failed,
                "ignored" => Status::Skipped,
                _ => return true,
            };
            report.test(RUNNER, super::super::names::normalised(&without_line_number(name)), status);
            true
        }
        (Some("suite"), Some("ok" | "failed"), _) => {
            let passed = number("passed").saturating_add(number("measured"));
            let counts = Counts { passed, failed: number("failed"), skipped: number("ignored") };
            report.summary_line(RUNNER, counts, counts.passed.saturating_add(counts.failed));
            true
        }
        (Some("suite"), Some("started"), _) => true,
        _ => false,
    }
}
