//! The Test Anything Protocol: `node --test`, mocha, vitest, bats, Perl's tests and others, alone or under
//! `prove`.

use super::super::report::{Counts, Report, Status};
use super::super::words::indent;
use super::prove::{self, Prove};
use super::{Named, Reader};

const RUNNER: &str = "TAP";
const NODE: &str = "node --test";
/// Results in the form of TAP without a plan: many checks print such lines.
const SCRIPT: &str = "check script";
/// Most levels of subtests that names show.
const LEVELS_MAX: usize = 32;

/// Reads TAP.
#[derive(Default)]
pub(crate) struct Tap {
    run: Run,
    prove: Prove,
}

/// The lines since a version, or since the plan before was fulfilled.
#[derive(Default)]
struct Run {
    /// A version, a plan or the name of a subtest was read: not only results.
    is_tap: bool,
    plan: Option<u64>,
    is_plan_last: bool,
    /// Results at the outermost level.
    results: u64,
    named: Named,
    /// Indent of the last result.
    last_width: usize,
    /// Names of the subtests that are open, with their indents.
    subtests: Vec<(usize, String)>,
    summary: Summary,
}

/// The numbers that some runners print after the results.
#[derive(Default)]
struct Summary {
    tests: Option<u64>,
    counts: Counts,
    suites: u64,
    is_node: bool,
}

impl Reader for Tap {
    fn line(&mut self, line: &str, report: &mut Report) -> bool {
        let (width, text) = indent(line);
        if width == 0
            && let Some(line) = prove::read(text, self.prove.is_open())
        {
            self.close(report);
            self.prove.push(&line, report);
            return true;
        }
        match text.as_bytes().first() {
            Some(b'o' | b'n') => self.result(width, text, report),
            Some(b'#') => self.run.comment(width, text),
            Some(b'1') if width == 0 => self.plan(text, report),
            Some(b'T') if width == 0 && text.starts_with("TAP version ") => {
                self.close(report);
                self.run.is_tap = true;
                true
            }
            Some(b'B') if width == 0 && text.starts_with("Bail out!") => {
                report.unfinished(RUNNER);
                report.stray_failures(1);
                true
            }
            _ => false,
        }
    }

    fn finish(&mut self, report: &mut Report) {
        self.close(report);
        self.prove.finish(report);
    }
}

impl Tap {
    fn close(&mut self, report: &mut Report) {
        let run = std::mem::take(&mut self.run);
        match self.prove.has_file() {
            true => self.prove.end_file(run.named),
            false => run.close(report),
        }
    }

    fn plan(&mut self, text: &str, report: &mut Report) -> bool {
        let Some(rest) = text.strip_prefix("1..") else { return false };
        let (count, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let Ok(count) = count.parse::<u64>() else { return false };
        if self.run.plan.is_some() {
            self.close(report);
        }
        self.run.is_plan_last = self.run.results > 0;
        (self.run.is_tap, self.run.plan) = (true, Some(count));
        if count == 0 && reason.trim_start().starts_with('#') {
            self.run.named.push("(all tests)", Status::Skipped);
        }
        true
    }

    fn result(&mut self, width: usize, text: &str, report: &mut Report) -> bool {
        // A line of prove itself: how the file ended.
        if text == "ok" && width == 0 && self.prove.has_file() {
            self.close(report);
            return true;
        }
        let Some(result) = TestLine::read(text, self.run.is_tap) else { return false };
        let run = &self.run;
        let is_over = run.is_plan_last && run.plan.is_some_and(|plan| run.results >= plan);
        if width == 0 && is_over {
            self.close(report);
        }
        self.run.result(width, &result);
        true
    }
}

impl Run {
    fn comment(&mut self, width: usize, text: &str) -> bool {
        if let Some(name) = text.strip_prefix("# Subtest: ") {
            self.is_tap = true;
            self.open(width, name);
            return true;
        }
        if width > 0 {
            return false;
        }
        let words: Vec<&str> = text.split_whitespace().take(4).collect();
        let ["#", word, count] = words.as_slice() else { return false };
        if *word == "duration_ms" {
            self.summary.is_node |= self.summary.tests.is_some();
            return true;
        }
        let Ok(count) = count.parse::<u64>() else { return false };
        let counts = &mut self.summary.counts;
        let field = match *word {
            "tests" => {
                self.summary.tests = Some(count);
                return true;
            }
            "suites" => {
                self.summary.suites = self.summary.suites.saturating_add(count);
                return true;
            }
            "pass" => &mut counts.passed,
            "fail" | "cancelled" => &mut counts.failed,
            "skip" | "skipped" | "todo" => &mut counts.skipped,
            _ => return false,
        };
        *field = field.saturating_add(count);
        true
    }

