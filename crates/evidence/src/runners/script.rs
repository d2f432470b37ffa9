//! Checks without a runner: lines that home-made scripts print, and the tests of automake. And Deno.

use super::super::names::is_duration;
use super::super::report::{Counts, Report, Status};
use super::super::words::before;
use super::{Named, Reader};

const SCRIPT: &str = "check script";
const DENO: &str = "deno test";

/// Reads lines in the forms that scripts have in common.
#[derive(Default)]
pub(crate) struct Script {
    /// Tests in the form of automake: `PASS: name`.
    named: Named,
    /// Tests that deno named.
    deno: Named,
}

impl Reader for Script {
    fn line(&mut self, line: &str, report: &mut Report) -> bool {
        let text = line.trim();
        match text.as_bytes().first() {
            Some(b'F') if text.starts_with("FAILED | ") => self.deno(text, report),
            Some(b'0'..=b'9') => self.counted(text, report),
            Some(b'P' | b'F' | b'S' | b'X' | b'E') => self.named_line(text),
            Some(b'o') if text.starts_with("ok | ") => self.deno(text, report),
            Some(b'o' | b'n') if self.bare(text) => true,
            _ => self.deno_test(text),
        }
    }

    fn finish(&mut self, report: &mut Report) {
        if !self.named.is_empty() {
            let counts = self.named.counts();
            report.summary_line(SCRIPT, counts, counts.total());
            self.named.flush(SCRIPT, report);
        }
    }
}

impl Script {
    fn counted(&mut self, text: &str, report: &mut Report) -> bool {
        let Some(counts) = passed_and_failed(text) else { return false };
        report.summary_line(SCRIPT, counts, counts.total());
        // The lines before it are of the same tests.
        self.named.flush(SCRIPT, report);
        true
    }

    /// Reads `ok name` and `not ok name`. With more words it could be any sentence.
    fn bare(&mut self, text: &str) -> bool {
        let (status, name) = match (text.strip_prefix("ok "), text.strip_prefix("not ok ")) {
            (Some(name), _) => (Status::Passed, name),
            (_, Some(name)) => (Status::Failed, name),
            _ => return false,
        };
        let is_name = !name.is_empty() && !name.contains(char::is_whitespace) && !is_duration(name);
        if is_name {
            self.named.push(name, status);
        }
        is_name
    }

    /// Reads `ok | 5 passed | 0 failed (12ms)`.
    fn deno(&mut self, text: &str, report: &mut Report) -> bool {
        let time = text.rsplit_once(" (").and_then(|(_, time)| time.strip_suffix(')'));
        let (Some(passed), true) = (before(text, "passed"), time.is_some_and(is_duration)) else {
            return false;
        };
        let (failed, skipped) = (before(text, "failed").unwrap_or(0), before(text, "ignored").unwrap_or(0));
        report.summary_line(DENO, Counts { passed, failed, skipped }, passed.saturating_add(failed));
        self.deno.flush(DENO, report);
        true
    }

    /// Reads `adds ... ok (1ms)`.
    fn deno_test(&mut self, text: &str) -> bool {
        let Some((name, end)) = text.rsplit_once(" ... ") else { return false };
        let Some((word, time)) = end.split_once(" (") else { return false };
        let status = match word {
            "ok" => Status::Passed,
            "FAILED" => Status::Failed,
            "ignored" => Status::Skipped,
            _ => return false,
        };
        let is_test = time.strip_suffix(')').is_some_and(is_duration);
        if is_test {
            self.deno.push(name, status);
        }
        is_test
    }

    fn named_line(&mut self, text: &str) -> bool {
        let Some((word, name)) = text.split_once(' ') else { return false };
        // Without a colon the rest of a sentence might follow.
        let word = match word.strip_suffix(':') {
            Some(word) => word,
            None if name.contains(' ') => return false,
            None => word,
        };
        let status = match word {
            "PASS" | "XPASS" => Status::Passed,
            "FAIL" | "ERROR" => Status::Failed,
            "SKIP" | "XFAIL" => Status::Skipped,
            _ => return false,
        };
        // Without tests before it an error is a message of some tool.
        if word == "ERROR" && self.named.is_empty() {
            return false;
        }
        self.named.push(name, status);
        true
    }
}

/// Reads a whole line of the form `3 passed, 0 failed`.
fn passed_and_failed(text: &str) -> Option<Counts> {
    let (mut counts, mut words) = (Counts::default(), 0);
    for part in text.trim_end_matches('.').split([',', ';', '|']) {
        let (count, word) = part.trim().split_once(' ')?;
        let count: u64 = count.parse().ok()?;
        match word {
            "passed" | "tests passed" | "test passed" => counts.passed = counts.passed.saturating_add(count),
            "failed" | "tests failed" | "test failed" => counts.failed = counts.failed.saturating_add(count),
            "skipped" | "tests skipped" => counts.skipped = counts.skipped.saturating_add(count),
            "total" | "tests" => continue,
            _ => return None,
        }
        words += 1;
    }
    // One word alone is as likely part of a sentence that was broken.
    (words >= 1 && (words >= 2 || text.contains("tests"))).then_some(counts)
}
