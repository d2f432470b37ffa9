//! `dotnet test`.

use super::super::names::without_duration;
use super::super::report::{Counts, Report, Status};
use super::super::words::after;
use super::{Named, Reader};

const RUNNER: &str = "dotnet test";

/// Reads the output of `dotnet test`.
#[derive(Default)]
pub(crate) struct Dotnet {
    named: Named,
    /// The numbers of a summary in several lines.
    open: Option<Counts>,
}

impl Reader for Dotnet {
    fn line(&mut self, line: &str, report: &mut Report) -> bool {
        let text = line.trim_start();
        if let Some(counts) = &mut self.open {
            if let Some((word, count)) = text.split_once(':')
                && let Ok(count) = count.trim().parse::<u64>()
            {
                match word {
                    "Passed" => counts.passed = count,
                    "Failed" => counts.failed = count,
                    "Skipped" => counts.skipped = count,
                    _ => {}
                }
                return true;
            }
            self.finish(report);
        }
        if text.starts_with("Total tests: ") {
            self.open = Some(Counts::default());
            return true;
        }
        let is_short =
            ["Passed!  - ", "Failed!  - ", "Skipped! - "].iter().any(|head| text.starts_with(head));
        if is_short {
            let number = |word| after(text, word).unwrap_or(0);
            self.end(
                Counts { passed: number("Passed:"), failed: number("Failed:"), skipped: number("Skipped:") },
                report,
            );
            return true;
        }
        if text.starts_with("Test summary: total: ") {
            let number = |word| after(text, word).unwrap_or(0);
            self.end(
                Counts {
                    passed: number("succeeded:"),
                    failed: number("failed:"),
                    skipped: number("skipped:"),
                },
                report,
            );
            return true;
        }
        line.starts_with("  ") && self.test(text)
    }

    fn finish(&mut self, report: &mut Report) {
        if let Some(counts) = self.open.take() {
            self.end(counts, report);
        }
    }
}

impl Dotnet {
    fn end(&mut self, counts: Counts, report: &mut Report) {
        report.summary_line(RUNNER, counts, counts.passed.saturating_add(counts.failed));
        self.named.flush(RUNNER, report);
    }

    /// Reads `Passed Example.Tests.Adds [3 ms]`.
    fn test(&mut self, text: &str) -> bool {
        let Some((word, name)) = text.split_once(' ') else { return false };
        let status = match word {
            "Passed" => Status::Passed,
            "Failed" => Status::Failed,
            "Skipped" => Status::Skipped,
            _ => return false,
        };
        let name = name.trim();
        let is_timed = name.ends_with(']') && without_duration(name).len() < name.len();
        if is_timed {
            self.named.push(without_duration(name), status);
        }
        is_timed
    }
}