    fn open(&mut self, width: usize, name: &str) {
        self.subtests.retain(|(other, _)| *other < width);
        if self.subtests.len() < LEVELS_MAX {
            self.subtests.push((width, name.chars().take(200).collect()));
        }
    }

    fn result(&mut self, width: usize, result: &TestLine<'_>) {
        self.results += u64::from(width == 0);
        if result.is_opening {
            self.open(width, result.name);
            return;
        }
        self.subtests.retain(|(other, _)| *other < width);
        let mut name = String::new();
        for (_, outer) in &self.subtests {
            name.push_str(outer);
            name.push_str(" > ");
        }
        name.push_str(result.name);
        match std::mem::replace(&mut self.last_width, width) > width {
            true => self.named.push_parent(&name, result.status),
            false => self.named.push(&name, result.status),
        }
    }

    fn close(self, report: &mut Report) {
        if self.results == 0 && self.plan.is_none() && self.summary.tests.is_none() && !self.is_tap {
            return;
        }
        let mut run = self;
        // Node says how many of the results are suites, and not which. A suite is no test: it may be renamed.
        if run.summary.suites > 0 {
            run.named.forget_parents();
        }
        let runner = match (run.summary.is_node, run.is_tap || run.summary.tests.is_some()) {
            (true, _) => NODE,
            (false, true) => RUNNER,
            (false, false) => SCRIPT,
        };
        let counts = match run.summary.tests {
            Some(_) => run.summary.counts,
            None => run.named.counts(),
        };
        let ran = run.summary.tests.unwrap_or_else(|| run.named.counts().total().min(run.results));
        report.summary_line(runner, counts, ran);
        let is_short = run.plan.is_some_and(|plan| run.results < plan);
        let is_open = run.plan.is_none() && run.summary.tests.is_none();
        run.named.flush(runner, report);
        if run.is_tap && (is_short || is_open) {
            report.unfinished(runner);
        }
    }
}

/// A line such as `not ok 3 - name # TODO later`.
struct TestLine<'l> {
    name: &'l str,
    status: Status,
    /// Its subtests follow (`{` at the end).
    is_opening: bool,
}

impl<'l> TestLine<'l> {
    /// Reads a result. Outside of TAP a number or a hyphen must follow, since a sentence may begin with `ok`.
    fn read(text: &'l str, is_tap: bool) -> Option<Self> {
        let (is_ok, rest) = match text.strip_prefix("not ok") {
            Some(rest) => (false, rest),
            None => (true, text.strip_prefix("ok")?),
        };
        if !rest.is_empty() && !rest.starts_with(' ') {
            return None;
        }
        let rest = rest.trim_start();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let is_numbered = digits > 0 && (tail.is_empty() || tail.starts_with(' '));
        let tail = if is_numbered { tail.trim_start() } else { rest };
        let tail = if tail == "-" { "" } else { tail };
        let has_hyphen = tail.starts_with("- ");
        if !is_tap && !is_numbered && !has_hyphen {
            return None;
        }
        let tail = tail.strip_prefix("- ").unwrap_or(tail);
        let is_opening = tail.ends_with(" {");
        let (name, directive) = match tail.strip_prefix('#').or_else(|| Some(tail.rsplit_once(" #")?.1)) {
            Some(directive) => (tail[..tail.len() - directive.len() - 1].trim_end(), directive.trim_start()),
            None => (tail, ""),
        };
        let word = directive.split([' ', ':']).next().unwrap_or("").to_ascii_lowercase();
        let is_expected = matches!(word.as_str(), "skip" | "skipped" | "todo");
        let is_directive = is_expected || word.starts_with("time=") || is_opening;
        let name = if is_directive { name } else { tail };
        let status = match (is_ok, is_expected) {
            (_, true) => Status::Skipped,
            (true, false) => Status::Passed,
            (false, false) => Status::Failed,
        };
        Some(Self { name: if name.is_empty() { number } else { name }, status, is_opening })
    }
}
