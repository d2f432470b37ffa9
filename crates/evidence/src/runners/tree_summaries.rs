//! The summaries of the runners that print trees. A summary claims the marked lines before it.

use super::super::report::{Counts, Report};
use super::super::words::{after, before};
use super::tree::{Entry, Lines};

const JEST: &str = "jest";
const VITEST: &str = "vitest";
const MOCHA: &str = "mocha";
const NODE: &str = "node --test";
const BATS: &str = "bats";
const BUN: &str = "bun test";
const PHPUNIT: &str = "phpunit";

/// Reads the summaries.
#[derive(Default)]
pub(crate) struct Summaries {
    /// jest printed the result of a file, or that the process ended, and no summary.
    is_jest_open: bool,
    /// vitest printed its heading and no summary.
    is_vitest_open: bool,
    /// Lines of files that were printed since the last summary.
    seen_files: u64,
    /// Files of the summary that is being printed: how many failed, and all.
    failed_files: u64,
    all_files: Option<u64>,
    mocha: Option<Counts>,
    /// Numbers of the summary of node, and how many tests it says that there are.
    node: Option<(Counts, u64)>,
    /// Number of suites that node says that there are.
    node_suites: u64,
    /// Numbers of the summary of bun, which has a line for each.
    bun: Option<Counts>,
}

impl Summaries {
    /// Reads a line without the white space around it.
    pub(crate) fn line(&mut self, width: usize, text: &str, lines: &mut Lines, report: &mut Report) -> bool {
        if self.mocha.is_some() && self.mocha_line(text, lines, report) {
            return true;
        }
        match text.as_bytes().first() {
            Some(b'P' | b'F' | b'T' | b'N' | b'R' | b'E' | b'O') => {
                self.jest(width, text, lines, report)
                    || self.vitest(text, lines, report)
                    || phpunit(text, lines, report)
                    || self.end_bun(text, lines, report)
            }
            Some(b'0'..=b'9') => self.counted(text, lines, report),
            // jest ends here if the code under test ends its process.
            Some(0xe2) if text.starts_with("●  process.exit called with") => {
                self.is_jest_open = true;
                true
            }
            Some(0xe2) => self.signed(text, lines, report),
            _ => false,
        }
    }

    /// Records what is open at the end.
    pub(crate) fn finish(&mut self, lines: &mut Lines, report: &mut Report) {
        self.end_mocha(lines, report);
        self.end_node(lines, report);
        if self.is_jest_open {
            report.unfinished(JEST);
        }
        if self.is_vitest_open {
            report.unfinished(VITEST);
        }
        lines.clear();
        *self = Self::default();
    }

    fn jest(&mut self, width: usize, text: &str, lines: &mut Lines, report: &mut Report) -> bool {
        if width == 0
            && let Some(file) = jest_file(text)
        {
            self.is_jest_open = true;
            self.seen_files = self.seen_files.saturating_add(1);
            lines.begin_file(file);
            return true;
        }
        if let Some(rest) = text.strip_prefix("Test Suites:")
            && rest.trim_end().ends_with(" total")
        {
            self.failed_files = before(rest, "failed").unwrap_or(0);
            self.all_files = before(rest, "total");
            return true;
        }
        if let Some(rest) = text.strip_prefix("Tests:")
            && rest.trim_end().ends_with(" total")
        {
            let counts = counts(rest);
            self.end(JEST, counts, report);
            lines.claim(JEST, counts, false, |entry| entry.has_file, report);
            self.is_jest_open = false;
            return true;
        }
        let is_none = text.starts_with("No tests found, exiting") || text == "No tests found";
        if is_none {
            report.summary_line(JEST, Counts::default(), 0);
            self.is_jest_open = false;
        }
        is_none
    }

