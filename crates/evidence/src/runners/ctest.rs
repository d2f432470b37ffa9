//! CMake's ctest.

use super::super::report::{Counts, Report, Status};
use super::super::words::{after, before};
use super::{Named, Reader};

const RUNNER: &str = "ctest";

/// Reads the output of ctest.
#[derive(Default)]
pub(crate) struct Ctest {
    is_open: bool,
    named: Named,
}

impl Reader for Ctest {
    fn line(&mut self, line: &str, report: &mut Report) -> bool {
        if line.starts_with("Test project ") {
            self.finish(report);
            self.is_open = true;
            return true;
        }
        if line.starts_with("No tests were found!!!") {
            report.summary_line(RUNNER, Counts::default(), 0);
            *self = Self::default();
            return true;
        }
        // ctest only lists the tests.
        if self.is_open && line.starts_with("Total Tests:") {
            *self = Self::default();
            return true;
        }
        if line.contains("% tests passed, ") && line.contains("failed out of ") {
            return self.summary(line, report);
        }
        let line = line.trim_start();
        line.starts_with(|c: char| c.is_ascii_digit()) && self.test(line)
    }

    fn finish(&mut self, report: &mut Report) {
        if self.is_open {
            self.named.flush_unfinished(RUNNER, report);
        }
        *self = Self::default();
    }
}

impl Ctest {
    fn summary(&mut self, line: &str, report: &mut Report) -> bool {
        let Some(total) = after(line, "failed out of ") else { return false };
        let failed = before(line, "tests").or_else(|| before(line, "test")).unwrap_or(0);
        let failed = after(line, "% tests passed, ").unwrap_or(failed);
        // The summary counts skipped tests as passed, and leaves out those that are disabled.
        let counts = match self.named.is_empty() {
            true => Counts { passed: total.saturating_sub(failed), failed, skipped: 0 },
            false => {
                let named = self.named.counts();
                Counts { failed: named.failed.max(failed), ..named }
            }
        };
        report.summary_line(RUNNER, counts, total);
        self.named.flush(RUNNER, report);
        *self = Self::default();
        true
    }

    /// Reads `1/7 Test #1: adds ......   Passed    0.01 sec`.
    fn test(&mut self, line: &str) -> bool {
        let Some((number, rest)) = line.split_once(" Test ") else { return false };
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'/');
        let rest = rest.trim_start();
        if !is_number || !rest.starts_with('#') {
            return false;
        }
        let Some((name, rest)) = rest.split_once(": ").and_then(|(_, rest)| rest.split_once(" .")) else {
            return false;
        };
        let end = rest.trim_start_matches('.').trim_start();
        let status = match end {
            _ if end.starts_with("Passed") => Status::Passed,
            _ if end.starts_with("***Skipped") || end.starts_with("***Not Run (Disabled)") => Status::Skipped,
            _ if end.starts_with("***") => Status::Failed,
            _ => return false,
        };
        self.named.set_last(name.trim_end(), status);
        true
    }
}
