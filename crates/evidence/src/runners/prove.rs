//! Perl's `prove`, which runs files that print TAP. With `-v` it shows their results.

use super::super::report::{Counts, Report};
use super::super::words::after;
use super::Named;

const RUNNER: &str = "prove";

/// What prove has printed so far.
#[derive(Default)]
pub(crate) struct Prove {
    is_open: bool,
    /// The file whose results follow.
    file: Option<String>,
    named: Named,
    /// Files that were skipped as a whole.
    skipped: u64,
    failed: u64,
    tests: u64,
    /// Files whose line was read.
    seen_files: u64,
    /// Files that the summary counts.
    all_files: u64,
}

/// A line of prove itself.
pub(crate) enum ProveLine<'l> {
    /// A file, and how it ended if that is known.
    File(&'l str, &'l str),
    /// The number of files, and of their tests.
    Tests(u64, u64),
    /// The failures of a file.
    Failed(u64),
    /// The last line.
    Result(&'l str),
}

/// Reads a line of prove. `is_open` says whether it has printed one before.
pub(crate) fn read(text: &str, is_open: bool) -> Option<ProveLine<'_>> {
    if text.starts_with("Files=") {
        let files = after(text, "Files=").unwrap_or(0);
        return after(text, ", Tests=").map(|tests| ProveLine::Tests(files, tests));
    }
    if let Some(result @ ("PASS" | "FAIL" | "NOTESTS")) = text.strip_prefix("Result: ") {
        return Some(ProveLine::Result(result));
    }
    if is_open && text.contains(" (Wstat: ") {
        return after(text, " Failed: ").map(ProveLine::Failed);
    }
    let text = match text.strip_prefix('[') {
        Some(timed) => timed.split_once("] ")?.1,
        None => text,
    };
    let (file, rest) = text.split_once(" ..")?;
    let rest = rest.trim_start_matches('.');
    let end = rest.trim();
    let is_end = ["ok", "skipped:", "Failed", "Dubious"].iter().any(|word| end.starts_with(word));
    // Other tools print `name ... ok (1ms)` for a test.
    let is_header = is_path(file) && (end.is_empty() || is_end) && !end.starts_with("ok (");
    is_header.then_some(ProveLine::File(file, end))
}

fn is_path(file: &str) -> bool {
    !file.contains(' ') && (file.ends_with(".t") || file.contains('/'))
}

impl Prove {
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    pub(crate) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Ends the file whose results were printed. Its tests are named after it.
    pub(crate) fn end_file(&mut self, named: Named) {
        let Some(file) = self.file.take() else { return };
        for (name, status) in named.tests {
            self.named.push(&format!("{file}: {name}"), status);
        }
    }

    pub(crate) fn push(&mut self, line: &ProveLine<'_>, report: &mut Report) {
        self.is_open = true;
        self.seen_files = self.seen_files.saturating_add(u64::from(matches!(line, ProveLine::File(..))));
        match line {
            ProveLine::File(file, "") => self.file = Some((*file).to_owned()),
            ProveLine::File(_, end) => self.skipped += u64::from(end.starts_with("skipped")),
            ProveLine::Tests(files, tests) => {
                self.all_files = self.all_files.saturating_add(*files);
                self.tests = self.tests.saturating_add(*tests);
            }
            ProveLine::Failed(count) => self.failed = self.failed.saturating_add(*count),
            ProveLine::Result(result) => self.end(result, report),
        }
    }

    fn end(&mut self, result: &str, report: &mut Report) {
        let named = self.named.counts();
        // A file that ends early fails without a failed test.
        let failed = self.failed.max(u64::from(result == "FAIL"));
        let passed = self.tests.saturating_sub(failed).saturating_sub(named.skipped);
        let counts = Counts { passed, failed, skipped: self.skipped.saturating_add(named.skipped) };
        let ran = if result == "NOTESTS" { 0 } else { passed.saturating_add(failed) };
        report.backed_line(RUNNER, counts, ran, self.seen_files >= self.all_files);
        self.named.flush(RUNNER, report);
        *self = Self::default();
    }

    /// Records a run without a last line.
    pub(crate) fn finish(&mut self, report: &mut Report) {
        if self.is_open {
            self.named.flush_unfinished(RUNNER, report);
        }
        *self = Self::default();
    }
}
