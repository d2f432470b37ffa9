//! Reads which tests a gate command ran: from its output, or from the reports that it wrote. The names are kept
//! in the run's folder, beside the output.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::super::test_reports::{TestOrder, collected};
use super::gate_output::{EndedCommand, each_line};
use paddock_agents::terminal::plain;
use paddock_evidence::{OutputReader, Report, read_junit};
use paddock_model::evidence::{Lack, Source, Tests};
use paddock_model::settings::TestsRule;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, write_atomic};
use paddock_os::plain;

/// Bytes that are read from the end of a command's output. The keeper keeps not much more of it.
const OUTPUT_BYTES: u64 = 64 << 20;

/// What a command reported its tests.
#[derive(Default)]
pub(super) struct Reported {
    pub(super) tests: Option<Tests>,
    /// The first runner that says that it ran no test.
    pub(super) no_tests: Option<String>,
    /// Why the tests do not satisfy the command's settings.
    pub(super) lack: Option<Lack>,
}

/// Reads what a command reported its tests, and keeps the names in the run's folder.
pub(super) fn read(run: &EndedCommand<'_>, order: &TestOrder) -> Reported {
    if order.rule == TestsRule::Off {
        return Reported::default();
    }
    let (report, problem) = match &order.junit {
        Some(path) => match junit(run, order, path) {
            Ok(report) => (report, String::new()),
            Err(problem) => (Report::default(), problem),
        },
        None => (output(run), String::new()),
    };
    keep(run, &report);
    let tests = report.summary();
    Reported {
        no_tests: report.nothing_ran().map(str::to_owned),
        lack: lack_of(&tests, order, &report, &problem),
        tests: Some(tests),
    }
}

/// Returns why the tests do not satisfy the settings. A report that was asked for and is not there is no
/// fault of its own: the comparison with the base finds its tests missing.
fn lack_of(tests: &Tests, order: &TestOrder, report: &Report, problem: &str) -> Option<Lack> {
    if order.rule == TestsRule::Required && tests.source == Source::Exit && report.nothing_ran().is_none() {
        return Some(Lack::Untold(problem.to_owned()));
    }
    order.min_tests.filter(|min| tests.passed < *min).map(Lack::TooFew)
}

fn output(run: &EndedCommand<'_>) -> Report {
    let mut reader = OutputReader::default();
    let is_whole = each_line(run.stretch, run.dir, OUTPUT_BYTES, |line| push(&mut reader, line));
    let mut report = reader.finish();
    // Names that were cut off would be missing, although their tests ran.
    if !is_whole {
        report.forget_names();
    }
    report
}

/// Passes a line on as plain text: many runners colour their summary, and some write it over a progress line.
fn push(reader: &mut OutputReader, line: &str) {
    match line.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        true => plain(line.as_bytes()).lines().for_each(|line| reader.push(line)),
        false => reader.push(line),
    }
}

/// Reads the reports that the command wrote.
fn junit(run: &EndedCommand<'_>, order: &TestOrder, path: &str) -> Result<Report, String> {
    if let Some(file) = &order.committed {
        return Err(format!(
            "the commit holds {}, so it is no report of this run; write the report to a path that git ignores",
            file.display()
        ));
    }
    let files: Vec<PathBuf> = collected(run.dir, run.place).collect();
    if files.is_empty() {
        return Err(format!("it did not write the report `{path}`"));
    }
    let mut all = Report::default();
    for file in files {
        let opened = plain::open(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let report = read_junit(BufReader::new(opened))
            .map_err(|error| format!("its report `{path}` cannot be read: {error}"))?;
        all.merge(report);
    }
    Ok(all)
}

fn names_file(dir: &Path, place: usize) -> PathBuf {
    dir.join(format!("names-{place}.json"))
}

fn keep(run: &EndedCommand<'_>, report: &Report) {
    let file = names_file(run.dir, run.place);
    let text = report.to_bytes().map_err(|error| error.to_string());
    let written = text.and_then(|text| {
        write_atomic(&file, &text, PRIVATE_FILE_MODE, Flush::Later).map_err(|error| error.to_string())
    });
    if let Err(error) = written {
        tracing::warn!(file = %file.display(), %error, "the names of tests could not be kept");
    }
}

/// Returns what a command of an earlier run reported its tests; `None` if that is not known any more.
pub(super) fn kept(dir: &Path, place: usize) -> Option<Report> {
    Report::from_bytes(&plain::read(names_file(dir, place)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coloured_summaries_are_read() {
        let lines = [
            "\u{1b}[33m====== \u{1b}[33m2 skipped\u{1b}[0m\u{1b}[33m in 0.02s\u{1b}[0m ======",
            "\u{1b}[1m====== 2 skipped\u{1b}(B\u{1b}[m in 0.02s ======",
            "collecting\r\u{1b}[K====== no tests ran in 0.01s ======",
        ];
        for line in lines {
            let mut reader = OutputReader::default();
            push(&mut reader, line);
            assert_eq!(reader.finish().nothing_ran(), Some("pytest"), "{line:?}");
        }
    }

    #[test]
    fn settings_ask_for_tests() {
        let required = TestOrder { rule: TestsRule::Required, ..TestOrder::default() };
        let nothing = Report::default();
        let lack = lack_of(&nothing.summary(), &required, &nothing, "why");
        assert_eq!(lack, Some(Lack::Untold("why".to_owned())));
        let three = TestOrder { min_tests: Some(3), ..TestOrder::default() };
        let reported = |passed| Tests { passed, source: Source::Count, ..Tests::untold() };
        assert_eq!(lack_of(&reported(2), &three, &nothing, ""), Some(Lack::TooFew(3)));
        assert_eq!(lack_of(&reported(3), &three, &nothing, ""), None);
        assert_eq!(lack_of(&reported(0), &TestOrder::default(), &nothing, ""), None);
    }
}
