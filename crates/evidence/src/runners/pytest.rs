//! pytest, in each of its styles of output, and with pytest-xdist.

use super::super::report::{Counts, Report, Status};
use super::super::words::{after, before};
use super::{Named, Reader};

const RUNNER: &str = "pytest";
const WORDS: [(&str, Status); 6] = [
    ("PASSED", Status::Passed),
    ("FAILED", Status::Failed),
    ("ERROR", Status::Failed),
    ("SKIPPED", Status::Skipped),
    ("XFAIL", Status::Skipped),
    ("XPASS", Status::Passed),
];

/// Reads the output of pytest.
#[derive(Default)]
pub(crate) struct Pytest {
    is_open: bool,
    /// The heading was read, after which the number of collected tests must follow.
    has_heading: bool,
    /// Number of tests that were selected.
    collected: Option<u64>,
    /// Signs of progress, since the last summary. A word that begins with such a letter counts too: more signs
    /// do no harm.
    signs: u64,
    named: Named,
    /// A test whose name was printed and whose end was not, as with `-s`.
    pending: Option<String>,
}

impl Reader for Pytest {
    fn line(&mut self, line: &str, report: &mut Report) -> bool {
        let text = line.trim_matches('=').trim();
        if line.starts_with("====") && text == "test session starts" {
            self.finish(report);
            (self.is_open, self.has_heading) = (true, true);
            return true;
        }
        if let Some(count) = collected(line) {
            (self.is_open, self.collected) = (true, Some(count));
            return true;
        }
        if self.summary(text, report) || self.test(line) {
            return true;
        }
        self.signs = self.signs.saturating_add(signs(line));
        false
    }

    fn finish(&mut self, report: &mut Report) {
        if self.is_open {
            self.named.flush_unfinished(RUNNER, report);
        }
        *self = Self::default();
    }
}

/// Returns the number of tests that are to run, from `collected 10 items / 9 deselected / 1 selected` or
/// `4 workers [10 items]`.
fn collected(line: &str) -> Option<u64> {
    let line = line.strip_prefix("collecting ... ").unwrap_or(line);
    if let Some((head, rest)) = line.split_once(" workers [").or_else(|| line.split_once(" worker [")) {
        return head.parse::<u32>().ok().and_then(|_| rest.split(' ').next()?.parse().ok());
    }
    if let Some(rest) = line.strip_prefix("gw0 [") {
        return rest.split_once(']')?.0.parse().ok();
    }
    let count = after(line.strip_prefix("collected ")?, "")?;
    Some(before(line, "selected").unwrap_or(count))
}

impl Pytest {
    fn summary(&mut self, text: &str, report: &mut Report) -> bool {
        let Some(summary) = Summary::read(text) else { return false };
        if summary.is_bare && !self.is_open {
            return false;
        }
        let counts = summary.counts;
        if summary.is_listing {
            self.named.clear();
        } else {
            // A summary without the number of tests before it is one that the code under test printed.
            let is_short = self
                .collected
                .map_or(self.has_heading && counts.total() > counts.failed, |count| counts.total() < count);
            if is_short {
                report.unfinished(RUNNER);
            }
            let is_backed = self.signs.max(self.named.counts().total()) >= counts.passed;
            let ran = counts.passed.saturating_add(counts.failed).saturating_add(summary.expected);
            report.backed_line(RUNNER, counts, ran, is_backed);
        }
        self.named.flush(RUNNER, report);
        *self = Self::default();
        true
    }

    fn test(&mut self, line: &str) -> bool {
        if let Some(name) = &self.pending
            && let Some(status) = WORDS.iter().find(|(word, _)| without_progress(line).ends_with(word))
        {
            self.named.set(name, status.1);
            self.pending = None;
            return true;
        }
        if !line.contains("::") {
            return false;
        }
        if let Some((name, status)) = xdist(line).or_else(|| short_summary(line)).or_else(|| verbose(line)) {
            self.named.set(name, status);
            return true;
        }
        // With `-s` the test prints between its name and its end.
        let Some(name) = self.is_open.then(|| first_name(line)).flatten() else { return false };
        match WORDS.iter().find(|(word, _)| without_progress(line).ends_with(word)) {
            Some((_, status)) => self.named.set(name, *status),
            None => self.pending = Some(name.to_owned()),
        }
        true
    }
}

/// Returns the number of signs in `tests/test_a.py ..F.s  [ 50%]`, or at the beginning of a line.
fn signs(line: &str) -> u64 {
    let from = line.split_once(' ').filter(|(file, _)| file.ends_with(".py") || file.contains('/'));
    let from = from.map_or(line, |(_, rest)| rest);
    from.bytes().take_while(|byte| b".FEsxX,R".contains(byte)).count().try_into().unwrap_or(u64::MAX)
}

