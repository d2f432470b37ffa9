//! Runners that print a tree with marks: jest, vitest, mocha, `node --test`, bats.
//!
//! A marked line does not say which runner printed it. The lines are kept until a summary claims them.

use paddock_model::cut::start;

use super::super::names::{normalised, without_duration};
use super::super::report::{Counts, NAMES_MAX, Report, Status};
use super::super::words::indent;
use super::Reader;
use super::tree_summaries::Summaries;

/// Most levels of suites that names show.
const LEVELS_MAX: usize = 32;
/// Most bytes that are kept of a suite's name.
const SUITE_BYTES_MAX: usize = 200;

/// Reads trees of marked lines.
#[derive(Default)]
pub(crate) struct Tree {
    lines: Lines,
    summaries: Summaries,
}

/// A test of a tree.
pub(crate) struct Entry {
    /// Width of the white space before it.
    pub(crate) width: usize,
    /// Its name, after those of its file and its suites.
    pub(crate) name: String,
    pub(crate) status: Status,
    /// A duration in parentheses stood behind it.
    pub(crate) is_timed: bool,
    /// It stood under the line of a file.
    pub(crate) has_file: bool,
    /// The tests in it came before it.
    pub(crate) is_parent: bool,
}

/// The marked lines that no summary has claimed.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) entries: Vec<Entry>,
    pub(crate) is_cut: bool,
    file: Option<String>,
    suites: Vec<(usize, String)>,
}

impl Reader for Tree {
    fn line(&mut self, line: &str, report: &mut Report) -> bool {
        let (width, text) = indent(line);
        if self.summaries.line(width, text, &mut self.lines, report) {
            return true;
        }
        self.lines.line(width, text)
    }

    fn finish(&mut self, report: &mut Report) {
        self.summaries.finish(&mut self.lines, report);
    }
}

impl Lines {
    /// Moves the tests that belong to a runner into the report, and forgets the others. Without
    /// `is_complete`, tests that passed are named only if they are at least as many as the summary counts.
    pub(crate) fn claim(
        &mut self,
        runner: &str,
        counts: Counts,
        is_complete: bool,
        belongs: impl Fn(&Entry) -> bool,
        report: &mut Report,
    ) {
        let lines = std::mem::take(self);
        let entries: Vec<Entry> = lines.entries.into_iter().filter(belongs).collect();
        let passed = entries.iter().filter(|entry| entry.status == Status::Passed).count();
        let are_all = is_complete || u64::try_from(passed).unwrap_or(u64::MAX) >= counts.passed;
        for entry in entries {
            if are_all || entry.status != Status::Passed {
                report.test(runner, normalised(&entry.name), entry.status);
            }
        }
        if lines.is_cut {
            report.cut(runner);
        }
    }

    /// Begins a file: `PASS src/a.test.js`.
    pub(crate) fn begin_file(&mut self, file: &str) {
        self.suites.clear();
        self.file = Some(start(file, SUITE_BYTES_MAX).to_owned());
    }

    /// Forgets what no runner can claim any more.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn line(&mut self, width: usize, text: &str) -> bool {
        if text.is_empty() {
            if self.file.take().is_some() {
                self.suites.clear();
            }
            return false;
        }
        let Some((mark, rest)) = split_mark(width, text) else {
            if width >= 2 && text.len() <= SUITE_BYTES_MAX {
                self.open(width, text);
            }
            return false;
        };
        match mark {
            Mark::Suite => self.open(width, without_duration(rest)),
            Mark::Test(status) => self.test(width, rest, status),
        }
        true
    }

    fn open(&mut self, width: usize, name: &str) {
        if let Some(file) = vitest_file(name) {
            self.begin_file(file);
            return;
        }
        self.suites.retain(|(other, _)| *other < width);
        if self.suites.len() < LEVELS_MAX {
            self.suites.push((width, start(name, SUITE_BYTES_MAX).to_owned()));
        }
    }

    fn test(&mut self, width: usize, text: &str, status: Status) {
        let (text, status) = match text.rsplit_once(" # ") {
            // `# SKIP`, `# TODO` or the reason of a test that was skipped. A test that is to do may fail.
            Some((head, directive)) if is_timed(head) => match (status, directive) {
                (Status::Failed, other) if other != "TODO" => (head, status),
                _ => (head, Status::Skipped),
            },
            _ => (text, status),
        };
        let is_timed = is_timed(text);
        let name = without_duration(text);
        // A suite of vitest's tree: `math (2)`.
        let count = name.strip_suffix(')').and_then(|head| head.rsplit_once(" ("));
        if let Some((suite, digits)) = count
            && !is_timed
            && digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            return self.open(width, suite);
        }
        if let Some(file) = vitest_file(name) {
            return self.begin_file(file);
        }
        self.suites.retain(|(other, _)| *other < width);
        if self.entries.len() >= NAMES_MAX {
            self.is_cut = true;
            return;
        }
        let mut path = String::new();
        for outer in self.file.iter().chain(self.suites.iter().map(|(_, name)| name)) {
            path.push_str(outer);
            path.push_str(" > ");
        }
        path.push_str(start(name, SUITE_BYTES_MAX));
        let has_file = self.file.is_some() || name.contains(" > ");
        let is_parent = self.entries.last().is_some_and(|last| last.width > width);
        self.entries.push(Entry { width, name: path, status, is_timed, has_file, is_parent });
    }
}

/// Returns the file of a line of vitest such as `src/a.test.js (5 tests | 1 skipped)`.
fn vitest_file(text: &str) -> Option<&str> {
    let (file, inside) = text.strip_suffix(')')?.rsplit_once(" (")?;
    let (count, rest) = inside.split_once(' ')?;
    let is_count = count.parse::<u64>().is_ok() && (rest.starts_with("test"));
    is_count.then_some(file)
}

fn is_timed(text: &str) -> bool {
    text.trim_end().ends_with(')') && without_duration(text).len() < text.trim_end().len()
}

/// What the sign in front of a line means.
enum Mark {
    Suite,
    Test(Status),
}

fn split_mark(width: usize, text: &str) -> Option<(Mark, &str)> {
    let first = text.chars().next()?;
    let rest = &text[first.len_utf8()..];
    let mark = match first {
        '✓' | '✔' | '√' => Mark::Test(Status::Passed),
        '✗' | '✖' | '×' | '✕' | '✘' => Mark::Test(Status::Failed),
        '○' | '↓' | '□' | '﹣' | '✎' => Mark::Test(Status::Skipped),
        '▶' | '❯' => Mark::Suite,
        '-' if width >= 1 && rest.starts_with(' ') => Mark::Test(Status::Skipped),
        '0'..='9' if width >= 2 => {
            let (number, name) = text.split_once(") ")?;
            number.parse::<u32>().ok()?;
            return Some((Mark::Test(Status::Failed), name));
        }
        _ => return None,
    };
    let rest = rest.strip_prefix('\u{fe0e}').unwrap_or(rest).trim_start();
    let rest = match first {
        '○' => rest.strip_prefix("skipped ").unwrap_or(rest),
        '✎' => rest.strip_prefix("todo ").unwrap_or(rest),
        _ => rest,
    };
    Some((mark, rest))
}
