//! Python's unittest, and Django's test command, which uses it.

use super::super::report::{Counts, Report, Status};
use super::super::words::after;
use super::{Named, Reader};

const RUNNER: &str = "unittest";

/// Reads the output of unittest.
#[derive(Default)]
pub(crate) struct Unittest {
    named: Named,
    /// A test whose name was printed and whose end was not: its description or its subtests follow.
    pending: Option<String>,
    /// `Ran N tests` was read; the next line with text says how they ended.
    ran: Option<u64>,
    /// Signs of progress at the beginning of lines, since the last summary. A word that begins with such a
    /// letter counts too: more signs do no harm.
    signs: u64,
    /// Headings of tracebacks, one for each failure.
    headings: u64,
}

impl Reader for Unittest {
    fn line(&mut self, line: &str, report: &mut Report) -> bool {
        if line.starts_with("Ran ")
            && (line.contains(" tests in ") || line.contains(" test in "))
            && let Some(count) = after(line, "Ran ")
        {
            self.unended(report);
            self.ran = Some(count);
            return true;
        }
        if line.is_empty() {
            return false;
        }
        self.signs = self.signs.saturating_add(leading_signs(line));
        if let Some(ran) = self.ran {
            return self.end(ran, line, report);
        }
        // The heading of a traceback: its test is counted, and named if any is.
        if let Some(head) = line.strip_prefix("FAIL: ").or_else(|| line.strip_prefix("ERROR: "))
            && name(head).is_some()
        {
            self.headings = self.headings.saturating_add(1);
            return true;
        }
        // The end of a run whose first lines are lost, or that the product printed.
        if let Some(failed) = failed(line) {
            report.stray_failures(failed);
            return true;
        }
        self.test(line)
    }

    fn finish(&mut self, report: &mut Report) {
        self.unended(report);
        if !self.named.is_empty() || self.pending.is_some() {
            self.named.flush_unfinished(RUNNER, report);
        }
        self.pending = None;
    }
}

impl Unittest {
    /// Records a run that says how many tests ran, and not how they ended.
    fn unended(&mut self, report: &mut Report) {
        if let Some(ran) = self.ran.take() {
            report.summary_line(RUNNER, self.named.counts(), ran);
            self.named.flush(RUNNER, report);
            report.unfinished(RUNNER);
        }
    }

    fn end(&mut self, ran: u64, line: &str, report: &mut Report) -> bool {
        let number = |text| after(line, text).unwrap_or(0);
        let failed = match line {
            _ if is_end(line, "OK") || is_end(line, "NO TESTS RAN") => 0,
            _ => match failed(line) {
                Some(failed) => failed,
                // A line in between, of the other threads of the program.
                None => return false,
            },
        };
        // The code under test can make the runner say that all is well.
        let failed = failed.max(self.headings);
        let skipped = number("skipped=").saturating_add(number("expected failures="));
        let passed = ran.saturating_sub(failed).saturating_sub(skipped);
        let named = self.named.counts().total();
        let is_backed = self.signs.max(named) >= passed;
        report.backed_line(RUNNER, Counts { passed, failed, skipped }, ran, is_backed);
        self.named.flush(RUNNER, report);
        *self = Self::default();
        true
    }

    fn test(&mut self, line: &str) -> bool {
        let (head, end) = match line.rsplit_once(" ... ") {
            Some((head, end)) => (head, end),
            None => match line.strip_suffix(" ...") {
                Some(head) => (head, ""),
                None => return self.without_end(line),
            },
        };
        // The second line of a test with a description has no name of its own.
        let Some(name) = name(head.trim_start()).or_else(|| self.pending.clone()) else { return false };
        match status(end) {
            Some(status) => {
                // A subtest is named after its test.
                let is_sub = head.starts_with(' ');
                self.named.set(&name, status);
                self.pending = is_sub.then_some(name);
            }
            None => self.pending = Some(name),
        }
        true
    }

    fn without_end(&mut self, line: &str) -> bool {
        if let (Some(name), Some(status)) = (&self.pending, status(line)) {
            self.named.set(name, status);
            self.pending = None;
            return true;
        }
        if let Some(name) = name(line)
            && line.ends_with(')')
        {
            self.pending = Some(name);
            return true;
        }
        false
    }
}

/// Returns the number of signs that a line begins with: `..F.s`.
fn leading_signs(line: &str) -> u64 {
    line.bytes().take_while(|byte| b".FEsxu".contains(byte)).count().try_into().unwrap_or(u64::MAX)
}

fn status(end: &str) -> Option<Status> {
    match end {
        "ok" => Some(Status::Passed),
        "FAIL" | "ERROR" | "unexpected success" => Some(Status::Failed),
        "expected failure" => Some(Status::Skipped),
        _ if end.starts_with("skipped ") && end.len() > 8 => Some(Status::Skipped),
        _ => None,
    }
}

/// Reads `test_x (package.module.Class.test_x)` or, of earlier versions, `test_x (package.module.Class)`.
fn name(head: &str) -> Option<String> {
    let (method, rest) = head.split_once(" (")?;
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '<' | '>'))
    };
    let (class, parameters) = rest.split_once(')')?;
    if !is_name(method) || !is_name(class) || !class.contains('.') && class != "__main__" {
        return None;
    }
    // Only what follows the name of a subtest may come after it.
    if !parameters.is_empty() && !parameters.starts_with(" (") && !parameters.starts_with(" [") {
        return None;
    }
    match class.rsplit_once('.') {
        Some((_, last)) if last == method => Some(class.to_owned()),
        _ => Some(format!("{class}.{method}")),
    }
}

fn is_end(line: &str, word: &str) -> bool {
    line == word || line.strip_prefix(word).is_some_and(|rest| rest.starts_with(" ("))
}

/// Returns the number of failures in `FAILED (failures=1, errors=2)`.
fn failed(line: &str) -> Option<u64> {
    let inside = line.strip_prefix("FAILED (")?;
    let parts = inside.split([',', ')']).map(str::trim);
    let counted = parts.filter(|part| {
        ["failures=", "errors=", "unexpected successes="].iter().any(|word| part.starts_with(word))
    });
    let mut numbers = counted.filter_map(|part| part.split_once('=')?.1.parse::<u64>().ok()).peekable();
    numbers.peek()?;
    Some(numbers.fold(0, u64::saturating_add))
}