    fn vitest(&mut self, text: &str, lines: &mut Lines, report: &mut Report) -> bool {
        if let Some(rest) = text.strip_prefix("RUN ")
            && rest.trim_start().starts_with('v')
        {
            lines.clear();
            self.is_vitest_open = true;
            return true;
        }
        if let Some(rest) = text.strip_prefix("Test Files ")
            && rest.trim_end().ends_with(')')
        {
            self.failed_files = before(rest, "failed").unwrap_or(0);
            self.all_files = Some(0);
            return true;
        }
        if let Some(rest) = text.strip_prefix("Tests ")
            && (rest.trim_end().ends_with(')') || rest.trim() == "no tests")
            && (rest.contains("passed")
                || rest.contains("failed")
                || rest.contains("skipped")
                || rest.contains(" no tests")
                || rest.contains("todo"))
        {
            let counts = counts(rest);
            self.end(VITEST, counts, report);
            lines.claim(VITEST, counts, false, |entry| entry.has_file, report);
            self.is_vitest_open = false;
            return true;
        }
        if let Some(rest) = text.strip_prefix("Errors ")
            && let Some(errors) = before(rest, "error").or_else(|| before(rest, "errors"))
        {
            report.stray_failures(errors);
            return true;
        }
        let is_none = text.starts_with("No test files found");
        if is_none {
            report.summary_line(VITEST, Counts::default(), 0);
            self.is_vitest_open = false;
        }
        is_none
    }

    fn end(&mut self, runner: &str, counts: Counts, report: &mut Report) {
        let is_backed = self.all_files.take().is_some_and(|all| self.seen_files >= all);
        report.backed_line(runner, counts, counts.passed.saturating_add(counts.failed), is_backed);
        // A file that cannot be loaded has no test that failed.
        if counts.failed == 0 {
            report.stray_failures(self.failed_files);
        }
        (self.failed_files, self.seen_files) = (0, 0);
    }

    /// Reads a summary that begins with a number: of mocha and bats.
    fn counted(&mut self, text: &str, lines: &mut Lines, report: &mut Report) -> bool {
        let mut words = text.split(' ');
        let (count, word, rest) = (words.next().and_then(|one| one.parse().ok()), words.next(), words.next());
        let Some(count) = count else { return false };
        if word == Some("passing") && rest.is_none_or(|rest| rest.starts_with('(')) {
            self.mocha = Some(Counts { passed: count, ..Counts::default() });
            return true;
        }
        if let (Some(word @ ("pass" | "fail" | "skip" | "todo")), None) = (word, rest) {
            let counts = self.bun.get_or_insert_default();
            match word {
                "pass" => counts.passed = count,
                "fail" => counts.failed = count,
                _ => counts.skipped = counts.skipped.saturating_add(count),
            }
            return true;
        }
        let is_bats = matches!(word, Some("tests," | "test,"))
            && rest.is_some()
            && (text.contains(" failures") || text.contains(" failure"))
            && text.split(", ").count() <= 4;
        if is_bats {
            let failed = before(text, "failures").or_else(|| before(text, "failure")).unwrap_or(0);
            let skipped = before(text, "skipped").unwrap_or(0);
            let passed = count.saturating_sub(failed).saturating_sub(skipped);
            let counts = Counts { passed, failed, skipped };
            report.summary_line(BATS, counts, passed.saturating_add(failed));
            lines.claim(BATS, counts, true, |entry| entry.width == 1 && !entry.has_file, report);
        }
        is_bats
    }

    /// Reads `Ran 3 tests across 1 file. [12.00ms]`.
    fn end_bun(&mut self, text: &str, lines: &mut Lines, report: &mut Report) -> bool {
        if !text.starts_with("Ran ") || !text.contains(" across ") {
            return false;
        }
        let Some(counts) = self.bun.take() else { return false };
        report.summary_line(BUN, counts, counts.passed.saturating_add(counts.failed));
        lines.claim(BUN, counts, false, |entry| entry.width == 0, report);
        true
    }

    fn mocha_line(&mut self, text: &str, lines: &mut Lines, report: &mut Report) -> bool {
        let Some(counts) = &mut self.mocha else { return false };
        if text.is_empty() {
            return false;
        }
        match text.split_once(' ').map(|(count, word)| (count.parse::<u64>(), word)) {
            Some((Ok(count), "pending")) => counts.skipped = counts.skipped.saturating_add(count),
            Some((Ok(count), "failing")) => counts.failed = counts.failed.saturating_add(count),
            _ => {
                self.end_mocha(lines, report);
                return false;
            }
        }
        true
    }

