//! Reports of which only the numbers are known.

use std::collections::BTreeMap;

use paddock_model::evidence::{Source, Tests};

use super::report::{Counts, Report};

impl Report {
    /// Returns a report with the numbers that were recorded, for a run whose names are not kept any more.
    #[must_use]
    pub fn from_tests(tests: &Tests) -> Self {
        let mut report = Self::default();
        if tests.source == Source::Exit {
            return report;
        }
        let counts = Counts { passed: tests.passed, failed: tests.failed, skipped: tests.skipped };
        // The numbers are those of all runners together, and must be counted once.
        if let Some(first) = tests.runners.first() {
            report.summary_line(first, counts, tests.passed + tests.failed);
        }
        for runner in tests.runners.iter().skip(1) {
            report.summary_line(runner, Counts::default(), 0);
        }
        report.forget_names();
        report
    }

    /// Forgets the names of all tests, because not all of them are known. Their numbers stay.
    pub fn forget_names(&mut self) {
        for ran in self.runners.values_mut() {
            // The names may be all that was counted.
            let named = ran.named();
            let counts = &mut ran.counts;
            counts.passed = counts.passed.max(named.passed);
            counts.failed = counts.failed.max(named.failed);
            counts.skipped = counts.skipped.max(named.skipped);
            (ran.is_cut, ran.tests) = (true, BTreeMap::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OutputReader, compare};

    fn read(output: &str) -> Report {
        let mut reader = OutputReader::default();
        output.lines().for_each(|line| reader.push(line));
        reader.finish()
    }

    #[test]
    fn numbers_without_names_are_compared_as_numbers() {
        let verbose = "tests/a.py::test_a PASSED\ntests/a.py::test_b PASSED\n===== 2 passed in 0.01s =====";
        let named = read(verbose);
        let mut counted = read(verbose);
        counted.forget_names();
        assert_eq!(counted.summary().passed, 2);
        let recorded = Report::from_tests(&named.summary());
        for base in [&counted, &recorded] {
            assert!(compare(std::slice::from_ref(base), &named).is_harmless());
            let one = read("tests/a.py::test_a PASSED\n===== 1 passed in 0.01s =====");
            assert_eq!(compare(std::slice::from_ref(base), &one).fewer, 1);
        }
        assert_eq!(Report::from_tests(&Tests::untold()), Report::default());
    }
}
