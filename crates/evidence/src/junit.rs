//! JUnit reports: the XML that most runners can write.
//!
//! A report comes from the code under test, so it may be hostile: the reader keeps one element at a time, resolves
//! no entities but the five that XML has, and stops at bounds.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use thiserror::Error;

use super::names::normalised;
use super::report::{Counts, JUNIT, Report, Status};

/// Most bytes that are read of a report.
const BYTES_MAX: u64 = 64 << 20;
/// Most levels of elements.
const DEPTH_MAX: usize = 64;
/// Class name that node gives to every test.
const NODE_CLASS: &str = "test";

/// Why a report cannot be read.
#[derive(Debug, Error)]
pub enum JunitError {
    /// It is not well-formed, or it ends early.
    #[error("the JUnit report cannot be read: {0}")]
    Xml(#[from] quick_xml::Error),
    /// Its outermost element is another.
    #[error("the JUnit report begins with <{0}>, not with <testsuites> or <testsuite>")]
    Root(String),
    /// It has no element, or ends within one.
    #[error("the JUnit report ends early")]
    Truncated,
    /// It is larger than is read.
    #[error("the JUnit report is larger than {} MB", BYTES_MAX >> 20)]
    TooLarge,
    /// Its elements are nested too deeply.
    #[error("the elements of the JUnit report are nested more than {DEPTH_MAX} levels deep")]
    TooDeep,
}

/// Reads a JUnit report. The tests of all its suites are those of one runner, named `classname::name`.
///
/// # Errors
/// Fails if the text is not well-formed XML, is no JUnit report, ends early, or exceeds a bound.
pub fn read_junit(text: impl BufRead) -> Result<Report, JunitError> {
    let mut reader = Reader::from_reader(text.take(BYTES_MAX + 1));
    let mut read = Document::default();
    let mut buffer = Vec::new();
    loop {
        let event = reader.read_event_into(&mut buffer);
        if reader.buffer_position() > BYTES_MAX {
            return Err(JunitError::TooLarge);
        }
        match event? {
            Event::Start(element) => {
                if read.depth >= DEPTH_MAX {
                    return Err(JunitError::TooDeep);
                }
                read.open(&element)?;
                read.depth += 1;
            }
            Event::Empty(element) => {
                read.open(&element)?;
                read.close(element.local_name().as_ref());
            }
            Event::End(element) => {
                read.depth = read.depth.saturating_sub(1);
                read.close(element.local_name().as_ref());
            }
            Event::Eof if read.depth > 0 || !read.has_root => return Err(JunitError::Truncated),
            Event::Eof => break,
            _ => {}
        }
        buffer.clear();
    }
    let mut report = read.report;
    let counts = read.counts;
    report.summary_line(JUNIT, counts, counts.passed.saturating_add(counts.failed));
    Ok(report)
}

/// What is read so far.
#[derive(Default)]
struct Document {
    report: Report,
    counts: Counts,
    depth: usize,
    has_root: bool,
    /// Names of the suites that are open.
    suites: Vec<String>,
    /// The test that is open.
    test: Option<(String, Status)>,
}

impl Document {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), JunitError> {
        let name = element.local_name();
        if !self.has_root && !matches!(name.as_ref(), b"testsuites" | b"testsuite") {
            return Err(JunitError::Root(String::from_utf8_lossy(name.as_ref()).into_owned()));
        }
        self.has_root = true;
        match name.as_ref() {
            b"testsuite" => self.suites.push(attribute(element, b"name").unwrap_or_default()),
            b"testcase" => self.test = Some(self.test_case(element)),
            b"failure" | b"error" => self.end_as(Status::Failed),
            b"skipped" => self.end_as(Status::Skipped),
            _ => {}
        }
        Ok(())
    }

    /// Records how the open test ended, unless it ended worse.
    fn end_as(&mut self, status: Status) {
        if let Some((_, before)) = &mut self.test {
            *before = (*before).max(status);
        }
    }

    fn test_case(&self, element: &BytesStart<'_>) -> (String, Status) {
        let name = attribute(element, b"name").unwrap_or_default();
        let class = attribute(element, b"classname").filter(|class| !class.is_empty());
        let name = match class {
            // Node names only the suites.
            Some(class) if class == NODE_CLASS => {
                let mut path = self.suites.clone();
                path.push(name);
                path.join(" > ")
            }
            Some(class) if class != name => format!("{class}::{name}"),
            _ => name,
        };
        let status = match attribute(element, b"status").as_deref() {
            Some("notrun" | "disabled" | "skipped" | "pending") => Status::Skipped,
            Some("failed" | "fail") => Status::Failed,
            _ => Status::Passed,
        };
        (normalised(&name), status)
    }

    fn close(&mut self, name: &[u8]) {
        match name {
            b"testsuite" => {
                self.suites.pop();
            }
            b"testcase" => {
                if let Some((name, status)) = self.test.take() {
                    self.counts.add(status);
                    self.report.test(JUNIT, name, status);
                }
            }
            _ => {}
        }
    }
}

/// Returns an attribute. One with an entity that XML does not have is returned as it is written.
fn attribute(element: &BytesStart<'_>, name: &[u8]) -> Option<String> {
    let found = element.attributes().flatten().find(|one| one.key.local_name().as_ref() == name)?;
    Some(match found.unescape_value() {
        Ok(value) => value.into_owned(),
        Err(_) => String::from_utf8_lossy(&found.value).into_owned(),
    })
}