    fn end_mocha(&mut self, lines: &mut Lines, report: &mut Report) {
        if let Some(counts) = self.mocha.take() {
            report.summary_line(MOCHA, counts, counts.passed.saturating_add(counts.failed));
            lines.claim(MOCHA, counts, true, |entry| entry.width >= 2, report);
        }
    }

    /// Reads a summary of `node --test`: `ℹ tests 3`.
    fn signed(&mut self, text: &str, lines: &mut Lines, report: &mut Report) -> bool {
        let Some(rest) = text.strip_prefix("ℹ ") else { return false };
        let mut words = rest.split_whitespace();
        let (Some(word), Some(count), None) = (words.next(), words.next(), words.next()) else {
            return false;
        };
        if word == "duration_ms" && self.node.is_some() {
            self.end_node(lines, report);
            return true;
        }
        let Ok(count) = count.parse::<u64>() else { return false };
        if word == "tests" {
            self.node = Some((Counts::default(), count));
            return true;
        }
        let Some((counts, _)) = &mut self.node else { return false };
        let field = match word {
            "pass" => &mut counts.passed,
            "fail" | "cancelled" => &mut counts.failed,
            "skipped" | "todo" => &mut counts.skipped,
            "suites" => {
                self.node_suites = count;
                return true;
            }
            _ => return false,
        };
        *field = field.saturating_add(count);
        true
    }

    fn end_node(&mut self, lines: &mut Lines, report: &mut Report) {
        if let Some((counts, tests)) = self.node.take() {
            report.summary_line(NODE, counts, tests);
            // A suite is no test: it may be renamed.
            let has_suites = std::mem::take(&mut self.node_suites) > 0;
            let is_test = |entry: &Entry| entry.is_timed && !(has_suites && entry.is_parent);
            lines.claim(NODE, counts, true, is_test, report);
        }
    }
}

/// Reads `1 failed, 1 skipped, 1 todo, 4 passed, 6 total`, also with bars.
fn counts(text: &str) -> Counts {
    let number = |word| before(text, word).unwrap_or(0);
    let skipped = number("skipped").saturating_add(number("todo")).saturating_add(number("pending"));
    Counts { passed: number("passed"), failed: number("failed"), skipped }
}

/// Reads the summaries of PHPUnit: `OK (3 tests, 5 assertions)` and
/// `Tests: 3, Assertions: 5, Failures: 1, Skipped: 1.`.
fn phpunit(text: &str, lines: &mut Lines, report: &mut Report) -> bool {
    if text.starts_with("No tests executed!") {
        report.summary_line(PHPUNIT, Counts::default(), 0);
        return true;
    }
    let total = match text.strip_prefix("Tests: ") {
        Some(rest) if rest.contains(", Assertions: ") => after(text, "Tests:"),
        None if text.starts_with("OK (") && text.contains(" assertion") => after(text, "OK ("),
        _ => None,
    };
    let Some(total) = total else { return false };
    let number =
        |words: &[&str]| words.iter().filter_map(|word| after(text, word)).fold(0, u64::saturating_add);
    let failed = number(&[" Failures:", " Errors:"]);
    let skipped = number(&[" Skipped:", " Incomplete:"]);
    let passed = total.saturating_sub(failed).saturating_sub(skipped);
    let counts = Counts { passed, failed, skipped };
    report.summary_line(PHPUNIT, counts, total);
    lines.claim(PHPUNIT, counts, false, |entry| entry.width == 1 && !entry.has_file, report);
    true
}

/// Returns the file in `PASS src/a.test.js (5.2 s)`. Scripts of their own print such lines for other files.
fn jest_file(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("PASS ").or_else(|| text.strip_prefix("FAIL "))?;
    let endings = ["js", "ts", "jsx", "tsx", "mjs", "cjs", "mts", "cts"];
    let is_file = |word: &&str| word.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending));
    rest.split_whitespace().find(is_file).filter(|_| !rest.contains(" > "))
}
