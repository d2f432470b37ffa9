//! Recordings and how they are read.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::{Report, Status, read_junit};

/// Returns a report as text: a line for each runner, then its tests.
fn shown(report: &Report) -> String {
    let mut out = String::new();
    let tests = report.summary();
    let names = if tests.names_sha256.is_some() { "named" } else { "not named" };
    writeln!(out, "{tests} ({:?}, {names})", tests.source).unwrap();
    for runner in &report.unfinished {
        writeln!(out, "unfinished: {runner}").unwrap();
    }
    if let Some(runner) = report.nothing_ran() {
        writeln!(out, "nothing ran: {runner}").unwrap();
    }
    writeln!(out, "failures: {}", report.failures()).unwrap();
    for (runner, ran) in &report.runners {
        let counts = ran.counts;
        writeln!(
            out,
            "{runner}: {} passed, {} failed, {} skipped",
            counts.passed, counts.failed, counts.skipped
        )
        .unwrap();
        for (name, status) in &ran.tests {
            let sign = match status {
                Status::Passed => '+',
                Status::Failed => '!',
                Status::Skipped => '-',
            };
            writeln!(out, "  {sign} {name}").unwrap();
        }
    }
    out
}

fn reading(path: &Path) -> String {
    let text = super::plain(&std::fs::read_to_string(path).unwrap());
    if path.extension().is_some_and(|ending| ending == "xml") {
        return match read_junit(text.as_bytes()) {
            Ok(report) => shown(&report),
            Err(error) => format!("{error}\n"),
        };
    }
    shown(&super::read(&text))
}

/// Returns the recordings of a runner, sorted.
fn recordings(runner: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(runner);
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending != "read")).collect();
    found.sort();
    assert!(!found.is_empty(), "{} is empty", folder.display());
    found
}

#[test]
fn each_recording_is_read_as_written_beside_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let writes = std::env::var_os("PADDOCK_WRITE_READINGS").is_some();
    let mut differing = String::new();
    let runners = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name());
    for path in runners.flat_map(|runner| recordings(runner.to_str().unwrap())) {
        let (read, beside) = (reading(&path), path.with_extension("read"));
        let beside = match path.extension().is_some_and(|ending| ending == "xml") {
            true => path.with_extension("xml.read"),
            false => beside,
        };
        if writes {
            std::fs::write(&beside, &read).unwrap();
        }
        let expected = std::fs::read_to_string(&beside).unwrap_or_default();
        if expected != read {
            writeln!(differing, "{}:\n{read}\nexpected:\n{expected}", path.display()).unwrap();
        }
    }
    assert!(differing.is_empty(), "{differing}");
}

#[test]
fn the_stored_form_of_each_recording_is_the_same_report() {
    for path in
        recordings("pytest").iter().filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
    {
        let report = super::read(&super::plain(&std::fs::read_to_string(path).unwrap()));
        let bytes = report.to_bytes().unwrap();
        assert_eq!(Report::from_bytes(&bytes).unwrap(), report, "{}", path.display());
    }
    assert!(Report::from_bytes(b"{\"version\":2,\"report\":{}}").is_err());
    assert!(Report::from_bytes(b"nonsense").is_err());
}
