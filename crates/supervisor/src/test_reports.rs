//! The JUnit reports that gate commands write: removed before the command, and collected right after it.
//!
//! A report counts only if the command itself has just written it. A file that an earlier command or run left,
//! or that the commit holds, would speak for tests that did not run.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use globset::Glob;
use serde::{Deserialize, Serialize};

use super::error::EffectError;
use paddock_model::settings::{GateCommand, TestReport, TestsRule};
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, write_atomic};
use paddock_os::plain;

/// Name of the file with the orders, in a run's folder.
const ORDERS_FILE: &str = "tests.json";
/// Most reports of one command. Build tools write one for each class or package.
const REPORTS_MAX: usize = 5_000;
/// Most bytes of a report. A larger one is left out, and the command reported no tests.
const REPORT_BYTES_MAX: u64 = 64 << 20;
/// Most bytes of all reports of a command.
const ALL_BYTES_MAX: u64 = 256 << 20;

/// What is asked of the tests of one gate command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestOrder {
    pub(super) rule: TestsRule,
    pub(super) min_tests: Option<u64>,
    /// Path of the JUnit report, relative to the gate's folder; `*` matches within a name.
    pub(super) junit: Option<String>,
    /// The report that the commit holds, so that none counts.
    #[serde(default)]
    pub(super) committed: Option<PathBuf>,
}

impl TestOrder {
    /// Returns the orders for the commands of a run, in order.
    #[must_use]
    pub fn from_commands(commands: &[GateCommand]) -> Vec<Self> {
        let order = |command: &GateCommand| Self {
            rule: command.tests,
            min_tests: command.min_tests,
            junit: match &command.report {
                TestReport::Auto => None,
                TestReport::Junit(path) => Some(path.clone()),
            },
            committed: None,
        };
        commands.iter().map(order).collect()
    }
}

/// Removes reports that earlier runs left in the gate's folder. Outside of the folders that are kept, a report
/// is a file of the commit; it stays, and the order remembers it.
///
/// # Errors
/// Fails if a report cannot be removed.
pub fn clear(orders: &mut [TestOrder], folder: &Path, kept: &[String]) -> Result<(), EffectError> {
    for order in orders {
        let Some(pattern) = &order.junit else { continue };
        for file in matching(folder, pattern) {
            if kept.iter().any(|kept| file.starts_with(folder.join(kept))) {
                fs::remove_file(&file).map_err(EffectError::at(&file))?;
            } else {
                order.committed = Some(file);
            }
        }
    }
    Ok(())
}

/// Writes the orders of a run into its folder, for those who read its output.
pub(super) fn write_orders(dir: &Path, orders: &[TestOrder]) -> Result<(), EffectError> {
    let file = dir.join(ORDERS_FILE);
    let text = serde_json::to_vec(orders)?;
    write_atomic(&file, &text, PRIVATE_FILE_MODE, Flush::Later).map_err(EffectError::at(&file))
}

