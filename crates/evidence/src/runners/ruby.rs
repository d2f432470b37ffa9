//! RSpec, minitest and test-unit.

use super::super::report::{Counts, Report, Status};
use super::super::words::before;
use super::{Named, Reader};

const RSPEC: &str = "rspec";
const MINITEST: &str = "minitest";
const TEST_UNIT: &str = "test-unit";

/// Reads the output of these runners.
#[derive(Default)]
pub(crate) struct Ruby {
    /// Tests that `minitest -v` named.
    minitest: Named,
}

impl Reader for Ruby {
    fn line(&mut self, line: &str, report: &mut Report) -> bool {
        match line.as_bytes().first() {
            Some(b'0'..=b'9') => self.counted(line, report),
            _ => self.test(line),
        }
    }

    fn finish(&mut self, report: &mut Report) {
        if !self.minitest.is_empty() {
            self.minitest.flush_unfinished(MINITEST, report);
        }
    }
}

impl Ruby {
    fn counted(&mut self, line: &str, report: &mut Report) -> bool {
        let number =
            |words: &[&str]| words.iter().filter_map(|word| before(line, word)).fold(0, u64::saturating_add);
        let (runner, total, skipped) = if line.contains(" failure") && line.contains(" example") {
            (RSPEC, number(&["examples", "example"]), number(&["pending"]))
        } else if line.contains(" runs, ") && line.contains(" assertions, ") {
            (MINITEST, number(&["runs"]), number(&["skips"]))
        } else if line.contains(" tests, ") && line.contains(" assertions, ") {
            (TEST_UNIT, number(&["tests"]), number(&["pendings", "omissions"]))
        } else {
            return false;
        };
        // Errors outside of examples are failures of rspec that no example counts.
        let failed = number(&["failures", "failure", "errors", "error"]);
        let passed = total.saturating_sub(failed).saturating_sub(skipped);
        report.summary_line(runner, Counts { passed, failed, skipped }, total);
        if runner == MINITEST {
            self.minitest.flush(MINITEST, report);
        }
        true
    }

    /// Reads `ATest#test_adds = 0.00 s = .`.
    fn test(&mut self, line: &str) -> bool {
        let Some((head, end)) = line.rsplit_once(" s = ") else { return false };
        let Some((name, time)) = head.rsplit_once(" = ") else { return false };
        let status = match end {
            "." => Status::Passed,
            "F" | "E" => Status::Failed,
            "S" => Status::Skipped,
            _ => return false,
        };
        let is_test = time.parse::<f64>().is_ok() && name.contains('#');
        if is_test {
            self.minitest.push(name, status);
        }
        is_test
    }
}
