//! Reads the output of a gate command.

use paddock_model::cut;

use super::report::Report;
use super::runners::Reader;
use super::runners::ctest::Ctest;
use super::runners::dotnet::Dotnet;
use super::runners::go::{self, Go};
use super::runners::java::Java;
use super::runners::libtest::{self, Libtest};
use super::runners::nextest::Nextest;
use super::runners::pytest::Pytest;
use super::runners::ruby::Ruby;
use super::runners::script::Script;
use super::runners::tap::Tap;
use super::runners::tree::Tree;
use super::runners::unittest::Unittest;

/// Most bytes that are read of a line. No summary and no name is longer.
const LINE_BYTES_MAX: usize = 4_096;

/// A reader of a gate command's output, line by line.
///
/// A command may start several runners, or one runner for several packages: their summaries add up. Lines of
/// runners that are not known are ignored.
#[derive(Default)]
pub struct OutputReader {
    report: Report,
    libtest: Libtest,
    nextest: Nextest,
    pytest: Pytest,
    unittest: Unittest,
    go: Go,
    ctest: Ctest,
    tap: Tap,
    java: Java,
    dotnet: Dotnet,
    ruby: Ruby,
    tree: Tree,
    script: Script,
}

impl OutputReader {
    /// Reads one line of output. The line feed and all escape sequences must be removed before, since many
    /// runners colour their summaries.
    pub fn push(&mut self, line: &str) {
        let line = cut::start(line.trim_end(), LINE_BYTES_MAX);
        if line.starts_with('{') && self.json(line) {
            return;
        }
        let report = &mut self.report;
        // No line is one of two runners, so the first reader that understands it is right.
        let _ = self.libtest.line(line, report)
            || self.nextest.line(line, report)
            || self.pytest.line(line, report)
            || self.unittest.line(line, report)
            || self.go.line(line, report)
            || self.ctest.line(line, report)
            || self.tap.line(line, report)
            || self.ruby.line(line, report)
            || self.tree.line(line, report)
            || self.java.line(line, report)
            || self.dotnet.line(line, report)
            || self.script.line(line, report);
    }

    fn json(&mut self, line: &str) -> bool {
        let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else { return false };
        go::json_event(&event, &mut self.report) || libtest::json_event(&event, &mut self.report)
    }

    /// Returns what the output says. Runs that are still open are unfinished.
    #[must_use]
    pub fn finish(mut self) -> Report {
        let readers: [&mut dyn Reader; 12] = [
            &mut self.libtest,
            &mut self.nextest,
            &mut self.pytest,
            &mut self.unittest,
            &mut self.go,
            &mut self.ctest,
            &mut self.tap,
            &mut self.ruby,
            &mut self.tree,
            &mut self.java,
            &mut self.dotnet,
            &mut self.script,
        ];
        for reader in readers {
            reader.finish(&mut self.report);
        }
        self.report
    }
}