/// Returns a line without `[ 50%]`, `[1/7]` or a duration at its end.
fn without_progress(line: &str) -> &str {
    let line = line.trim_end();
    match line.strip_suffix(']').and_then(|head| head.rsplit_once('[')) {
        Some((head, inside))
            if inside.bytes().all(|byte| byte.is_ascii_digit() || b" %/.s".contains(&byte)) =>
        {
            head.trim_end()
        }
        _ => line,
    }
}

/// Returns the name that a line begins with: `tests/a.py::test_x[a b] …`.
fn first_name(line: &str) -> Option<&str> {
    let space = line.find(' ').unwrap_or(line.len());
    let end = match line.find('[').filter(|open| *open < space) {
        Some(open) => line[open..].find(']').map_or(space, |close| open + close + 1),
        None => space,
    };
    let name = &line[..end];
    name.contains(".py::").then_some(name)
}

/// Reads `[gw0] [ 50%] PASSED tests/a.py::test_x`.
fn xdist(line: &str) -> Option<(&str, Status)> {
    let rest = line.strip_prefix("[gw")?.split_once(']')?.1.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(progress) => progress.split_once(']')?.1.trim_start(),
        None => rest,
    };
    let (word, name) = rest.split_once(' ')?;
    Some((without_progress(name), status(word)?))
}

/// Reads `FAILED tests/a.py::test_x - assert 1 == 2`.
fn short_summary(line: &str) -> Option<(&str, Status)> {
    let (word, name) = line.split_once(' ')?;
    let status = status(word)?;
    // A parameter may hold ` - `, but then stands in brackets.
    let from = if name.contains('[') { name.find(']').unwrap_or(0) } else { 0 };
    let end = name[from..].find(" - ").map_or(name.len(), |at| from + at);
    Some((&name[..end], status))
}

/// Reads `tests/a.py::test_x PASSED    [ 50%]`.
fn verbose(line: &str) -> Option<(&str, Status)> {
    let line = without_progress(line);
    let first = line.find("::")?;
    if line[..first].contains(' ') {
        return None;
    }
    for (word, status) in WORDS {
        for at in [line.rfind(&format!(" {word}")), line.find(&format!(" {word} ("))].into_iter().flatten() {
            let tail = &line[at + 1 + word.len()..];
            if at > first && (tail.is_empty() || tail.starts_with(" (") && tail.ends_with(')')) {
                return Some((line[..at].trim_end(), status));
            }
        }
    }
    None
}

fn status(word: &str) -> Option<Status> {
    WORDS.iter().find(|(one, _)| *one == word).map(|(_, status)| *status)
}

/// The last line of a session.
struct Summary {
    counts: Counts,
    /// The tests were listed and not run.
    is_listing: bool,
    /// Tests that ran and failed as expected.
    expected: u64,
    /// It counts warnings only, as other tools do.
    is_bare: bool,
}

impl Summary {
    /// Reads `2 failed, 3 passed, 1 skipped in 0.12s`, without the signs around it.
    fn read(text: &str) -> Option<Self> {
        let (parts, time) = text.rsplit_once(" in ")?;
        let is_time =
            time.starts_with(|c: char| c.is_ascii_digit()) && (time.contains('s') || time.contains(')'));
        if !is_time {
            return None;
        }
        let mut counts = Counts::default();
        if parts == "no tests ran" {
            return Some(Self { counts, is_listing: false, expected: 0, is_bare: false });
        }
        if parts.contains(" collected") {
            return Some(Self { counts, is_listing: true, expected: 0, is_bare: true });
        }
        let mut expected = 0;
        for part in parts.split(", ") {
            let (number, word) = part.split_once(' ')?;
            let number: u64 = number.parse().ok()?;
            let field = match word {
                "passed" | "xpassed" | "subtests passed" => &mut counts.passed,
                "failed" | "error" | "errors" | "subtests failed" => &mut counts.failed,
                "skipped" | "xfailed" | "subtests skipped" => &mut counts.skipped,
                "deselected" | "warning" | "warnings" | "rerun" | "reruns" => continue,
                _ => return None,
            };
            *field = field.saturating_add(number);
            if word == "xfailed" {
                expected = number;
            }
        }
        let is_bare = counts.total() == 0 && !parts.contains("deselected");
        Some(Self { counts, is_listing: false, expected, is_bare })
    }
}
