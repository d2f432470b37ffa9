//! JUnit reports that are broken or hostile.

use crate::{JunitError, read_junit};

#[test]
fn a_report_that_ends_early_or_is_another_document_is_refused() {
    for text in ["", "<testsuite>", "<testsuites><testsuite><testcase name=\"a\"/>", "no xml"] {
        assert!(matches!(read_junit(text.as_bytes()), Err(JunitError::Truncated)), "{text}");
    }
    assert!(matches!(read_junit("<html></html>".as_bytes()), Err(JunitError::Root(name)) if name == "html"));
    assert!(matches!(read_junit("<testsuite></testcase>".as_bytes()), Err(JunitError::Xml(_))));
}

#[test]
fn bounds_hold_for_hostile_reports() {
    let deep = "<testsuite>".repeat(1_000);
    assert!(matches!(read_junit(deep.as_bytes()), Err(JunitError::TooDeep)));
    let endless =
        std::io::BufReader::new(std::io::Read::chain("<testsuite>".as_bytes(), std::io::repeat(b' ')));
    assert!(matches!(read_junit(endless), Err(JunitError::TooLarge)));
}

#[test]
fn entities_are_not_resolved() {
    let text = "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>\
        <testsuite><testcase classname=\"c\" name=\"&a; &lt;b&gt;\"/><testcase name=\"x\">&a;</testcase></testsuite>";
    let report = read_junit(text.as_bytes()).unwrap();
    let names: Vec<&String> = report.runners["JUnit"].tests.keys().collect();
    assert_eq!(names, ["c::&a; &lt;b&gt;", "x"]);
}

#[test]
fn the_worst_child_says_how_a_test_ended() {
    let text = "<testsuites><testsuite><testcase name=\"a\"><skipped/><failure/></testcase>\
        <testcase name=\"b\"><rerunFailure/></testcase><testcase name=\"c\" status=\"notrun\"/></testsuite></testsuites>";
    let report = read_junit(text.as_bytes()).unwrap();
    let counts = report.runners["JUnit"].counts;
    assert_eq!((counts.passed, counts.failed, counts.skipped), (1, 1, 1));
}
