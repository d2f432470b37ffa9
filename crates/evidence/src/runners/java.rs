//! Maven, Gradle, and JUnit's own runners.

use super::super::report::{Counts, Report, Status};
use super::super::words::{after, before};
use super::{Named, Reader};

const MAVEN: &str = "maven or JUnit";
const JUNIT: &str = "JUnit console";
const GRADLE: &str = "gradle";
/// Most tests of one class that are named apart.
const CLASS_TESTS_MAX: u64 = 10_000;

/// Reads the output of Java's build tools.
#[derive(Default)]
pub(crate) struct Java {
    /// The tests of single classes were counted: the total after them counts them again.
    has_classes: bool,
    gradle: Named,
    /// Gradle counts the tests if one failed.
    gradle_counts: Option<Counts>,
    console: Counts,
}

impl Reader for Java {
    fn line(&mut self, line: &str, report: &mut Report) -> bool {
        let text = line.trim();
        let text = ["[INFO] ", "[ERROR] ", "[WARNING] "]
            .iter()
            .find_map(|level| text.strip_prefix(level))
            .unwrap_or(text)
            .trim_start();
        match text.as_bytes().first() {
            Some(b'T') if text.starts_with("Tests run:") => self.tests_run(text, report),
            Some(b'N') if text.starts_with("No tests to run.") => {
                report.summary_line("maven", Counts::default(), 0);
                true
            }
            Some(b'O') => junit_ok(text, report),
            Some(b'[') => self.console(text, report),
            Some(b'>') if text.starts_with("> Task :") && text.contains("est NO-SOURCE") => {
                report.summary_line(GRADLE, Counts::default(), 0);
                true
            }
            Some(b'B') if text.starts_with("BUILD SUCCESSFUL") || text.starts_with("BUILD FAILED") => {
                self.end_gradle(report);
                true
            }
            Some(b'0'..=b'9') if text.contains(" completed, ") => self.read_counts(text),
            _ => self.gradle_test(text),
        }
    }

    fn finish(&mut self, report: &mut Report) {
        self.end_gradle(report);
    }
}

impl Java {
    /// Reads `Tests run: 3, Failures: 0, Errors: 0, Skipped: 1, Time elapsed: 0.01 s - in example.ATest`.
    fn tests_run(&mut self, text: &str, report: &mut Report) -> bool {
        let Some(run) = after(text, "Tests run:") else { return false };
        let number = |word| after(text, word).unwrap_or(0);
        let failed = number("Failures:").saturating_add(number("Errors:"));
        let skipped = number("Skipped:");
        let passed = run.saturating_sub(failed).saturating_sub(skipped);
        let counts = Counts { passed, failed, skipped };
        let class =
            text.rsplit_once(" in ").map(|(_, class)| class.trim()).filter(|class| !class.contains(' '));
        let is_class = text.contains("Time elapsed:");
        if !is_class && std::mem::take(&mut self.has_classes) {
            return true;
        }
        self.has_classes = is_class;
        report.summary_line(MAVEN, counts, run);
        if let Some(class) = class.filter(|_| is_class) {
            for (count, status) in
                [(passed, Status::Passed), (failed, Status::Failed), (skipped, Status::Skipped)]
            {
                (0..count.min(CLASS_TESTS_MAX)).for_each(|_| report.test(MAVEN, class.to_owned(), status));
            }
        }
        true
    }

    /// Reads `[         3 tests successful      ]`.
    fn console(&mut self, text: &str, report: &mut Report) -> bool {
        let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            return false;
        };
        let Some((count, what)) = inside.trim().split_once(" tests ") else { return false };
        let Ok(count) = count.parse::<u64>() else { return false };
        match what.trim() {
            "skipped" => self.console.skipped = count,
            "successful" => self.console.passed = count,
            // The last of the lines.
            "failed" => {
                self.console.failed = count;
                let counts = std::mem::take(&mut self.console);
                report.summary_line(JUNIT, counts, counts.passed.saturating_add(count));
            }
            _ => {}
        }
        true
    }

    /// Reads `example.ATest > adds() PASSED`.
    fn gradle_test(&mut self, text: &str) -> bool {
        let Some((name, word)) = text.rsplit_once(' ') else { return false };
        let status = match word {
            "PASSED" => Status::Passed,
            "FAILED" => Status::Failed,
            "SKIPPED" => Status::Skipped,
            _ => return false,
        };
        let is_test = name.contains(" > ");
        if is_test {
            self.gradle.push(name, status);
        }
        is_test
    }

    /// Reads `3 tests completed, 1 failed, 1 skipped`.
    fn read_counts(&mut self, text: &str) -> bool {
        let Some(total) = before(text, "tests").or_else(|| before(text, "test")) else { return false };
        let (failed, skipped) = (before(text, "failed").unwrap_or(0), before(text, "skipped").unwrap_or(0));
        let passed = total.saturating_sub(failed).saturating_sub(skipped);
        self.gradle_counts = Some(Counts { passed, failed, skipped });
        true
    }

    fn end_gradle(&mut self, report: &mut Report) {
        let counted = self.gradle_counts.take();
        if !self.gradle.is_empty() || counted.is_some() {
            let counts = counted.unwrap_or_else(|| self.gradle.counts());
            report.summary_line(GRADLE, counts, counts.passed.saturating_add(counts.failed));
            self.gradle.flush(GRADLE, report);
        }
    }
}

/// Reads `OK (3 tests)`.
fn junit_ok(text: &str, report: &mut Report) -> bool {
    let inside = text.strip_prefix("OK (").and_then(|rest| rest.strip_suffix(')'));
    let count =
        inside.and_then(|inside| inside.strip_suffix(" tests").or_else(|| inside.strip_suffix(" test")));
    let Some(passed) = count.and_then(|count| count.parse().ok()) else { return false };
    report.summary_line("JUnit", Counts { passed, ..Counts::default() }, passed);
    true
}
