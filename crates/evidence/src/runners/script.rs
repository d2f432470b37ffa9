//! Checks without a runner: lines that home-made scripts print, the tests of automake, and the summaries of Deno
//! and Bun.

use super::super::names::is_duration;
use super::super::report::{Counts, Report, Status};
use super::super::words::before;
use super::{Named, Reader};

const SCRIPT: &str = "check script";
const DENO: &str = "deno test";
const BUN: &str = "bun test";

/// Reads lines in the forms that scripts have in common.
#[derive(Default)]
pub(crate) struct Script {
    /// Tests in the form of automake: `PASS: name`.
    named: Named,
    /// The numbers of Bun's summary, which has one line for each.
    bun: Option<Counts>,
}

impl Reader for Script {
    fn line(&mut self, line: &str, report: &mut Report) -> bool {
        let text = line.trim();
        match text.as_bytes().first() {
            Some(b'0'..=b'9') => self.counted(text, report),
            Some(b'P' | b'F' | b'S' | b'X' | b'E') => self.named_line(text),
            Some(b'o') => deno(text, report),
            Some(b'R') if text.starts_with("Ran ") && text.contains(" across ") => self.end_bun(report),
            _ => false,
        }
    }

    fn finish(&mut self, report: &mut Report) {
        if !self.named.is_empty() {
            let counts = self.named.counts();
            report.summary_line(SCRIPT, counts, counts.passed.saturating_add(counts.failed));
            self.named.flush(SCRIPT, report);
        }
    }
}

impl Script {
    fn counted(&mut self, text: &str, report: &mut Report) -> bool {
        if let Some((count, word @ ("pass" | "fail" | "skip" | "todo"))) = text.split_once(' ')
            && let Ok(count) = count.parse::<u64>()
        {
            let counts = self.bun.get_or_insert_default();
            match word {
                "pass" => counts.passed = count,
                "fail" => counts.failed = count,
                _ => counts.skipped = counts.skipped.saturating_add(count),
            }
            return true;
        }
        let Some(counts) = passed_and_failed(text) else { return false };
        report.summary_line(SCRIPT, counts, counts.passed.saturating_add(counts.failed));
        true
    }

    fn named_line(&mut self, text: &str) -> bool {
        let Some((word, name)) = text.split_once(": ") else { return false };
        let status = match word {
            "PASS" | "XPASS" => Status::Passed,
            "FAIL" | "ERROR" => Status::Failed,
            "SKIP" | "XFAIL" => Status::Skipped,
            _ => return false,
        };
        // An error is a sentence of a tool as likely as the name of a test.
        if word == "ERROR" && name.contains(' ') {
            return false;
        }
        self.named.push(name, status);
        true
    }

    fn end_bun(&mut self, report: &mut Report) -> bool {
        let Some(counts) = self.bun.take() else { return false };
        report.summary_line(BUN, counts, counts.passed.saturating_add(counts.failed));
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

/// Reads `ok | 5 passed | 0 failed (12ms)`.
fn deno(text: &str, report: &mut Report) -> bool {
    let Some(rest) = text.strip_prefix("ok | ") else { return false };
    let is_timed =
        rest.rsplit_once(" (").and_then(|(_, time)| time.strip_suffix(')')).is_some_and(is_duration);
    let (Some(passed), true) = (before(rest, "passed"), is_timed) else { return false };
    let counts = Counts {
        passed,
        failed: before(rest, "failed").unwrap_or(0),
        skipped: before(rest, "ignored").unwrap_or(0),
    };
    report.summary_line(DENO, counts, counts.passed.saturating_add(counts.failed));
    true
}