/// Returns the orders of a run. A run of an earlier build has none.
pub(super) fn orders(dir: &Path) -> Vec<TestOrder> {
    let text = plain::read(dir.join(ORDERS_FILE)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Copies the reports that a command wrote into the run's folder, and removes what lies where the next
/// command will write its own.
///
/// # Errors
/// Fails if a report cannot be read or copied, or if there are too many.
pub(super) fn collect(
    folder: &Path,
    dir: &Path,
    place: usize,
    (order, next): (Option<&TestOrder>, Option<&TestOrder>),
) -> io::Result<()> {
    let junit = order.filter(|order| order.committed.is_none()).and_then(|order| order.junit.as_ref());
    let mut left = ALL_BYTES_MAX;
    for (number, file) in junit.into_iter().flat_map(|pattern| matching(folder, pattern)).enumerate() {
        let bytes = read_report(&file, left)?;
        left = left.saturating_sub(bytes.len() as u64);
        let copy = report_file(dir, place, number);
        write_atomic(&copy, &bytes, PRIVATE_FILE_MODE, Flush::Later).map_err(io::Error::other)?;
    }
    let next = next.filter(|order| order.committed.is_none()).and_then(|order| order.junit.as_ref());
    for file in next.into_iter().flat_map(|pattern| matching(folder, pattern)) {
        fs::remove_file(&file)?;
    }
    Ok(())
}

fn read_report(file: &Path, left: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let max = REPORT_BYTES_MAX.min(left);
    plain::open(file)?.take(max + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > max {
        true => Err(io::Error::other(format!("the report {} is too large", file.display()))),
        false => Ok(bytes),
    }
}

fn report_file(dir: &Path, place: usize, number: usize) -> PathBuf {
    dir.join(format!("report-{place}-{number}.xml"))
}

/// Returns the collected reports of a command: 1 for the first, and so on.
pub(super) fn collected(dir: &Path, place: usize) -> impl Iterator<Item = PathBuf> {
    (0..REPORTS_MAX).map(move |number| report_file(dir, place, number)).take_while(|file| file.is_file())
}

/// Returns the regular files that match a pattern, sorted. Links are not followed: code under test could make
/// one to anywhere.
fn matching(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        let matcher = part.contains(['*', '?']).then(|| Glob::new(part).ok()).flatten();
        let matcher = matcher.map(|glob| glob.compile_matcher());
        found = found
            .into_iter()
            .flat_map(|folder| match &matcher {
                None => vec![folder.join(part)],
                Some(matcher) => {
                    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
                    entries.filter(|e| matcher.is_match(e.file_name())).map(|e| e.path()).collect()
                }
            })
            .filter(|path| fs::symlink_metadata(path).is_ok_and(|found| !found.is_symlink()))
            .take(REPORTS_MAX)
            .collect();
    }
    found.retain(|path| fs::symlink_metadata(path).is_ok_and(|found| found.is_file()));
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(pattern: &str) -> TestOrder {
        TestOrder { junit: Some(pattern.to_owned()), ..TestOrder::default() }
    }

    #[test]
    fn a_report_counts_only_if_the_command_has_just_written_it() {
        let folder = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let reports = folder.path().join("target/reports");
        fs::create_dir_all(&reports).unwrap();
        fs::write(reports.join("TEST-old.xml"), "old").unwrap();
        let mut orders = [order("target/reports/TEST-*.xml")];
        clear(&mut orders, folder.path(), &["target".to_owned()]).unwrap();
        assert!(!reports.join("TEST-old.xml").exists() && orders[0].committed.is_none());
        fs::write(reports.join("TEST-b.xml"), "b").unwrap();
        fs::write(reports.join("TEST-a.xml"), "a").unwrap();
        fs::write(reports.join("other.xml"), "no report").unwrap();
        collect(folder.path(), dir.path(), 1, (Some(&orders[0]), None)).unwrap();
        let texts: Vec<String> =
            collected(dir.path(), 1).map(|file| fs::read_to_string(file).unwrap()).collect();
        assert_eq!(texts, ["a", "b"]);
    }

    #[test]
    fn a_report_that_the_commit_holds_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("junit.xml"), "forged").unwrap();
        let mut orders = [order("junit.xml")];
        clear(&mut orders, folder.path(), &["target".to_owned()]).unwrap();
        assert!(orders[0].committed.is_some() && folder.path().join("junit.xml").exists());
        collect(folder.path(), dir.path(), 1, (Some(&orders[0]), None)).unwrap();
        assert_eq!(collected(dir.path(), 1).count(), 0);
    }

    #[test]
    fn what_one_command_leaves_is_no_report_of_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("second.xml"), "planted").unwrap();
        let orders = [order("first.xml"), order("second.xml")];
        collect(folder.path(), dir.path(), 1, (Some(&orders[0]), Some(&orders[1]))).unwrap();
        assert!(!folder.path().join("second.xml").exists());
        assert_eq!(collected(dir.path(), 1).count(), 0);
    }

    #[test]
    fn links_and_pipes_are_no_reports() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("junit.xml"), "other").unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("junit.xml"), folder.path().join("link.xml")).unwrap();
        for pattern in ["out/junit.xml", "link.xml", "*/junit.xml", "*.xml"] {
            assert_eq!(matching(folder.path(), pattern), Vec::<PathBuf>::new(), "{pattern}");
        }
    }
}
